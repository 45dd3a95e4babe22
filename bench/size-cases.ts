import type { BenchCase } from './cases.ts';
import type { BenchOptions } from './options.ts';
import type { StoreSpec } from './stores.ts';

/** Cases about what grows with the store and what must not, each with a store of its own. */

export function giantMailbox(messages: number): StoreSpec {
  return {
    kind: 'filled',
    name: 'giant',
    users: 1,
    folders: [],
    messages,
    messageSize: 1000,
    userData: false,
  };
}

/** (m): the giant mailbox in several sizes, whose peaks are compared. */
export const MEMORY_CASES: readonly BenchCase[] = [10_000, 100_000, 1_000_000].map((messages) => ({
  id: `m-${messages}`,
  title: `Memory: first copy of one mailbox of ${messages} messages`,
  replica: 'empty',
  roundTrips: { small: [0], full: [0] },
  rounds: { small: 1, full: 1 },
  contenders: { small: ['ours1'], full: ['ours1', 'ours8', 'c'] },
  store: () => giantMailbox(messages),
}));

/** Mailboxes of each user of the (n) with many users. */
const MAILBOXES = 4;

/** (n): nothing to do in stores of many mailboxes: when -A begins to send, and what it holds in memory. */
const MANY_MAILBOXES: readonly BenchCase[] = [4_000, 100_000, 1_000_000].map((mailboxes) => ({
  id: `n-${mailboxes}`,
  title: `Many mailboxes: -A when both ends have the same ${mailboxes}`,
  replica: 'same',
  count: true,
  roundTrips: { small: [0], full: [0] },
  rounds: { small: 1, full: 1 },
  contenders: { small: ['c', 'ours', 'ours1'], full: ['c', 'ours', 'ours1', 'ours8'] },
  store: () => ({ kind: 'clones', users: mailboxes / MAILBOXES, mailboxes: MAILBOXES }),
}));

/** (n): one user, all of whose folders come with one answer and are compared at once. */
const MANY_FOLDERS: readonly BenchCase[] = (['same', 'empty'] as const).map((replica) => ({
  id: `n-folders-${replica}`,
  title:
    replica === 'same'
      ? 'Many folders: -A when both ends have the same 10,000 of one user'
      : 'Many folders: first copy of 10,000 of one user',
  replica,
  count: true,
  roundTrips: { small: [0], full: [0, 40] },
  rounds: { small: 1, full: 1 },
  contenders: { small: ['c', 'ours'], full: ['c', 'ours'] },
  store: () => ({ kind: 'clones', users: 1, mailboxes: 10_000 }),
}));

export const SIZE_CASES: readonly BenchCase[] = [...MEMORY_CASES, ...MANY_MAILBOXES, ...MANY_FOLDERS];

/** Making stores of this size takes long, and much disk: only with --full. */
const LARGEST = 1_000_000;

export function sizeCases({ full }: BenchOptions): BenchCase[] {
  return SIZE_CASES.filter(({ id }) => full || !id.endsWith(`-${LARGEST}`));
}
