import type { BenchCase } from './cases.ts';
import { ordinaryStore } from './ordinary-store.ts';
import { messagesOf, ORDINARY_FOLDERS, type StoreSpec } from './stores.ts';

/** Cases that sites have and (a) to (e) leave out: few users, a link with a rate, mail that many have, and a command for each user. */

/** Where there is little else to wait for, flushes show most. */
const SMALL_SITE: BenchCase = {
  id: 'a-small',
  title: 'First copy of a small site',
  replica: 'empty',
  roundTrips: { small: [0], full: [0] },
  contenders: {
    small: ['c', 'xargs8:plain', 'xargs16:plain', 'ours'],
    full: ['c', 'xargs8:plain', 'xargs16:plain', 'xargs32:plain', 'ours'],
  },
  store: (options) =>
    ordinaryStore({ ...options, users: options.users ?? 24, megabytes: options.megabytes ?? 20 }),
};

/** (q): a new quota root makes the replica go through the mailboxes below it, one root at a time. */
const WITH_QUOTAS: BenchCase = {
  id: 'q',
  title: 'First copy of users with quotas',
  replica: 'empty',
  roundTrips: { small: [0], full: [0] },
  contenders: {
    small: ['c', 'xargs8:plain', 'ours'],
    full: ['c', 'xargs8:plain', 'xargs16:plain', 'ours'],
  },
  store: (options) => ({
    ...ordinaryStore({ ...options, users: options.users ?? 24, megabytes: options.megabytes ?? 20 }),
    name: 'quotas',
    quotas: true,
  }),
};

/** Octets a second of links by their rate in Mbit/s, with the round trips that go with them. */
const LINKS = [
  { megabits: 100, roundTrip: 40 },
  { megabits: 1_000, roundTrip: 10 },
] as const;
const OCTETS_PER_MEGABIT = 125_000;

/** (l): the time over that of the octets is what a client adds to its link. */
const RATED_LINKS: readonly BenchCase[] = LINKS.map(({ megabits, roundTrip }) => ({
  id: `l-${megabits}`,
  title: `First copy over a link of ${megabits} Mbit/s`,
  replica: 'empty',
  rate: megabits * OCTETS_PER_MEGABIT,
  roundTrips: { small: [roundTrip], full: [roundTrip] },
  contenders: {
    small: ['c', 'xargs16:plain', 'ours', 'ours:deflate'],
    full: ['c', 'c:plain', 'xargs16', 'xargs16:plain', 'ours', 'ours:deflate'],
  },
  store: ordinaryStore,
}));

/** (k): as after the night's backup, or of a store that is larger than memory. */
const COLD_SOURCE: BenchCase = {
  id: 'k',
  title: 'First copy of a store that is not in memory',
  replica: 'empty',
  cold: true,
  roundTrips: { small: [0], full: [0, 40] },
  contenders: {
    small: ['rsync', 'c:plain', 'xargs16:plain', 'ours'],
    full: ['rsync', 'c:plain', 'xargs16:plain', 'xargs32:plain', 'ours'],
  },
  store: ordinaryStore,
};

/** Percent of the octets of a store with shared mail. */
const SHARED_PERCENT = 30;

/** (s): a careful delivery has each of these messages on the master's disk once. */
const SHARED_MAIL: BenchCase = {
  id: 's',
  title: `First copy where ${SHARED_PERCENT} percent of the mail is held by several users`,
  replica: 'empty',
  count: true,
  countSpool: true,
  roundTrips: { small: [0], full: [0, 40] },
  contenders: { small: ['c:plain', 'xargs16:plain', 'ours', 'ours1'], full: ['c:plain', 'ours', 'ours1'] },
  store: (options) => ({
    kind: 'filled',
    name: `letters-${SHARED_PERCENT}`,
    users: options.users ?? (options.full ? 120 : 40),
    folders: ORDINARY_FOLDERS,
    messages: options.messages ?? messagesOf(options.megabytes ?? (options.full ? 383 : 60)),
    messageSize: undefined,
    sharedPercent: SHARED_PERCENT,
    userData: false,
  }),
};

/** (u): as it is started from cron and by hooks, thousands of times. */
const ONE_USER: BenchCase = {
  id: 'u',
  title: 'One user, nothing to do: -u',
  replica: 'same',
  oneUser: true,
  roundTrips: { small: [0], full: [0, 40] },
  rounds: { small: 7, full: 21 },
  contenders: { small: ['c', 'ours'], full: ['c', 'ours'] },
  store: (options): StoreSpec => ({
    kind: 'filled',
    name: 'tiny-users',
    users: options.users ?? 200,
    folders: [],
    messages: options.messages ?? 400,
    messageSize: 1500,
    userData: false,
  }),
};

/**
 * (w): the display on a terminal, the page, metrics and the control socket, all of them in use. Their loading is paid once, so
 * that the store is larger than that of other cases.
 */
const WATCHED: BenchCase = {
  id: 'w',
  title: 'First copy that is watched by all means',
  replica: 'empty',
  roundTrips: { small: [0], full: [0, 40] },
  rounds: { small: 5, full: 5 },
  contenders: { small: ['ours', 'ours:watched'], full: ['ours', 'ours:watched'] },
  store: (options) => ordinaryStore(options, 1_500),
};

export const SITE_CASES: readonly BenchCase[] = [
  SMALL_SITE,
  ...RATED_LINKS,
  COLD_SOURCE,
  WITH_QUOTAS,
  SHARED_MAIL,
  ONE_USER,
  WATCHED,
];
