import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../coordinator/clock.ts';
import { EXIT_OK, EXIT_STOPPED, exitCodeOfError } from '../coordinator/exit-code.ts';
import { openPool } from '../coordinator/open-pool.ts';
import { run } from '../coordinator/run.ts';
import { openSyslog } from '../native/syslog.ts';
import { reasonWithHint } from '../report/failures.ts';
import { openReport, type Report } from '../report/report.ts';
import { SyncError } from '../report/sync-error.ts';
import { openMasterStore } from '../store/open-master-store.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { USAGE } from './command-line.ts';
import { becomeCyrusUser } from './identity.ts';
import { planRun } from './plan.ts';
import type { RunPlan } from './run-plan.ts';
import { listenForStop } from './signals.ts';

/**
 * The whole command.
 *
 * @param argv without interpreter and script
 * @returns the exit code
 */
export async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(argv);
  } catch (caught) {
    const code = fail(caught);
    process.stderr.write(USAGE);
    return code;
  }
  if (args.answer !== undefined) {
    process.stdout.write(args.answer);
    return EXIT_OK;
  }
  let plan: RunPlan;
  try {
    plan = planRun(args, environment);
    becomeCyrusUser(plan.identity);
  } catch (caught) {
    return fail(caught);
  }

  const { signal, stopListening } = listenForStop();
  try {
    return await runPlan(plan, signal);
  } catch (caught) {
    return fail(caught);
  } finally {
    stopListening();
  }
}

async function runPlan(plan: RunPlan, signal: AbortSignal): Promise<number> {
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
  const { exitCode, summary, error } = await run(plan, {
    emit: report.emit,
    openStore: () => openMasterStore(plan.setup.layout),
    openPool: (workers, alone, emit) => openPool(plan.setup, workers, alone, emit),
    clock: systemClock,
    random: Math.random,
    signal,
  });
  if (error) report.say(`sync_client: ${reasonWithHint(error)}`);
  await report.close(summary.failures);
  return exitCode;
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

function fail(caught: unknown): number {
  const error = SyncError.from(caught);
  process.stderr.write(`sync_client: ${reasonWithHint(error.toData())}\n`);
  return exitCodeOfError(error.code);
}
