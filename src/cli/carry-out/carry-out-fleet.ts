import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { noteKey, readFleetNotes } from '../../fleet/fleet-notes.ts';
import type { FleetPlan } from '../../fleet/planner/fleet-plan.ts';
import { parseFleetPlan } from '../../fleet/planner/parse-fleet-plan.ts';
import { embeddedFleets } from '../../fleet/queue/embedded-fleets.ts';
import { DEFAULT_RULES, type FleetQueue, type GateName } from '../../fleet/queue/fleet-queue.ts';
import { findQueue, openQueue } from '../../fleet/queue/open-queue.ts';
import { retryUsers } from '../../fleet/retry-users.ts';
import { startFleet } from '../../fleet/start-fleet.ts';
import { fleetReport } from '../../fleet/state/fleet-report.ts';
import { type FleetView, type UserStanding, userStandings } from '../../fleet/state/fleet-view.ts';
import { nowMs } from '../../now-ms.ts';
import { printableJson } from '../../report/printable-json.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { usageError } from '../arguments/arguments.ts';
import { becomeCyrusUser } from '../run-plan/become-cyrus-user.ts';
import { identityOfHost } from '../run-plan/identity-of-host.ts';
import { onStatusRequest } from '../start/signals.ts';
import { countOf, fleetLines, userLine } from './fleet-lines.ts';
import { fleetNotStarted } from './fleet-not-started.ts';
import { DEFAULT_FLEET, DEFAULT_QUEUE, type FleetStep } from './fleet-step.ts';
import { lookAtFleet } from './look-at-fleet.ts';
import { namedInFleet } from './named-in-fleet.ts';
import { openReportFile, type ReportPlace } from './open-report-file.ts';
import { complain, printJson, printLines, untilUnread } from './print.ts';

const WATCH_MS = 1_000;
/** Between two looks so many times what one takes: a large fleet is not read all the time. */
const WATCH_PAUSES = 4;
/** Users who took longest. */
const MOST_SLOW = 50;
const MOST_SLICES = 1_000;

/** @returns the exit code */
export async function carryOutFleet(
  step: FleetStep,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  // An agent's runs say theirs as well.
  using _status = onStatusRequest(() =>
    complain(`cyrus-sync: status: step=<${step.step}> fleet=<${step.fleet ?? DEFAULT_FLEET}>`),
  );
  switch (step.step) {
    case 'plan':
    case 'sizes': {
      const { carryOutFleetPlan } = await import('./carry-out-fleet-plan.ts');
      return await carryOutFleetPlan(step, environment);
    }
    case 'agent': {
      const { carryOutFleetAgent } = await import('./carry-out-fleet-agent.ts');
      return await carryOutFleetAgent(step, () => findFleet(step, environment), environment, signal);
    }
    case 'start':
    case 'add':
      return await start(step, environment);
    default:
      return await ask(step, environment, signal);
  }
}

type Which = Pick<FleetStep, 'queue' | 'fleet' | 'leaseMs' | 'args'>;

/** @throws SyncError as `openQueue` */
async function makeFleet(which: Which, environment: NodeJS.ProcessEnv): Promise<FleetQueue> {
  const { queue = DEFAULT_QUEUE, fleet = DEFAULT_FLEET, leaseMs } = which;
  enter(queue, which, environment);
  return await openQueue(queue, fleet, { ...DEFAULT_RULES, leaseMs });
}

/** @returns undefined: there is none, and nothing was left there @throws SyncError as `openQueue` */
async function findFleet(which: Which, environment: NodeJS.ProcessEnv): Promise<FleetQueue | undefined> {
  const { queue = DEFAULT_QUEUE, fleet = DEFAULT_FLEET, leaseMs } = which;
  enter(queue, which, environment);
  return await findQueue(queue, fleet, { ...DEFAULT_RULES, leaseMs });
}

/** Agents read the store as Cyrus's user, and share a directory with whoever asks. */
function enter(queue: string, { args }: Which, environment: NodeJS.ProcessEnv): void {
  if (queue.startsWith('/')) becomeCyrusUser(identityOfHost(args, environment));
}

async function start(step: FleetStep, environment: NodeJS.ProcessEnv): Promise<number> {
  const plan = readPlan(step.name);
  if (step.fleet !== undefined && step.fleet !== plan.fleet) {
    throw usageError(`expected --fleet ${plan.fleet}, which ${step.name} is a plan for, found ${step.fleet}`);
  }
  await using queue = await makeFleet({ ...step, fleet: plan.fleet }, environment);
  const { slices, known } = await startFleet(queue, plan, step.step === 'add');
  const before = known === 0 ? '' : `, ${known} of them were there already`;
  printLines([
    `${countOf(slices, 'slice')} of ${countOf(plan.users, 'user')} on the queue ${queue.address}${before}`,
  ]);
  return EXIT_OK;
}

