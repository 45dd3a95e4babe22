import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../coordinator/clock.ts';
import { EXIT_STOPPED } from '../coordinator/exit-code.ts';
import { openPool } from '../coordinator/open-pool.ts';
import { run } from '../coordinator/run.ts';
import { openSyslog } from '../native/syslog.ts';
import { openReport, type Report } from '../report/report.ts';
import { openMasterStore } from '../store/open-master-store.ts';
import { extendedExitCode } from './extended-exit-code.ts';
import type { RunPlan } from './run-plan.ts';

/**
 * Does what the plan says and reports it.
 *
 * @param signal aborted: end politely
 * @returns the exit code
 */
export async function carryOut(plan: RunPlan, signal: AbortSignal): Promise<number> {
  const { stdout, stderr } = process;
  const report = await openReport({
    ...plan.output,
    channel: plan.channel,
    server: plan.setup.connection.server,
    streams: { stdout, stderr },
    openSyslog,
  });
  if (!(await startDelay(plan.startDelay, report, signal))) {
    await report.close([]);
    return EXIT_STOPPED;
  }
  const end = await run(plan, {
    emit: report.emit,
    openStore: () => openMasterStore(plan.setup.layout),
    openPool: (workers, small, emit) => openPool(plan.setup, workers, small, emit),
    clock: systemClock,
    random: Math.random,
    signal,
  });
  await report.close(end.summary.failures, end.error);
  return plan.exitCodes === 'extended' ? extendedExitCode(end) : end.exitCode;
}

/** -w. @returns false if told to stop meanwhile */
async function startDelay(seconds: number, report: Report, signal: AbortSignal): Promise<boolean> {
  if (seconds <= 0) return true;
  report.say(`Waiting for ${seconds} seconds for gdb attach...`);
  try {
    await wait(seconds * 1_000, undefined, { signal });
    return true;
  } catch {
    // The one thing that ends a wait early is the signal.
    report.emit({ kind: 'notice', level: 'notice', text: 'graceful shutdown' });
    return false;
  }
}
