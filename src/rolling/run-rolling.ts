/**
 * The door of `rolling`. Here one channel is replicated as its sync log grows: `log` takes the log over from Cyrus and reads
 * it, `queue` makes units of its lines and says who waits, `daemon` is the loop. It may use the coordinator's pools, clock and
 * pauses. Whenever the process dies, `log-run` and `log` name all that is not done; nobody waits for a slow, locked or failing
 * user but that user.
 */

import { Brakes } from '../coordinator/brakes.ts';
import type { Clock } from '../coordinator/clock.ts';
import { THREADS_LOOK_MS } from '../coordinator/limits.ts';
import type { Job, Outcome } from '../coordinator/pool/messages.ts';
import type { OpenPoolOptions } from '../coordinator/pool/open-pool.ts';
import type { JobPool, UnitPool } from '../coordinator/pool/pool.ts';
import { discover } from '../coordinator/run/discover.ts';
import { type Load, threadsPay } from '../coordinator/run/load.ts';
import { shutdownLadder } from '../coordinator/shutdown-ladder.ts';
import type { Steering } from '../coordinator/steering.ts';
import type { EventListener, WhyNoMore } from '../report/events.ts';
import { SyncError } from '../report/sync-error.ts';
import type { MasterStore } from '../store/master-store.ts';
import type { NameRules } from '../store/paths/mailbox-name.ts';
import { passOverAll } from './daemon/pass-over-all.ts';
import { RollingDaemon } from './daemon/rolling-daemon.ts';
import type { RollingEnd, RollingOptions } from './daemon/rolling-options.ts';
import { RollingSteering } from './daemon/rolling-steering.ts';
import { shutdownFile } from './daemon/shutdown-file.ts';
import { skipUsers } from './daemon/skip-users.ts';
import { type LogSource, openLog } from './log/open-log.ts';
import { inboxBy } from './queue/inbox-by.ts';
import { ownerBy } from './queue/owner-by.ts';
import type { InboxOf } from './queue/renamed-users.ts';

/** The part of a rolling plan that the daemon and its pool work from. */
export interface RollingRequest {
  layout: NameRules & { configdirectory: string };
  source: LogSource;
  connections: number;
  /** As asked for. */
  wantedConnections: number | 'auto';
  /** How many the limit on open files leaves room for. */
  mostConnections: number;
  /** The pace of the bucket that they share. */
  pace: SharedArrayBuffer | undefined;
  /** Units that are under way on one connection at once. */
  unitsPerConnection: number;
  /** -F, or sync_shutdown_file. */
  shutdownFile: string | undefined;
  /** Milliseconds in which everybody is compared once; 0 = never. */
  fullPassMs: number;
  options: RollingOptions;
}

/** The world that rolling replication works in; tests give another one. */
export interface RollingParts {
  emit: EventListener;
  /** @param connections at most */
  openPool(connections: number, emit: EventListener, options: OpenPoolOptions): UnitPool & JobPool;
  /** For the full pass, and for who was renamed. */
  openStore(): MasterStore;
  /** The load since the last call. */
  load(): Load;
  clock: Clock;
  /** 0 <= r < 1 */
  random(): number;
  /** Aborted: start nothing more, let what runs finish, end. */
  signal: AbortSignal;
  /** Calls `tell` whenever somebody wants to know how things stand, until disposed of. */
  onStatusRequest?(tell: () => void): Disposable;
  /** Takes what steers the channel, until disposed of. */
  steer?(steering: Steering): Disposable;
}

/**
 * Rolling replication of one channel, until it ends by itself or is told to: the daemon, with its pool around it.
 *
 * @throws SyncError IO if what is not done cannot be written to log-run
 */
export async function runRolling(request: RollingRequest, parts: RollingParts): Promise<RollingEnd> {
  const end = parts.signal.aborted ? stopped() : await roll(request, parts);
  if (end.reason === 'signal') parts.emit({ kind: 'run:stopping' });
  return end;
}

