/**
 * The door of `fleet/planner`. Here an inventory and the users of its masters become a plan: waves, slices, and who does not fit. It
 * is pure: the same in is the same out. It promises that each user is in one slice or among those who do not fit, that no
 * replica is planned fuller than it has room for, and that a slice is worth its way over the queue.
 */

import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { contentOf } from '../content-of.ts';
import type { FleetSlice } from '../fleet-slice.ts';
import { type FleetPlan, PLAN_SCHEMA, PLAN_VERSION, type PlannedWave, type Unfit } from './fleet-plan.ts';
import { lengthOf } from './hours.ts';
import type { Inventory, Master, PlannedPace, Replica, SizedUser, WaveRule } from './inventory.ts';

/** Seconds for a user who has nothing: some questions, and the comparison afterwards. */
const USER_SECONDS = 0.05;
/** Below this a slice is more way than work. */
export const LEAST_SLICE_SECONDS = 10;
/** A star is for any characters: what users are to expect who have userids to think of. */
const GLOB_RULES = { bash: true, dot: true, nonegate: true, strictBrackets: true } as const;

interface Candidate extends SizedUser {
  master: Master;
  seconds: number;
}

/** @param usersOf by the name of the master */
export function planFleet(
  inventory: Inventory,
  usersOf: ReadonlyMap<string, readonly SizedUser[]>,
): FleetPlan {
  const { fleet, masters, replicas, pace } = inventory;
  const unfit: Unfit[] = [];
  const known = candidates(masters, usersOf, pace, unfit);
  const room = new Map(replicas.map(({ name, space }) => [name, space ?? Number.POSITIVE_INFINITY]));
  const planned = new Map<string, number>(replicas.map(({ name }) => [name, 0]));
  const waves: PlannedWave[] = [];
  let left: Iterable<Candidate> = known.values();
  for (const rule of inventory.waves) {
    unfit.push(...unknownOf(rule, known, unfit));
    const isMeant = meantBy(rule);
    const pairings = new Map<string, Candidate[]>();
    const others: Candidate[] = [];
    const members: Candidate[] = [];
    for (const candidate of left) (isMeant(candidate) ? members : others).push(candidate);
    left = others;
    // The largest find room first, and are begun first.
    members.sort((one, other) => other.seconds - one.seconds || (one.user < other.user ? -1 : 1));
    for (const member of members) {
      const replica = choose(rule, member, replicas, planned, room);
      if (replica === undefined) {
        unfit.push(doesNotFit(member, 'no-room', `no room on ${rule.replicas.join(', ')}`));
        continue;
      }
      const day = Math.min(lengthOf(member.master.hours), lengthOf(replica.hours));
      if (member.seconds > day) {
        unfit.push(
          doesNotFit(member, 'too-long', `${Math.round(member.seconds)} s do not fit into the hours`),
        );
        continue;
      }
      planned.set(replica.name, (planned.get(replica.name) ?? 0) + member.octets);
      const pairing = `${member.master.name}\n${replica.name}`;
      const ofPairing = pairings.get(pairing);
      if (ofPairing) ofPairing.push(member);
      else pairings.set(pairing, [member]);
    }
    waves.push(waveOf(rule, pairings, inventory));
  }
  for (const each of left) unfit.push(doesNotFit(each, 'no-wave', 'no [wave ...] of the inventory names it'));
  const sum = (of: (wave: PlannedWave) => number): number =>
    waves.reduce((total, wave) => total + of(wave), 0);
  return {
    ...{ schema: PLAN_SCHEMA, version: PLAN_VERSION, fleet, masters, replicas, waves, unfit },
    users: sum(({ users }) => users),
    messages: sum(({ messages }) => messages),
    octets: sum(({ octets }) => octets),
    seconds: sum(({ seconds }) => seconds),
  };
}

/** Everybody who is on one master alone. */
function candidates(
  masters: readonly Master[],
  usersOf: ReadonlyMap<string, readonly SizedUser[]>,
  pace: PlannedPace,
  unfit: Unfit[],
): Map<string, Candidate> {
  const known = new Map<string, Candidate>();
  const twice = new Set<string>();
  for (const master of masters) {
    for (const sized of usersOf.get(master.name) ?? []) {
      const other = known.get(sized.user);
      if (other !== undefined) {
        twice.add(sized.user);
        unfit.push({
          ...{ user: sized.user, master: master.name, reason: 'twice' },
          detail:
            other.master === master
              ? 'the list of its master names it more than once: leave one line'
              : 'several masters have it: say which one is right by removing it from the list of the other',
        });
        continue;
      }
      known.set(sized.user, { ...sized, master, seconds: secondsOf(sized, pace) });
    }
  }
  for (const user of twice) known.delete(user);
  return known;
}

function secondsOf({ messages, octets }: SizedUser, pace: PlannedPace): number {
  return USER_SECONDS + Math.max(octets / pace.octetsPerSecond, messages / pace.messagesPerSecond);
}

