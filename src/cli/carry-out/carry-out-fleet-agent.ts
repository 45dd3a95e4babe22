import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { readSettings, SETTINGS_VARIABLE } from '../../config/settings.ts';
import { EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { runAgent } from '../../fleet/agent/run-agent.ts';
import { readFleetNotes } from '../../fleet/fleet-notes.ts';
import type { FleetQueue } from '../../fleet/queue/fleet-queue.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { becomeCyrusUser } from '../run-plan/become-cyrus-user.ts';
import { identityOfHost } from '../run-plan/identity-of-host.ts';
import { webPlan } from '../run-plan/web-plan.ts';
import { checkProgramReadable } from '../start/check-program-readable.ts';
import { openAgentLog } from './agent-log.ts';
import { fleetNotStarted } from './fleet-not-started.ts';
import { DEFAULT_FLEET, type FleetStep } from './fleet-step.ts';
import { holdWeb } from './join-web.ts';
import { lookAtFleet } from './look-at-fleet.ts';
import { complain } from './print.ts';
import { type AgentSurroundings, checkAgentFiles, runSlice } from './run-slice.ts';

/** Milliseconds between two looks for a fleet that nobody has started yet. */
const FIND_EVERY_MS = 1_000;

/** @returns the exit code */
export async function carryOutFleetAgent(
  step: FleetStep,
  find: () => Promise<FleetQueue | undefined>,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const { args, masters, untilDone, leaseMs } = step;
  const settings = readSettings(args.settingsFile ?? environment[SETTINGS_VARIABLE], undefined);
  // Its files may be readable by root alone. What each slice is planned with is read as Cyrus's user, here as well.
  const web = webPlan(args.metrics, settings);
  const identity = identityOfHost(args, environment);
  becomeCyrusUser(identity);
  checkProgramReadable(identity.user);
  const fleet = step.fleet ?? DEFAULT_FLEET;
  const surroundings: AgentSurroundings = {
    ...{ files: args, fleet, web, environment },
    reads: masters === undefined ? 'servers' : 'files',
  };
  checkAgentFiles(surroundings);
  using log = openAgentLog(args, fleet);
  const found = await findPatiently(step, find, signal);
  if (found === undefined) return EXIT_OK;
  await using queue = found;
  await checkMasters(step, queue);
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
  step: FleetStep,
  find: () => Promise<FleetQueue | undefined>,
  signal: AbortSignal,
): Promise<FleetQueue | undefined> {
  for (let isTold = false; !signal.aborted; isTold = true) {
    const queue = await find();
    if (queue !== undefined) return queue;
    if (!isTold) waitsAfter(fleetNotStarted(step), step);
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
async function checkMasters(step: FleetStep, queue: FleetQueue): Promise<void> {
  const { masters, plans } = await readFleetNotes(queue);
  if (plans.length === 0) return waitsAfter(fleetNotStarted(step), step);
  const unknown = step.masters?.find((name) => !masters.has(name));
  if (unknown === undefined) return;
  const names = [...masters.keys()].join(', ');
  const text = `option --master expects masters of the fleet (${names}), found ${shownValue(unknown)}`;
  const hint = 'cyrus-sync fleet add PLAN adds one; --fleet and --queue say which is meant';
  waitsAfter(new SyncError('USAGE', text, { phase: 'start', hint }), step);
}

/** Says what is missing, which may yet come. @throws SyncError for an agent that is to end when nothing is left */
function waitsAfter(error: SyncError, { untilDone }: FleetStep): void {
  if (untilDone) throw error;
  complain(`cyrus-sync fleet: ${error.message}: waits for it (${error.hint})`);
}
