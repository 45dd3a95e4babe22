/**
 * The door of `cli/carry-out`. Here a plan is carried out: the parts are opened and wired together, and closed whatever happens. It
 * decides nothing that the rooms it calls could decide.
 */

import { systemClock } from '../../coordinator/clock.ts';
import { BATCHES_PER_CONNECTION } from '../../coordinator/limits.ts';
import { openPool } from '../../coordinator/pool/open-pool.ts';
import { openStore } from '../../coordinator/pool/open-store.ts';
import { EXIT_STOPPED, exitCodeOfCommand, type RunEnd } from '../../coordinator/run/exit-codes.ts';
import { fitDescriptors } from '../../coordinator/run/fit-descriptors.ts';
import { loadMeter } from '../../coordinator/run/load.ts';
import { type RunParts, run } from '../../coordinator/run/run.ts';
import { openFileLimit } from '../../native/open-file-limit.ts';
import { runStatus } from '../../operate/state/run-status.ts';
import { checkUnseen } from '../../preflight/check-host.ts';
import { TokenBucket } from '../../protocol/wire/token-bucket.ts';
import type { ProgramWords } from '../../report/program-words.ts';
import type { Report } from '../../report/report.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';
import { onHangup, onStatusRequest } from '../start/signals.ts';
import { begin, type Heard, startDelay, warnOf } from './begin.ts';
import { Operated } from './operated.ts';
import type { OutputFiles } from './output-files.ts';
import { steeredByAll } from './steered-by-all.ts';

/** Differences of a verb from `sync_client`. */
export interface Variation extends Heard {
  words?: ProgramWords;
  exitCode?(end: RunEnd, verdicts: Report['verdicts']): number;
  findOnlyThere?: RunParts['findOnlyThere'];
  /** Hears why the run ended before its work was done; undefined if it did not. */
  ended?(error: ErrorData | undefined): void;
}

/**
 * Does what the plan says and reports it.
 *
 * @param files opened by the caller, closed here
 * @param signal aborted: end politely
 * @returns the exit code
 */
export async function carryOut(
  plan: RunPlan,
  files: OutputFiles,
  signal: AbortSignal,
  { exitCode, words, findOnlyThere, ended, ...heard }: Variation = {},
): Promise<number> {
  await using operated = await Operated.open(plan.operate);
  await using begun = await begin(plan, files, words, heard);
  const { report, watching } = begun;
  if (!(await startDelay(plan.startDelaySeconds, report, signal))) {
    await report.close({ failures: [], unreached: [], allFound: false });
    return EXIT_STOPPED;
  }
  const { layout, locks, from } = plan.setup;
  // A run of a few users would be half as long again with all of that.
  if (!from) warnOf(checkUnseen({ layout, locks }, plan.mode.kind !== 'all'), report);
  const openFiles = openFileLimit();
  const { options } = plan.setup;
  const fitting = fitDescriptors(openFiles, plan.connections, options.lookAhead, BATCHES_PER_CONNECTION);
  const setup = {
    ...plan.setup,
    connection: { ...plan.setup.connection, pace: TokenBucket.memory() },
    options: { ...options, lookAhead: fitting.lookAhead },
  };
  using _hangup = onHangup(() => report.reopenLog());
  using _status = onStatusRequest(() =>
    report.emit({ kind: 'run:status', status: runStatus(watching.view()) }),
  );
  const end = await run(
    { ...plan, setup, mostConnections: fitting.connections, openFiles },
    {
      emit: report.emit,
      openStore: () => openStore(setup, report.emit),
      ...(findOnlyThere && { findOnlyThere }),
      openPool: (connections, emit) => openPool(setup, connections, emit),
      load: loadMeter(),
      clock: systemClock,
      random: Math.random,
      signal,
      steer: steeredByAll(operated.steeredBy({ report, watching }), begun.steer),
    },
  );
  ended?.(end.error);
  await begun.hooksEnded();
  await report.close({ ...end.summary, endedBy: end.error });
  const { verdicts } = report;
  return exitCode?.(end, verdicts) ?? exitCodeOfCommand(end, verdicts.different, plan.exitCodes);
}
