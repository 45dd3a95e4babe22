import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { Clock } from '../clock.ts';
import { TWO_CONNECTIONS_MESSAGES } from '../limits.ts';
import type { Job } from '../pool/messages.ts';
import type { Chosen } from './choice.ts';
import { discover, type SizedJob } from './discover.ts';
import type { RunMode } from './run-request.ts';

/** Everything found so far. */
export interface Findings {
  /** Jobs. */
  users: number;
  /** Those among them that have enough to send for two connections. */
  large: number;
  messages: number;
  complete: boolean;
  /** Somebody else has locked the mailbox list: the search goes on after a pause. */
  busy: boolean;
  /** Why not every job could be found; those found are done all the same. */
  error: ErrorData | undefined;
}

export const NOTHING_FOUND: Findings = {
  users: 0,
  large: 0,
  messages: 0,
  complete: false,
  busy: false,
  error: undefined,
};

/** The search for the jobs of a run, in slices, so that answers get their turn and work starts long before its end. */
export class Search {
  readonly #jobs: Generator<SizedJob | 'busy'>;
  readonly #clock: Clock;
  readonly #add: (job: Job, size: number) => void;
  #found = NOTHING_FOUND;

  /** @param add takes a job and the messages it is about */
  constructor(
    mode: RunMode,
    store: MasterStore | undefined,
    clock: Clock,
    add: (job: Job, size: number) => void,
    chosen?: Chosen,
  ) {
    this.#jobs = discover(mode, store, chosen);
    this.#clock = clock;
    this.#add = add;
  }

  /** The store has no more of them. */
  get isComplete(): boolean {
    return this.#found.complete;
  }

  /** @param milliseconds at most */
  goOn(milliseconds: number): Findings {
    const end = this.#clock.now() + milliseconds;
    this.#found = { ...this.#found, busy: false };
    while (!this.#found.complete && this.#clock.now() <= end) {
      const next = this.#next();
      if (next.done) {
        this.#found = { ...this.#found, complete: true };
      } else if (next.value === 'busy') {
        this.#found = { ...this.#found, busy: true };
        break;
      } else {
        this.take(next.value);
      }
    }
    return this.#found;
  }

  /** Takes a job that was found elsewhere, too. */
  take({ job, size }: SizedJob): void {
    this.#add(job, size ?? 0);
    const { users, large, messages, ...rest } = this.#found;
    this.#found = {
      ...rest,
      users: users + 1,
      // One of whom nobody knows may be one: no connection is made before it is at work for long.
      large: large + ((size ?? TWO_CONNECTIONS_MESSAGES) >= TWO_CONNECTIONS_MESSAGES ? 1 : 0),
      messages: messages + (size ?? 0),
    };
  }

  #next(): IteratorResult<SizedJob | 'busy', void> {
    try {
      return this.#jobs.next();
    } catch (caught) {
      this.#found = { ...this.#found, error: SyncError.from(caught, { phase: 'read' }).toData() };
      return { done: true, value: undefined };
    }
  }
}
