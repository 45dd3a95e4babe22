import type { EventListener, RunSummary, SyncEvent } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { Clock } from '../clock.ts';
import type { JobPool } from '../pool/pool.ts';
import type { Steering } from '../steering.ts';
import type { OnlyThere } from './discover.ts';
import type { Load } from './load.ts';

/** The kind of server that a connection has found. */
export type Flavour = Extract<SyncEvent, { kind: 'connection:open' }>['flavour'];

/** The world that a run works in; tests give another one. */
export interface RunParts {
  emit: EventListener;
  openStore(): MasterStore;
  /**
   * Looks for what the replica alone has, once it is known what the store has; left out: nobody is looked for there.
   *
   * @param flavour of the replica's server, as soon as a connection tells; undefined where none is needed
   */
  findOnlyThere?(
    store: MasterStore,
    emit: EventListener,
    flavour: Promise<Flavour | undefined>,
  ): Promise<OnlyThere | undefined>;
  /** @param connections at most */
  openPool(connections: number, emit: EventListener): JobPool;
  /** Since the last call. */
  load(): Load;
  clock: Clock;
  /** 0 <= r < 1 */
  random(): number;
  /** Aborted: hand out nothing more, let jobs in flight finish, end. */
  signal: AbortSignal;
  /** Takes what steers the run, until disposed of. */
  steer?(steering: Steering): Disposable;
}

export interface RunResult {
  exitCode: number;
  summary: RunSummary;
  /** Why the run ended before its work was done. */
  error: ErrorData | undefined;
}
