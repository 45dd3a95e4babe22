/**
 * The door of `fleet/state`. Here what lies on the queue becomes how the fleet stands: waves, users, agents, time left. It is pure, a
 * fold of plain data. It promises that a wave is done only when each of its users was proven identical, and that what cannot
 * be told from the queue is not told.
 */

import type { AgentNote, FleetNotes } from '../fleet-notes.ts';
import type { Outcome, UserResult } from '../fleet-slice.ts';
import { type Gate, LOST_TOO_OFTEN, type SliceRecord, type SliceState } from '../queue/fleet-queue.ts';

export interface FleetView {
  standing: Standing;
  users: Counts;
  /** Users among them who are on no slice: the plan is not whole on the queue. */
  onNoSlice: number;
  /** The first of those who need a person; `users` says how many there are. */
  needy: readonly UserStanding[];
  waves: readonly WaveView[];
  gates: readonly Gate[];
  agents: readonly (AgentNote & { isLost: boolean })[];
  octets: number;
  /** Octets a second, over the time in which the last slices were done. */
  rate: number | undefined;
  secondsLeft: number | undefined;
}

/** `needs-person`: nothing is left that could be done without one. `cancelled`: nobody is left who was not cancelled. */
export type Standing = 'empty' | 'waiting' | 'moving' | 'paused' | 'needs-person' | 'cancelled' | 'done';

export interface Counts {
  all: number;
  proven: number;
  cancelled: number;
  needPerson: number;
  /** Waiting, under way, or to come again. */
  left: number;
}

export interface WaveView extends Counts {
  name: string;
  /** Each of its users is proven, and nobody was left out but by the operator. */
  done: boolean;
}

/** A user as the queue tells of it last. */
export interface UserStanding {
  user: string;
  wave: string;
  master: string;
  replica: string;
  slice: string;
  round: number;
  outcome: Outcome | 'left';
  result: UserResult | undefined;
  /** Says what stands in the way, where the whole slice failed. */
  reason: string | undefined;
}

/** Milliseconds without a sign of life after which an agent is called lost. */
const LOST_AFTER_MS = 120_000;
/** Slices of which the rate is told. */
const RATE_OF_SLICES = 50;
const MOST_NEEDY = 50;
const MS_PER_SECOND = 1_000;

/** @param now milliseconds since the epoch */
export function fleetView(
  records: readonly SliceRecord[],
  notes: FleetNotes,
  gates: readonly Gate[],
  now: number,
): FleetView {
  const users = userStandings(records, notes);
  const waves = waveViews(notes, users);
  const sum = (of: (wave: WaveView) => number): number => waves.reduce((total, wave) => total + of(wave), 0);
  const counts: Counts = {
    all: sum(({ all }) => all),
    proven: sum(({ proven }) => proven),
    cancelled: sum((wave) => wave.cancelled),
    needPerson: sum(({ needPerson }) => needPerson),
    left: sum(({ left }) => left),
  };
  const agents = notes.agents.map((agent) => ({ ...agent, isLost: now - agent.seen > LOST_AFTER_MS }));
  return {
    standing: standingOf(records, waves, gates, counts),
    users: counts,
    onNoSlice: Math.max(0, counts.all - users.size),
    needy: firstNeedy(users),
    ...{ waves, gates, agents },
    octets: records.reduce((total, { result }) => total + octetsOf(result?.users), 0),
    ...paceOf(records, now),
  };
}

/** Everybody on the queue: what the last round said, or is about to say. */
export function userStandings(
  records: readonly SliceRecord[],
  { cancelledUsers, cancelledWaves }: Pick<FleetNotes, 'cancelledUsers' | 'cancelledWaves'>,
): Map<string, UserStanding> {
  const users = new Map<string, UserStanding>();
  for (const { slice, state, result, reason } of records) {
    const results = new Map(result?.users.map((one) => [one.user, one]));
    for (const user of slice.users) {
      const before = users.get(user);
      if (before !== undefined && before.round > slice.round) continue;
      const own = results.get(user);
      const isCancelled = cancelledUsers.has(user) || cancelledWaves.has(slice.wave);
      users.set(user, {
        user,
        ...{ wave: slice.wave, master: slice.master, replica: slice.replica, slice: slice.id },
        round: slice.round,
        outcome: outcomeOf(state, own, isCancelled),
        result: own,
        reason: state === 'failed' ? (reason ?? LOST_TOO_OFTEN) : undefined,
      });
    }
  }
  return users;
}

