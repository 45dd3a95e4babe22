import { nowMs } from '../../now-ms.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import {
  INTAKE_LOOK_MS,
  LEAST_LADEN_COMMANDS,
  MOST_COUNTED_COMMANDS,
  ROUND_TRIPS_OF_JOB,
} from '../limits.ts';
import type { Postponing } from './messages.ts';

/** Ends a job before it sends anything. */
export class Postponed extends Error {
  /** Milliseconds that an answer of the replica needs on its way. */
  readonly wayMs: number;
  /** Milliseconds that the replica will be at work on one of those before it on the connection, if that is known. */
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

type PacedSession = Pick<ReplicaSession, 'wayMs' | 'backlogMs' | 'storeMs'>;

/**
 * Lets jobs with much to send begin on one connection. As long as all that those before have to send will not keep the replica
 * at work for the time in which one of them waits for answers, others begin too: on a far link that may be many, and more
 * connections would only be made. Otherwise they are postponed, for connections to other processes of the replica. What it
 * takes is known from the first answers on; nobody waits for these longer than another connection takes to be made.
 */
export class LadenIntake {
  readonly #session: PacedSession;
  readonly #connectMs: number;
  /** Those with much to send that are under way. */
  #jobs = 0;
  /** All that those have to send, as far as it was counted, sent yet or not. */
  #commands = 0;

  /** @param connectMs how long it took to make the connection */
  constructor(session: PacedSession, connectMs: number) {
    this.#session = session;
    this.#connectMs = connectMs;
  }

  /** @param postponing undefined: whatever the job has to send, this connection does it */
  enter(postponing: Postponing | undefined): LadenJob {
    let counted: number | undefined;
    const count = (commands: number): undefined => {
      counted = commands;
      this.#jobs += 1;
      this.#commands += commands;
    };
    return {
      pass: (parts) => {
        if (counted !== undefined) return undefined;
        const most = postponing === 'at-once' ? LEAST_LADEN_COMMANDS : MOST_COUNTED_COMMANDS;
        const commands = sumUpTo(parts, most);
        if (commands < LEAST_LADEN_COMMANDS) return undefined;
        if (postponing === undefined || this.#jobs === 0) return count(commands);
        if (postponing === 'at-once') throw new Postponed(this.#session.wayMs, undefined);
        return this.#wait(() => count(commands));
      },
      [Symbol.dispose]: () => {
        if (counted === undefined) return;
        this.#jobs -= 1;
        this.#commands -= counted;
      },
    };
  }

  /** @throws Postponed */
  async #wait(begin: () => void): Promise<void> {
    const untilMs = nowMs() + this.#connectMs;
    while (!this.#mayBegin()) {
      if (nowMs() >= untilMs) throw this.#postponed();
      await new Promise((resolve) => setTimeout(resolve, INTAKE_LOOK_MS));
    }
    begin();
  }

  /** @throws Postponed */
  #mayBegin(): boolean {
    if (this.#jobs === 0) return true;
    const { wayMs, storeMs } = this.#session;
    if (this.#expectedMs >= wayMs * ROUND_TRIPS_OF_JOB) throw this.#postponed();
    return storeMs !== undefined;
  }

  /** Milliseconds of the replica's work on all that the jobs under way are to send, or on what waits for it if that is more already. */
  get #expectedMs(): number {
    const { backlogMs = 0, storeMs = 0 } = this.#session;
    return Math.max(this.#commands * storeMs, backlogMs);
  }

  #postponed(): Postponed {
    return new Postponed(this.#session.wayMs, this.#expectedMs / this.#jobs);
  }
}

/** @returns the sum of all parts, or of as many as reach `most` */
function sumUpTo(parts: Iterable<number>, most: number): number {
  let sum = 0;
  for (const part of parts) {
    sum += part;
    if (sum >= most) break;
  }
  return sum;
}
