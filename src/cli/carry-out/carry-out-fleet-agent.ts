import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { readSettings, SETTINGS_VARIABLE } from '../../config/settings.ts';
import { EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { runAgent } from '../../fleet/agent/run-agent.ts';
import { readFleetNotes } from '../../fleet/fleet-notes.ts';
import type { FleetQueue } from '../../fleet/queue/fleet-queue.ts';
import { printable } from '../../report/printable.ts';
import { SyncError } from '../../report/sync-error.ts';
import { becomeCyrusUser, identityPlan } from '../run-plan/become-cyrus-user.ts';
import { webPlan } from '../run-plan/web-plan.ts';
import { checkProgramReadable } from '../start/check-program-readable.ts';
import { openAgentLog } from './agent-log.ts';
import { DEFAULT_FLEET, type FleetStep } from './fleet-step.ts';
import { holdWeb } from './join-web.ts';
import { lookAtFleet } from './look-at-fleet.ts';
import { type AgentSurroundings, checkAgentFiles, runSlice } from './run-slice.ts';

/** Milliseconds between two looks for a fleet that nobody has started yet. */
const FIND_EVERY_MS = 1_000;
const NONE_STARTED = 'expected a fleet that was started, found none';

/** @returns the exit code */
export async function carryOutFleetAgent(
  step: FleetStep,
  find: () => Promise<FleetQueue | undefined>,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const { args, masters, untilDone, leaseMs } = step;
  const identity = identityPlan(environment, undefined, undefined);
  becomeCyrusUser(identity);
  checkProgramReadable(identity.user);
  const fleet = step.fleet ?? DEFAULT_FLEET;
  const settings = readSettings(args.settingsFile ?? environment[SETTINGS_VARIABLE], undefined);
  const web = webPlan(args.metrics, settings);
  const surroundings: AgentSurroundings = {
    ...{ files: args, fleet, web, environment },
    reads: masters === undefined ? 'servers' : 'files',
  };
  checkAgentFiles(surroundings);
  using log = openAgentLog(args, fleet);
  const found = await findPatiently(find, untilDone, signal);
  if (found === undefined) return EXIT_OK;
  await using queue = found;
  await checkMasters(queue, masters, untilDone);
  const name = step.agentName ?? `${hostname()}-${process.pid}`;
  await using _port = web && (await holdWeb(web, async () => ({ fleet, ...(await lookAtFleet(queue)) })));
  await runAgent(
    { name, host: hostname(), pid: process.pid, masters, untilDone, leaseMs },
    {
      queue,
      runSlice: (slice, terms, end) => runSlice(slice, terms, surroundings, end),
      tell: log.tell,
    },
    signal,
  );
  return EXIT_OK;
}

/**
 * The queue once somebody has started a fleet there: an agent makes none, lest a mistake in its address look like a fleet.
 *
 * @returns undefined: told to stop meanwhile
 * @throws SyncError USAGE
 */
async function findPatiently(
  find: () => Promise<FleetQueue | undefined>,
  untilDone: boolean,
  signal: AbortSignal,
): Promise<FleetQueue | undefined> {
  for (let isTold = false; !signal.aborted; isTold = true) {
    const queue = await find();
    if (queue !== undefined) return queue;
    if (!isTold) waitsFor(NONE_STARTED, untilDone);
    await wait(FIND_EVERY_MS, undefined, { signal }).catch(() => {
      // The one thing that ends it early is the signal, which is looked at next.
    });
  }
  return undefined;
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
  waitsFor(
    plans.length === 0
      ? NONE_STARTED
      : `option --master expects masters of the fleet (${[...masters.keys()].join(', ')}), found "${unknown}"`,
    untilDone,
  );
}

/** @throws SyncError USAGE for an agent that is to end when nothing is left */
function waitsFor(found: string, untilDone: boolean): void {
  const hint = 'cyrus-sync fleet start PLAN starts one; --fleet and --queue say which is meant';
  if (untilDone) throw new SyncError('USAGE', found, { phase: 'start', hint });
  process.stderr.write(`cyrus-sync fleet: ${printable(found)}: waits for one (${hint})\n`);
}