function meantBy({ users, match, masters }: WaveRule): (candidate: Candidate) => boolean {
  const named = users && new Set(users);
  const matches = match.length === 0 ? undefined : picomatch([...match], GLOB_RULES);
  const everybody = named === undefined && matches === undefined;
  return ({ user, master }) =>
    (masters.length === 0 || masters.includes(master.name)) &&
    (everybody || named?.has(user) === true || matches?.(user) === true);
}

function unknownOf(
  { name, users = [] }: WaveRule,
  known: ReadonlyMap<string, Candidate>,
  unfit: readonly Unfit[],
): Unfit[] {
  const missing = users.filter((user) => !known.has(user));
  if (missing.length === 0) return [];
  const told = new Set(unfit.map(({ user }) => user));
  return missing
    .filter((user) => !told.has(user))
    .map((user) => ({
      ...{ user, master: null, reason: 'unknown' as const },
      detail: `wave ${name} names it, and no master has it`,
    }));
}

function choose(
  { replicas: names, by }: WaveRule,
  { user, octets }: Candidate,
  replicas: readonly Replica[],
  planned: ReadonlyMap<string, number>,
  room: ReadonlyMap<string, number>,
): Replica | undefined {
  const fits = (name: string): boolean =>
    (planned.get(name) ?? 0) + octets <= (room.get(name) ?? Number.POSITIVE_INFINITY);
  const chosen = by === 'hash' ? [names[hashOf(user) % names.length] ?? ''] : names;
  let best: string | undefined;
  for (const name of chosen) {
    if (!fits(name)) continue;
    if (best === undefined || fill(name) < fill(best)) best = name;
  }
  return replicas.find(({ name }) => name === best);

  /** As a share of the room; where no room is given, by what is planned there. */
  function fill(name: string): number {
    const space = room.get(name) ?? Number.POSITIVE_INFINITY;
    const there = planned.get(name) ?? 0;
    return Number.isFinite(space) ? there / space : there;
  }
}

function hashOf(user: string): number {
  return createHash('sha1').update(user).digest().readUInt32BE(0);
}

function doesNotFit({ user, master }: Candidate, reason: Unfit['reason'], detail: string): Unfit {
  return { user, master: master.name, reason, detail };
}

function waveOf(
  { name }: WaveRule,
  pairings: ReadonlyMap<string, readonly Candidate[]>,
  { sliceSeconds, masters, replicas }: Inventory,
): PlannedWave {
  const slices: FleetSlice[] = [];
  for (const [pairing, members] of pairings) {
    const [master = '', replica = ''] = pairing.split('\n');
    for (const part of parts(members, sliceSeconds)) slices.push(sliceOf(name, master, replica, part));
  }
  slices.sort((one, other) => other.seconds - one.seconds || (one.id < other.id ? -1 : 1));
  const sum = (of: (slice: FleetSlice) => number): number =>
    slices.reduce((total, slice) => total + of(slice), 0);
  return {
    name,
    users: sum(({ users }) => users.length),
    messages: sum(({ messages }) => messages),
    octets: sum(({ octets }) => octets),
    seconds: timeOf(slices, masters, replicas),
    slices,
  };
}

/** Cuts a pairing, the largest first; what is left at the end goes with the slice before if it is no work of its own. */
function* parts(members: readonly Candidate[], sliceSeconds: number): Generator<readonly Candidate[]> {
  let begin = 0;
  let seconds = 0;
  let rest = members.reduce((sum, member) => sum + member.seconds, 0);
  for (const [at, member] of members.entries()) {
    seconds += member.seconds;
    rest -= member.seconds;
    if (seconds < sliceSeconds || rest < LEAST_SLICE_SECONDS) continue;
    yield members.slice(begin, at + 1);
    begin = at + 1;
    seconds = 0;
  }
  if (begin < members.length) yield members.slice(begin);
}

function sliceOf(wave: string, master: string, replica: string, members: readonly Candidate[]): FleetSlice {
  const users = members.map(({ user }) => user);
  return {
    id: `${wave}.${master}.${replica}.${contentOf(users)}`,
    ...{ wave, master, replica, users, round: 1 },
    messages: members.reduce((sum, { messages }) => sum + messages, 0),
    octets: members.reduce((sum, { octets }) => sum + octets, 0),
    seconds: Math.round(members.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000) / 1_000,
  };
}

/** The narrowest gate decides, and no wave is over before its longest slice; outside of its hours a gate lets nobody in. */
function timeOf(
  slices: readonly FleetSlice[],
  masters: readonly Master[],
  replicas: readonly Replica[],
): number {
  const gates = [
    ...masters.map((gate) => ({ gate, of: (slice: FleetSlice) => slice.master === gate.name })),
    ...replicas.map((gate) => ({ gate, of: (slice: FleetSlice) => slice.replica === gate.name })),
  ];
  let longest = 0;
  for (const { gate, of } of gates) {
    const work = slices.reduce((sum, slice) => sum + (of(slice) ? slice.seconds : 0), 0) / gate.slices;
    longest = Math.max(longest, work * (lengthOf(undefined) / lengthOf(gate.hours)));
  }
  return Math.round(slices.reduce((most, { seconds }) => Math.max(most, seconds), longest));
}