/** Whoever is under way is finished, whatever was said meanwhile; who needs a person may be given up. */
function outcomeOf(
  state: SliceState,
  own: UserResult | undefined,
  isCancelled: boolean,
): UserStanding['outcome'] {
  if (isCancelled && state !== 'active' && own?.outcome !== 'proven') return 'cancelled';
  return state === 'done' ? (own?.outcome ?? 'left') : state === 'failed' ? 'needs-person' : 'left';
}

function firstNeedy(users: ReadonlyMap<string, UserStanding>): UserStanding[] {
  const needy: UserStanding[] = [];
  for (const user of users.values()) {
    if (user.outcome === 'needs-person') needy.push(user);
    if (needy.length === MOST_NEEDY) break;
  }
  return needy;
}

function waveViews({ waves }: FleetNotes, users: ReadonlyMap<string, UserStanding>): WaveView[] {
  const counts = new Map<string, Counts>();
  for (const { name, users: all } of waves) {
    const before = counts.get(name) ?? { all: 0, proven: 0, cancelled: 0, needPerson: 0, left: 0 };
    counts.set(name, { ...before, all: before.all + all });
  }
  for (const { wave, outcome } of users.values()) {
    const count = counts.get(wave);
    if (count === undefined) continue;
    if (outcome === 'proven') count.proven += 1;
    else if (outcome === 'cancelled') count.cancelled += 1;
    else if (outcome === 'needs-person') count.needPerson += 1;
  }
  return [...counts].map(([name, count]) => {
    const { all, proven, cancelled, needPerson } = count;
    // By the plan, not by what was found on the queue: a slice that is not seen at this moment is not done either.
    const left = Math.max(0, all - proven - cancelled - needPerson);
    return { ...count, name, left, done: all > 0 && proven + cancelled === all && proven > 0 };
  });
}

function standingOf(
  records: readonly SliceRecord[],
  waves: readonly WaveView[],
  gates: readonly Gate[],
  { left, needPerson }: Counts,
): Standing {
  if (waves.length === 0) return 'empty';
  const open = waves.filter(({ all, cancelled }) => cancelled < all);
  if (open.length === 0) return 'cancelled';
  if (open.every(({ done }) => done)) return 'done';
  if (records.some(({ state }) => state === 'active')) return 'moving';
  if (left === 0 && needPerson > 0) return 'needs-person';
  const replicas = gates.filter(({ name }) => name.startsWith('replica/'));
  return replicas.length > 0 && replicas.every(({ paused }) => paused) ? 'paused' : 'waiting';
}

function paceOf(records: readonly SliceRecord[], now: number): Pick<FleetView, 'rate' | 'secondsLeft'> {
  const done = records
    .flatMap(({ result, slice }) => (result ? [{ result, slice }] : []))
    .sort((one, other) => one.result.ended - other.result.ended);
  const last = done.slice(-RATE_OF_SLICES);
  const began = Math.min(...last.map(({ result }) => result.began));
  const seconds = (now - began) / MS_PER_SECOND;
  if (last.length === 0 || seconds <= 0) return { rate: undefined, secondsLeft: undefined };
  const octets = last.reduce((sum, { result }) => sum + octetsOf(result.users), 0);
  const planned = last.reduce((sum, { slice }) => sum + slice.seconds, 0);
  const left = records
    .filter(({ state }) => state === 'waiting' || state === 'active')
    .reduce((sum, { slice }) => sum + slice.seconds, 0);
  return {
    rate: octets / seconds,
    secondsLeft: left === 0 ? 0 : planned > 0 ? left / (planned / seconds) : undefined,
  };
}

function octetsOf(users: readonly UserResult[] = []): number {
  return users.reduce((sum, { octets }) => sum + octets, 0);
}
