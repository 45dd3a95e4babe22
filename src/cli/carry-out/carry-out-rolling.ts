import { systemClock } from '../../coordinator/clock.ts';
import { openPool } from '../../coordinator/pool/open-pool.ts';
import { EXIT_STOPPED, exitCodeOfRolling } from '../../coordinator/run/exit-codes.ts';
import { fitDescriptors, mostThatFit } from '../../coordinator/run/fit-descriptors.ts';
import { loadMeter } from '../../coordinator/run/load.ts';
import { openFileLimit } from '../../native/open-file-limit.ts';
import { checkUnseen } from '../../preflight/check-host.ts';
import { TokenBucket } from '../../protocol/wire/token-bucket.ts';
import type { EventListener } from '../../report/events.ts';
import { rollingLines } from '../../report/words/rolling-lines.ts';
import { runRolling } from '../../rolling/run-rolling.ts';
import { openMasterStore } from '../../store/open-master-store.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { RollingPlan } from '../run-plan/rolling-plan.ts';
import { onHangup, onStatusRequest } from '../start/signals.ts';
import { begin, startDelay, warnOf } from './begin.ts';
import { Operated } from './operated.ts';
import { steeredByAll } from './steered-by-all.ts';

/**
 * Rolling replication of one channel until it ends by itself or is told to.
 *
 * @param channels side by side in this process, which share its descriptors
 * @param signal aborted: end politely
 * @param begun called once nothing of this host stands in the way any more
 * @param replan reads the settings again that the plan was made of
 * @returns the exit code
 */
export async function carryOutRolling(
  plan: RollingPlan,
  channels: number,
  signal: AbortSignal,
  begun: () => void,
  replan: () => RollingPlan,
): Promise<number> {
  await using operated = await Operated.open(plan.operate, plan);
  await using opened = await begin(plan);
  const { report, watching } = opened;
  if (!(await startDelay(plan.startDelaySeconds, report, signal))) {
    await report.close({ failures: [], unreached: [], allFound: true });
    return EXIT_STOPPED;
  }
  warnOf(checkUnseen({ layout: plan.setup.layout, locks: plan.setup.locks }), report);
  const openFiles = openFileLimit();
  const share = openFiles && Math.floor(openFiles / channels);
  const { layout, options: jobs } = plan.setup;
  // The limit on open files says how many users may be in flight.
  const { connections, lookAhead } = fitDescriptors(share, plan.connections, jobs.lookAhead, 1);
  const setup = {
    ...plan.setup,
    connection: { ...plan.setup.connection, pace: TokenBucket.memory() },
    options: { ...jobs, lookAhead },
  };
  using _hangup = onHangup(() => {
    report.reopenLog();
    operated.reread(report, replan);
  });
  begun();
  const emit: EventListener = (event) => {
    report.emit(event);
    // Whoever has one log read, and waits for the end, does not look into syslog for what was wrong with it.
    const isOfLog = event.kind === 'rolling:take-failed' || event.kind === 'rolling:bad-line';
    if (!isOfLog || !plan.options.once || plan.output.logToStderr) return;
    for (const { text } of rollingLines(event, (name) => externalName(layout, name))) report.remark(text);
  };
  const end = await runRolling(
    {
      layout,
      source: plan.source,
      connections,
      wantedConnections: plan.connections,
      mostConnections: mostThatFit(share, { lookAhead, batches: 1 }),
      pace: setup.connection.pace,
      unitsPerConnection: lookAhead,
      shutdownFile: plan.shutdownFile,
      fullPassMs: plan.fullPassMs,
      options: { ...plan.options, parallel: connections * lookAhead, openFiles },
    },
    {
      emit,
      openPool: (most, emit, options) => openPool(setup, most, emit, options),
      openStore: () => openMasterStore(plan.setup.layout),
      load: loadMeter(),
      clock: systemClock,
      random: Math.random,
      signal,
      onStatusRequest,
      steer: steeredByAll(operated.steeredBy({ report, watching }), opened.steer),
    },
  );
  await opened.hooksEnded();
  await report.close({ failures: end.failures, unreached: [], allFound: true, endedBy: end.error });
  return exitCodeOfRolling(end.reason, end.unfinished);
}
