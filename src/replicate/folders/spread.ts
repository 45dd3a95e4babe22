import type { EngineContext } from '../connection/engine-context.ts';
import { Lanes } from '../connection/lanes.ts';

/** Messages under way on one connection from which on another one is worth waiting for; a step of a mailbox, if that has fewer. */
const ENOUGH_MESSAGES = 512;
/** Milliseconds between two looks at whether it is there, or not needed any more. */
const LOOK_EVERY_MS = 10;

/** A connection that mailboxes go over. */
interface Lane {
  context: EngineContext;
  /** Messages of the mailboxes under way on it. */
  messages: number;
}

/** The lane of one mailbox until that is finished. */
export interface LaneUse extends Disposable {
  context: EngineContext;
}

/**
 * Spreads the mailboxes of one job over its connection and a second one, where that can be had and the first has enough to
 * do: a process of the replica flushes each message that it takes in, so that two take in twice as many. Each goes over the
 * one with less to do. What one connection has to do is enough when it is many messages and the replica is behind with
 * them; on a far link, where it is not, many more may be under way.
 */
export class Spread implements Disposable {
  readonly #lanes: Lanes;
  readonly #own: Lane;
  readonly #enough: number;
  #other: Lane | undefined;
  #isAsked = false;
  #isWanted = true;

  constructor(context: EngineContext) {
    this.#lanes = new Lanes(context);
    this.#own = { context, messages: 0 };
    const { batchSize } = context.options;
    this.#enough = batchSize > 0 ? Math.min(batchSize, ENOUGH_MESSAGES) : ENOUGH_MESSAGES;
  }

  /** @param messages of the mailbox that is next */
  async next(messages: number): Promise<LaneUse> {
    const own = this.#own;
    if (own.context.borrow) {
      while (!this.#other && own.messages > 0 && own.messages + messages > this.#enough && isBehind(own)) {
        this.#ask();
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    }
    const other = this.#other;
    const lane = other && other.messages < own.messages ? other : own;
    lane.messages += messages;
    return {
      context: lane.context,
      [Symbol.dispose]: () => {
        lane.messages -= messages;
      },
    };
  }

  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#lanes
      .beside(this.#own.context, () => this.#isWanted)
      .then(
        (context) => {
          if (context) this.#other = { context, messages: 0 };
        },
        // Whoever needs it for more than speed meets the reason.
        () => undefined,
      );
  }

  /** Once all mailboxes are finished. */
  [Symbol.dispose](): void {
    this.#isWanted = false;
    this.#lanes[Symbol.dispose]();
  }
}

function isBehind({ context: { session } }: Lane): boolean {
  const { backlogMs, wayMs } = session;
  return backlogMs === undefined || backlogMs >= wayMs;
}