/** @throws SyncError IO, CONFIG */
function readPlan(file: string): FleetPlan {
  try {
    return parseFleetPlan(readFileSync(file, 'utf8'), file);
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught) || caught instanceof SyncError) throw caught;
    throw new SyncError('IO', `${file}: expected a plan, but it cannot be read (${caught.code})`, {
      phase: 'start',
      cause: caught,
    });
  }
}

async function ask(step: FleetStep, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const { name } = step;
  // The rights of the caller decide, who has named the place.
  using report = step.step === 'report' && name !== '-' ? reportFile(step) : undefined;
  await using queue = await findFleet(step, environment);
  if (queue === undefined || (await readFleetNotes(queue)).plans.length === 0) throw fleetNotStarted(step);
  switch (step.step) {
    case 'status':
      return await status(queue, step, environment, signal);
    case 'users':
      return await users(queue, step);
    case 'pause':
      return await eachReplica(
        queue,
        name,
        (gate) => queue.pause(gate),
        'paused; what is under way is finished',
      );
    case 'resume':
      return await eachReplica(queue, name, (gate) => queue.resume(gate), 'not paused');
    case 'limit':
      return await limit(queue, name);
    case 'cancel':
      return await cancel(queue, step);
    case 'retry':
      return await retry(queue, step);
    default: {
      const notes = await readFleetNotes(queue);
      const document = fleetReport(
        step.fleet ?? DEFAULT_FLEET,
        await queue.slices(),
        notes,
        await queue.gates(),
        Date.now(),
      );
      if (report === undefined) printJson(document, 1);
      else report.write(`${printableJson(document, 1)}\n`);
      return EXIT_OK;
    }
  }
}

async function status(
  queue: FleetQueue,
  { json, watch }: FleetStep,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  let view = await lookAtFleet(queue);
  const code = (): number => (view.users.needPerson > 0 ? EXIT_FAILED : EXIT_OK);
  if (!watch) {
    if (json) printJson(view);
    else printLines(fleetLines(view));
    return code();
  }
  const { openScreen } = await import('../../operate/progress/screen.ts');
  using screen = openScreen(process.stdout, environment.TERM);
  const ended = AbortSignal.any([signal, untilUnread()]);
  while (!ended.aborted) {
    const began = nowMs();
    const now = await lookPatiently(queue);
    if (!('error' in now)) view = now;
    if (json) printJson(now);
    else screen.show('error' in now ? [`no answer: ${now.error}`] : fleetLines(now));
    const tookMs = 'error' in now ? 0 : nowMs() - began;
    await wait(Math.max(WATCH_MS, tookMs * WATCH_PAUSES), undefined, { signal: ended }).catch(() => {
      // The one thing that ends it early is the signal, which is looked at next.
    });
  }
  return code();
}

/** Whoever stays on the screen is told of a queue that is away, and goes on when it is back. */
async function lookPatiently(queue: FleetQueue): Promise<FleetView | { error: string }> {
  try {
    return await lookAtFleet(queue);
  } catch (caught) {
    const { code, message } = SyncError.from(caught);
    if (code !== 'QUEUE_UNAVAILABLE') throw caught;
    return { error: message };
  }
}

async function users(queue: FleetQueue, { name, json }: FleetStep): Promise<number> {
  if (name !== 'failed' && name !== 'slow')
    throw usageError(`expected users failed or users slow, found ${shownValue(name)}`);
  const all = [...(await standings(queue)).values()];
  const shown =
    name === 'failed'
      ? all.filter(({ outcome }) => outcome === 'needs-person')
      : all
          .filter(({ result }) => result !== undefined)
          .sort((one, other) => (other.result?.seconds ?? 0) - (one.result?.seconds ?? 0))
          .slice(0, MOST_SLOW);
  if (json) printJson(shown);
  else printLines(shown.map(userLine));
  return EXIT_OK;
}

async function standings(queue: FleetQueue): Promise<Map<string, UserStanding>> {
  return userStandings(await queue.slices(), await readFleetNotes(queue));
}

async function eachReplica(
  queue: FleetQueue,
  name: string,
  work: (gate: GateName) => Promise<void>,
  after: string,
): Promise<number> {
  const gates = (await queue.gates()).map((gate) => gate.name).filter((gate) => gate.startsWith('replica/'));
  const chosen = name === 'all' ? gates : gates.filter((gate) => gate === `replica/${name}`);
  if (chosen.length === 0) throw unknownReplica(name, gates);
  for (const gate of chosen) {
    await work(gate);
    printLines([`${gate.slice('replica/'.length)} is ${after}`]);
  }
  return EXIT_OK;
}

