import { hostname } from 'node:os';
import { readSettings, SETTINGS_VARIABLE } from '../../config/settings.ts';
import { EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { type AgentEvent, runAgent } from '../../fleet/agent/run-agent.ts';
import { readFleetNotes } from '../../fleet/fleet-notes.ts';
import type { FleetQueue } from '../../fleet/queue/fleet-queue.ts';
import { printable } from '../../report/printable.ts';
import { reasonWithHint } from '../../report/reasons.ts';
import { SyncError } from '../../report/sync-error.ts';
import { becomeCyrusUser, identityPlan } from '../run-plan/become-cyrus-user.ts';
import { webPlan } from '../run-plan/web-plan.ts';
import { checkProgramReadable } from '../start/check-program-readable.ts';
import { DEFAULT_FLEET, type FleetStep } from './fleet-step.ts';
import { holdWeb } from './join-web.ts';
import { type AgentSurroundings, runSlice, sliceLabel } from './run-slice.ts';

/** @returns the exit code */
export async function carryOutFleetAgent(
  step: FleetStep,
  open: () => Promise<FleetQueue>,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const { args, masters, untilDone, leaseMs } = step;
  const identity = identityPlan(environment, undefined, undefined);
  becomeCyrusUser(identity);
  checkProgramReadable(identity.user);
  await using queue = await open();
  await checkMasters(queue, masters, untilDone);
  const name = step.agentName ?? `${hostname()}-${process.pid}`;
  const settings = readSettings(args.settingsFile ?? environment[SETTINGS_VARIABLE], undefined);
  const web = webPlan(args.metrics, settings);
  await using _port = web && (await holdWeb(web));
  const surroundings: AgentSurroundings = {
    ...{ files: args, fleet: step.fleet ?? DEFAULT_FLEET, web, environment },
    reads: masters === undefined ? 'servers' : 'files',
  };
  await runAgent(
    { name, host: hostname(), pid: process.pid, masters, untilDone, leaseMs },
    {
      queue,
      runSlice: (slice, terms, end) => runSlice(slice, terms, surroundings, end),
      tell: (event) =>
        process.stderr.write(`cyrus-sync fleet: ${printable(line(event, surroundings.fleet))}\n`),
    },
    signal,
  );
  return EXIT_OK;
}

/**
 * An agent may be there before its fleet, and before a plan that its master is in. One that ends when nothing is left would end at
 * once, and nobody would know why.
 *
 * @throws SyncError USAGE
 */
async function checkMasters(
  queue: FleetQueue,
  named: readonly string[] | undefined,
  untilDone: boolean,
): Promise<void> {
  const { masters, plans } = await readFleetNotes(queue);
  const unknown = named?.find((name) => !masters.has(name));
  if (plans.length > 0 && unknown === undefined) return;
  const found =
    plans.length === 0
      ? 'expected a fleet that was started, found none'
      : `option --master expects masters of the fleet (${[...masters.keys()].join(', ')}), found "${unknown}"`;
  const hint = 'cyrus-sync fleet start PLAN starts one; --fleet and --queue say which is meant';
  if (untilDone) throw new SyncError('USAGE', found, { phase: 'start', hint });
  process.stderr.write(`cyrus-sync fleet: ${printable(found)}: waits for one (${hint})\n`);
}

function line(event: AgentEvent, fleet: string): string {
  switch (event.kind) {
    case 'queue-away':
      return reasonWithHint(event.error, (name) => name);
    case 'queue-back':
      return 'the queue answers again';
    default:
      return `${sliceText(event)} ${sliceLabel(fleet, event.slice)}: ${detailOf(event)}`;
  }
}

type AboutSlice = Extract<AgentEvent, { slice: unknown }>;

function sliceText({ kind }: AboutSlice): string {
  return {
    begins: 'begins',
    ends: 'done with',
    lost: 'has lost',
    'gives-back': 'gives back',
    fails: 'cannot do',
  }[kind];
}

function detailOf(event: AboutSlice): string {
  const { slice } = event;
  const where = `${slice.users.length} users of ${slice.master} to ${slice.replica}`;
  switch (event.kind) {
    case 'begins':
      return event.attempt === 1 ? where : `${where}, attempt ${event.attempt}`;
    case 'ends': {
      const count = (outcome: string): number =>
        event.result.users.filter((user) => user.outcome === outcome).length;
      return `${count('proven')} proven, ${count('again')} come again, ${count('needs-person')} need a person`;
    }
    case 'lost':
      return 'its lease ran out, another agent goes on with it';
    case 'gives-back':
    case 'fails':
      return event.why;
  }
}
