import { systemClock } from '../../coordinator/clock.ts';
import { BATCHES_PER_CONNECTION } from '../../coordinator/limits.ts';
import { BatchRunner } from '../../coordinator/pool/batch-runner.ts';
import { openInlinePool } from '../../coordinator/pool/open-inline-pool.ts';
import { openStore } from '../../coordinator/pool/open-store.ts';
import type { JobPool } from '../../coordinator/pool/pool.ts';
import { realParts } from '../../coordinator/pool/real-parts.ts';
import { exitCodeOfCommand } from '../../coordinator/run/exit-codes.ts';
import { fitDescriptors } from '../../coordinator/run/fit-descriptors.ts';
import { loadMeter } from '../../coordinator/run/load.ts';
import { run } from '../../coordinator/run/run.ts';
import { openFileLimit } from '../../native/open-file-limit.ts';
import { runStatus } from '../../operate/state/run-status.ts';
import { estimateSeconds, type Pace } from '../../plan/estimate-seconds.ts';
import { planJson } from '../../plan/plan-json.ts';
import { type PlanSummary, summaryLines, userLines } from '../../plan/plan-lines.ts';
import { PlanRecord } from '../../plan/plan-record.ts';
import { PlannedReplica } from '../../plan/planned-replica.ts';
import { PlanningMaster } from '../../plan/planning-master.ts';
import { PlanningSession, type PlanParts } from '../../plan/planning-session.ts';
import { PlanningStore } from '../../plan/planning-store.ts';
import type { EventListener, SyncEvent } from '../../report/events.ts';
import { printableBytes } from '../../report/printable.ts';
import type { ProgramWords } from '../../report/program-words.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';
import { onStatusRequest } from '../start/signals.ts';
import { begin } from './begin.ts';
import { printJson, printLines } from './print.ts';

export interface PlanOptions {
  pace: Pace;
  json: boolean;
}

/** Events that tell of work as done are not told of a plan. */
const UNTOLD: readonly SyncEvent['kind'][] = [
  'user:progress',
  'user:done',
  'work:begun',
  'work:ended',
  'user:settled',
  'user:failed',
  'mailbox:merged',
  'run:end',
];

/**
 * Goes through a run without writing anything on either side, and says what it would do.
 *
 * @param signal aborted: end politely
 * @returns the exit code that the run would have
 */
export async function carryOutPlan(
  plan: RunPlan,
  { pace, json }: PlanOptions,
  signal: AbortSignal,
  words?: ProgramWords,
): Promise<number> {
  const { report, watching } = await begin(plan, {}, words);
  using _status = onStatusRequest(() =>
    report.emit({ kind: 'run:status', status: runStatus(watching.view()) }),
  );
  const openFiles = openFileLimit();
  const { options } = plan.setup;
  const fitting = fitDescriptors(openFiles, plan.connections, options.lookAhead, BATCHES_PER_CONNECTION);
  const setup = { ...plan.setup, options: { ...options, lookAhead: fitting.lookAhead } };
  const request = { ...plan, setup, mostConnections: fitting.connections, openFiles };

  const record = new PlanRecord();
  const openPool = (emit: EventListener): JobPool => {
    const store = new PlanningStore(openStore(setup, emit, false));
    // A server tells of none.
    const isTombstone = (name: string): boolean =>
      setup.from === undefined && store.lookup(name)?.deleted === true;
    const ownerOf = (name: string): string | undefined => store.ownerOf(name);
    const owners = { ownerOf, inboxName: (userid: string) => store.inboxName(userid), isTombstone };
    const parts: PlanParts = { replica: new PlannedReplica(owners), record, owners };
    const master = setup.master === undefined ? undefined : new PlanningMaster(store);
    const hear: EventListener = (event) => {
      note(event, parts, master);
      emit(event);
    };
    const create = (): BatchRunner => new BatchRunner(planningParts());
    const planningParts = (): ConstructorParameters<typeof BatchRunner>[0] => {
      const real = realParts(setup, hear, store);
      return {
        ...real,
        connect: async (listeners) => new PlanningSession(await real.connect(listeners), parts),
        scripts: {
          ...real.scripts,
          connect: async (fits) => new PlanningSession(await real.scripts.connect(fits), parts),
        },
        master,
      };
    };
    return openInlinePool({ create, onIdleClosed() {}, onClose: () => store.close() });
  };
  const end = await run(request, {
    emit: (event) => {
      // Whoever asks how it stands is told all the same.
      if (UNTOLD.includes(event.kind)) watching.hear(event);
      else report.emit(event);
      if (event.kind === 'user:failed') record.user(event.user).failure = event.error;
    },
    openStore: () => openStore(setup, report.emit),
    openPool: (_connections, emit) => openPool(emit),
    load: loadMeter(),
    clock: systemClock,
    random: Math.random,
    signal,
  });
  const { allFound, unreached, elapsedMs } = end.summary;
  await report.close({ failures: [], unreached, allFound, endedBy: end.error });

  const { totals } = record;
  const summary: PlanSummary = {
    totals,
    unprovenPartitions: [...record.unprovenPartitions],
    estimateSeconds: estimateSeconds(totals, pace, elapsedMs / 1_000),
    complete: allFound && unreached.length === 0,
  };
  const spell = (name: string): string => externalName(setup.layout, name);
  if (json) printJson(planJson(record.plans, summary, spell), 1);
  else {
    const lines = [...record.plans.flatMap((each) => userLines(each, spell)), ...summaryLines(summary)];
    printLines(lines.map(printableBytes));
  }
  return exitCodeOfCommand(end, 0, plan.exitCodes);
}

/** Facts that the engine tells and no session sees. */
function note(
  event: SyncEvent,
  { replica, record, owners }: PlanParts,
  master: PlanningMaster | undefined,
): void {
  switch (event.kind) {
    case 'user:start':
      record.user(event.user);
      break;
    case 'mailbox:merged': {
      const toMaster = event.changed === 'both' ? master?.takePart(event.name) : undefined;
      const merge = { mailbox: event.name, toReplica: replica.partOf(event.name), toMaster };
      record.user(owners.ownerOf(event.name) ?? '').conflicts.push(merge);
      break;
    }
    case 'work:ended':
      if (event.result === 'synced') for (const user of event.users) replica.forget(user);
      break;
    default:
      break;
  }
}
