import { nowMs } from '../../now-ms.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { INTAKE_LOOK_MS, LEAST_LADEN_COMMANDS } from '../limits.ts';
import type { Postponing } from './messages.ts';

/** Ends a job before it sends anything. */
export class Postponed extends Error {
  /** Milliseconds that an answer of the replica needs on its way. */
  readonly wayMs: number;
  /** Milliseconds that the replica has still to do for those before it on the connection, if that is known. */
  readonly backlogMs: number | undefined;

  constructor(wayMs: number, backlogMs: number | undefined) {
    super('another connection is to do this job');
    this.wayMs = wayMs;
    this.backlogMs = backlogMs;
  }
}

/** A job that may have much to send. */
export interface LadenJob extends Disposable {
  /**
   * Called once it is known how much the job has to send. One with little passes; one with much may have to wait.
   *
   * @param commands in parts, which are counted only as far as they are read
   * @throws Postponed if another connection is to do it, also as a rejection
   */
  pass(commands: Iterable<number>): Promise<void> | undefined;
}

/**
 * Lets jobs with much to send begin on one connection. As long as what the replica has to store for those before will not
 * keep it at work until more can reach it, others begin too: on a far link that are many, and more connections would only be
 * made. Once it is behind, they are postponed, for connections to other processes of the replica. What it takes is known
 * from the first answers on; nobody waits for these longer than another connection takes to be made.
 */
export class LadenIntake {
  readonly #session: Pick<ReplicaSession, 'wayMs' | 'backlogMs'>;
  readonly #connectMs: number;
  #laden = 0;
  /** In the time of one look no more than twice as many: what they send is not under way yet. */
  #look = { untilMs: 0, places: 0 };

  /** @param connectMs how long it took to make the connection */
  constructor(session: Pick<ReplicaSession, 'wayMs' | 'backlogMs'>, connectMs: number) {
    this.#session = session;
    this.#connectMs = connectMs;
  }

  /** @param postponing undefined: whatever the job has to send, this connection does it */
  enter(postponing: Postponing | undefined): LadenJob {
    let counted = false;
    const count = (): undefined => {
      counted = true;
      this.#laden += 1;
    };
    return {
      pass: (commands) => {
        if (counted || !reaches(commands, LEAST_LADEN_COMMANDS)) return undefined;
        if (postponing === undefined || this.#laden === 0) return count();
        if (postponing === 'at-once') throw new Postponed(this.#session.wayMs, undefined);
        return this.#wait().then(count);
      },
      [Symbol.dispose]: () => {
        if (counted) this.#laden -= 1;
      },
    };
  }

  /** @throws Postponed */
  async #wait(): Promise<void> {
    const untilMs = nowMs() + this.#connectMs;
    while (!this.#takePlace()) {
      if (nowMs() >= untilMs) {
        const { wayMs, backlogMs } = this.#session;
        throw new Postponed(wayMs, backlogMs);
      }
      await new Promise((resolve) => setTimeout(resolve, INTAKE_LOOK_MS));
    }
  }

  /** @throws Postponed */
  #takePlace(): boolean {
    const { wayMs, backlogMs } = this.#session;
    if (this.#laden === 0) return true;
    if (backlogMs === undefined) return false;
    if (backlogMs >= wayMs) throw new Postponed(wayMs, backlogMs);
    const now = nowMs();
    if (now >= this.#look.untilMs) this.#look = { untilMs: now + INTAKE_LOOK_MS, places: this.#laden };
    if (this.#look.places === 0) return false;
    this.#look.places -= 1;
    return true;
  }
}

function reaches(counts: Iterable<number>, least: number): boolean {
  let sum = 0;
  for (const count of counts) {
    sum += count;
    if (sum >= least) return true;
  }
  return false;
}