async function limit(queue: FleetQueue, text: string): Promise<number> {
  const [, name = '', most = ''] = /^(.+)=([0-9]+)$/.exec(text) ?? [];
  const count = Number(most);
  if (name === '' || count < 1 || count > MOST_SLICES) {
    throw usageError(
      `expected limit REPLICA=N, with N from 1 to ${MOST_SLICES}, found ${shownValue(text)}; pause holds a replica`,
    );
  }
  const { replicas } = await readFleetNotes(queue);
  const short = [...replicas.values()].find(
    (replica) => (name === 'all' || replica.name === name) && (replica.connections ?? count) < count,
  );
  if (short) {
    throw usageError(
      `expected no more slices than ${short.name} has connections (${short.connections}), found ${count}; another number of connections comes with a plan that is started again`,
    );
  }
  const after = `given ${countOf(count, 'slice')} at once`;
  return await eachReplica(queue, name, (gate) => queue.limit(gate, count), after);
}

async function cancel(queue: FleetQueue, step: FleetStep): Promise<number> {
  const { name } = step;
  const { isWave, users } = namedInFleet(step, await standings(queue), await readFleetNotes(queue));
  const proven = users.filter(({ outcome }) => outcome === 'proven').length;
  if (users.length > 0 && proven === users.length) {
    const found = isWave ? `wave ${name}, all of whom are proven` : `${shownValue(name)}, who is proven`;
    throw usageError(`expected somebody who is still to be moved, found ${found}`);
  }
  await queue.note(noteKey(isWave ? 'cancelledWave' : 'user', name), true);
  const moved = proven > 0 ? `, and ${countOf(proven, 'user')} proven before stay so` : '';
  printLines([`${name} is cancelled; what is under way now is finished${moved}`]);
  return EXIT_OK;
}

async function retry(queue: FleetQueue, step: FleetStep): Promise<number> {
  const { name } = step;
  const notes = await readFleetNotes(queue);
  const { cancelledUsers, cancelledWaves } = notes;
  const all = await standings(queue);
  // Whoever is called so has to be named as a user or a wave.
  const isAll = name === 'failed' && step.kind === undefined;
  const { isWave, users: named } = isAll
    ? { isWave: false, users: [...all.values()] }
    : namedInFleet(step, all, notes);
  const needy = named.filter(({ outcome }) => outcome === 'needs-person');
  // Who was cancelled alone stays so when a wave comes again.
  const cancelled = named.filter(
    ({ user, outcome }) => outcome === 'cancelled' && !isAll && !(isWave && cancelledUsers.has(user)),
  );
  const [one] = named;
  if (one && !isAll && needy.length + cancelled.length === 0) {
    const found = isWave ? `nobody such in wave ${name}` : `"${name}", who is ${one.outcome}`;
    throw usageError(`expected somebody who needs a person or is cancelled, found ${found}`);
  }
  if (one && !isWave && cancelled.length > 0 && cancelledWaves.has(one.wave)) {
    throw usageError(`expected retry ${one.wave}, as all of that wave is cancelled, found retry ${name}`);
  }
  if (isWave && cancelledWaves.has(name)) await queue.forget(noteKey('cancelledWave', name));
  if (!isWave && !isAll && cancelledUsers.has(name)) await queue.forget(noteKey('user', name));
  // Whose slice waits is in it still; whose slice is done comes in one of its own.
  const left = cancelled.filter(({ result, reason }) => result !== undefined || reason !== undefined);
  await retryUsers(queue, await queue.slices(), [...needy, ...left]);
  printLines([`come again: ${countOf(needy.length + cancelled.length, 'user')}`]);
  return EXIT_OK;
}

/** @throws SyncError USAGE */
function reportFile(step: FleetStep): ReportPlace {
  const { queue = DEFAULT_QUEUE, fleet = DEFAULT_FLEET } = step;
  if (queue.startsWith('/') && !embeddedFleets(queue).includes(fleet)) throw fleetNotStarted(step);
  return openReportFile(step.name);
}

function unknownReplica(name: string, gates: readonly string[]): SyncError {
  const names = gates.map((gate) => gate.slice('replica/'.length)).join(', ');
  return usageError(
    `expected all or a replica of the fleet (${names === '' ? 'none is started' : names}), found ${shownValue(name)}`,
  );
}