async function roll(request: RollingRequest, parts: RollingParts): Promise<RollingEnd> {
  const { connections, unitsPerConnection } = request;
  const { clock } = parts;
  let daemon: RollingDaemon | undefined;
  let open = 0;
  const emit: EventListener = (event) => {
    if (event.kind === 'connection:open') open += 1;
    else if (event.kind === 'connection:closed') open -= 1;
    else if (event.kind === 'connection:lost' && event.connection !== undefined) open -= 1;
    parts.emit(event);
  };
  const pool = parts.openPool(connections, emit, {
    tasksPerConnection: unitsPerConnection,
    onIdleClosed: () => daemon?.replicaClosedIdle(),
  });
  const brakes = new Brakes(request.pace, emit, () => daemon?.braked());
  using inboxes = inboxBy(parts.openStore, emit);
  const rolling = daemonOver(pool, request, brakes, inboxes.inboxOf, { ...parts, emit });
  daemon = rolling;
  using _status = parts.onStatusRequest?.(() => rolling.tellBacklog());
  const passEnds = new AbortController();
  /** Aborted: by an order to stop, or because the daemon has ended for another reason. */
  const halt = new AbortController();
  const passing = fullPass(pool, rolling, brakes, request, { ...parts, emit }, passEnds.signal);
  try {
    using allowance = growingThreads(pool, connections, parts);
    emit({ kind: 'run:connections', most: connections, why: whyNoMore(request, request.wantedConnections) });
    let wanted = request.wantedConnections;
    using _steering = parts.steer?.(
      new RollingSteering({
        daemon: rolling,
        brakes,
        emit,
        connections: () => ({ limit: wanted, most: request.mostConnections, open }),
        setConnections: (limit) => {
          wanted = limit;
          const most = limit === 'auto' ? connections : Math.min(limit, request.mostConnections);
          allowance.set(most);
          rolling.setParallel(most * unitsPerConnection);
          emit({ kind: 'run:connections', most, why: whyNoMore(request, limit) });
        },
        stop: () => halt.abort(),
      }),
    );
    let giveUp = (_end: RollingEnd): void => {};
    const givenUp = new Promise<RollingEnd>((resolve) => {
      giveUp = resolve;
    });
    using _ladder = shutdownLadder(AbortSignal.any([parts.signal, halt.signal]), clock, {
      drain: () => {
        passEnds.abort();
        rolling.stop();
      },
      cut: () => pool.cut(),
      // Log and log-run name whatever is not done.
      giveUp: () => giveUp(stopped()),
    });
    try {
      return await Promise.race([rolling.run(), givenUp]);
    } finally {
      // The daemon waits for its units alone. Whoever is being compared is on the same ladder, which an end without a signal
      // has not yet set out on: a silent replica, or a pause, would hold up the end for as long as it lasts.
      halt.abort();
      await Promise.race([passing, givenUp]);
    }
  } finally {
    await pool.close();
  }
}

function whyNoMore({ mostConnections }: RollingRequest, limit: number | 'auto'): WhyNoMore {
  return limit !== 'auto' && limit > mostConnections ? 'open-files' : 'asked';
}

/** Everybody once in a while, whatever the log says. */
async function fullPass(
  pool: JobPool,
  daemon: RollingDaemon,
  brakes: Brakes,
  { fullPassMs }: RollingRequest,
  { openStore, clock, emit }: RollingParts,
  signal: AbortSignal,
): Promise<void> {
  if (fullPassMs === 0) return;
  const store = openStore();
  // Units count up from 1 on the same threads.
  let batches = 0;
  const run = (job: Job): Promise<Outcome[]> => {
    batches -= 1;
    return pool.run({ id: batches, jobs: [job] });
  };
  try {
    const mayGoOn = (): boolean => daemon.mayBegin && !brakes.isPaused;
    await passOverAll(fullPassMs, { jobs: () => everybody(store), run, mayGoOn, clock, emit }, signal);
  } finally {
    store.close();
  }
}

function* everybody(store: MasterStore): Generator<Job | 'busy'> {
  for (const found of discover({ kind: 'all', prefix: undefined }, store)) {
    yield found === 'busy' ? found : found.job;
  }
}

function daemonOver(
  pool: UnitPool,
  { layout, source, shutdownFile: path, options }: RollingRequest,
  brakes: Brakes,
  inboxOf: InboxOf,
  { emit, clock, random }: RollingParts,
): RollingDaemon {
  const { configdirectory } = layout;
  let tasks = 0;
  const connect = async (): Promise<void> => {
    tasks += 1;
    const { linkError } = await pool.runUnit({ id: tasks, unit: { users: [], actions: [] } });
    if (linkError) throw SyncError.fromData(linkError);
  };
  return new RollingDaemon(options, {
    log: openLog(source, configdirectory, options.channel, emit),
    ownerOf: ownerBy(layout),
    inboxOf,
    run: async (unit, apart) => {
      tasks += 1;
      return await pool.runUnit({ id: tasks, unit, apart });
    },
    connect,
    restart: async () => {
      pool.renew();
      await connect();
    },
    isPaused: () => brakes.isPaused,
    isSkipped: skipUsers(configdirectory, options.channel),
    shutdownRequested: shutdownFile(path),
    clock,
    random,
    emit,
  });
}

interface AllowanceOfPool extends Disposable {
  set(connections: number): void;
}

/** One thread does it, until it is what the work waits for. Threads that are there stay. */
function growingThreads(pool: UnitPool, first: number, { clock, load }: RollingParts): AllowanceOfPool {
  let connections = first;
  let threads = false;
  const use = (): void => pool.use({ connections, threads });
  use();
  const look = (): void => {
    threads = threadsPay(load());
    if (threads) use();
    else cancel = clock.after(THREADS_LOOK_MS, look);
  };
  load();
  let cancel = clock.after(THREADS_LOOK_MS, look);
  return {
    set: (wanted) => {
      connections = wanted;
      use();
    },
    [Symbol.dispose]: () => cancel(),
  };
}

function stopped(): RollingEnd {
  return { reason: 'signal', unfinished: 0, failures: [] };
}
