import { systemClock } from '../coordinator/clock.ts';
import { CUT_GRACE, DRAIN_GRACE, THREADS_LOOK } from '../coordinator/limits.ts';
import { openPool } from '../coordinator/pool/open-pool.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_STOPPED } from '../coordinator/run/exit-codes.ts';
import { fitDescriptors } from '../coordinator/run/fit-descriptors.ts';
import { loadMeter, threadsPay } from '../coordinator/run/load.ts';
import { openFileLimit } from '../native/open-file-limit.ts';
import type { Report } from '../report/report.ts';
import { SyncError } from '../report/sync-error.ts';
import { RollingDaemon } from '../rolling/daemon/rolling-daemon.ts';
import type { RollingEnd } from '../rolling/daemon/rolling-options.ts';
import { shutdownFile } from '../rolling/daemon/shutdown-file.ts';
import { skipUsers } from '../rolling/daemon/skip-users.ts';
import { appendToLog } from '../rolling/log/append-to-log.ts';
import { ChannelLog } from '../rolling/log/channel-log.ts';
import { InputLog } from '../rolling/log/input-log.ts';
import { type SyncLog, syncLogPath } from '../rolling/log/sync-log.ts';
import { ownerBy } from '../rolling/queue/owner-by.ts';
import type { RollingPlan } from './rolling-plan.ts';
import { onStatusRequest } from './signals.ts';
import { begin, startDelay } from './start.ts';

/**
 * Rolling replication of one channel until it ends by itself or is told to.
 *
 * @param channels side by side in this process, which share its descriptors
 * @param signal aborted: end politely
 * @returns the exit code
 */
export async function carryOutRolling(
  wanted: RollingPlan,
  channels: number,
  signal: AbortSignal,
): Promise<number> {
  const plan = fitting(wanted, channels);
  const report = await begin(plan);
  if (!(await startDelay(plan.startDelay, report, signal))) {
    await report.close({ failures: [], unreached: [], allFound: true });
    return EXIT_STOPPED;
  }
  const end = signal.aborted ? stopped() : await roll(plan, report, signal);
  if (end.reason === 'signal') report.emit({ kind: 'run:stopping' });
  await report.close({ failures: end.failures, unreached: [], allFound: true, endedBy: end.error });
  return exitCode(end);
}

/** As many users in flight as the limit on open files leaves room for. */
function fitting(plan: RollingPlan, channels: number): RollingPlan {
  const openFiles = openFileLimit();
  const share = openFiles && Math.floor(openFiles / channels);
  const { options } = plan.setup;
  const { connections, lookAhead } = fitDescriptors(share, plan.workers, options.lookAhead, 1);
  return {
    ...plan,
    workers: connections,
    setup: { ...plan.setup, options: { ...options, lookAhead } },
    options: { ...plan.options, parallel: connections * lookAhead, openFiles },
  };
}

async function roll(plan: RollingPlan, report: Report, signal: AbortSignal): Promise<RollingEnd> {
  const { layout, options: jobs } = plan.setup;
  const { configdirectory } = layout;
  let daemon: RollingDaemon | undefined;
  const connections = plan.workers;
  const pool = openPool(plan.setup, connections, report.emit, {
    tasksPerConnection: jobs.lookAhead,
    onIdleClosed: () => daemon?.replicaClosedIdle(),
  });
  pool.use({ connections, threads: false });
  const load = loadMeter();
  const watch = setInterval(() => {
    if (!threadsPay(load())) return;
    pool.use({ connections, threads: true });
    clearInterval(watch);
  }, THREADS_LOOK).unref();
  let tasks = 0;
  const connect = async (): Promise<void> => {
    const { linkError } = await pool.runUnit({ id: ++tasks, unit: { users: [], actions: [] } });
    if (linkError) throw SyncError.fromData(linkError);
  };
  daemon = new RollingDaemon(plan.options, {
    log: openLog(plan, report),
    ownerOf: ownerBy(layout),
    run: (unit, apart) => pool.runUnit({ id: ++tasks, unit, apart }),
    connect,
    restart: async () => {
      pool.renew();
      await connect();
    },
    isSkipped: skipUsers(configdirectory, plan.channel),
    shutdownRequested: shutdownFile(plan.shutdownFile),
    clock: systemClock,
    random: Math.random,
    emit: report.emit,
  });
  const tellBacklog = (): void => {
    if (daemon) report.emit({ kind: 'rolling:backlog', backlog: daemon.backlog() });
  };
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    daemon?.stop();
    timers.push(setTimeout(() => pool.cut(), DRAIN_GRACE));
  };
  using _status = onStatusRequest(tellBacklog);
  signal.addEventListener('abort', stop, { once: true });
  const cutOff = new Promise<RollingEnd>((resolve) => {
    const last = (): void => {
      timers.push(setTimeout(() => resolve(stopped()), DRAIN_GRACE + CUT_GRACE));
    };
    signal.addEventListener('abort', last, { once: true });
  });
  try {
    return await Promise.race([daemon.run(), cutOff]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener('abort', stop);
    await pool.close();
  }
}

function openLog(plan: RollingPlan, report: Report): SyncLog {
  const { configdirectory } = plan.setup.layout;
  const path = syncLogPath(configdirectory, plan.channel);
  if (plan.source.kind === 'log') return new ChannelLog(path, report.emit);
  // What cannot be done now goes on through the channel's own log, if there is one.
  const relog =
    plan.channel === undefined
      ? undefined
      : (lines: Parameters<typeof appendToLog>[1]) => appendToLog(path, lines);
  const date = (): number => Date.now();
  return plan.source.kind === 'file'
    ? new InputLog(plan.source.path, date, undefined, relog)
    : new InputLog('standard input', date, process.stdin, relog);
}

function stopped(): RollingEnd {
  return { reason: 'signal', unfinished: 0, failures: [] };
}

/** As the C client's, except that what -1 or -f could not do is a failure (algorithm 14, row 6). */
function exitCode(end: RollingEnd): number {
  switch (end.reason) {
    case 'signal':
      return EXIT_STOPPED;
    case 'shutdown-file':
    case 'replica-gone':
      return EXIT_OK;
    case 'not-connected':
    case 'log-failed':
      return EXIT_FAILED;
    case 'once':
      return end.unfinished > 0 ? EXIT_FAILED : EXIT_OK;
  }
}
