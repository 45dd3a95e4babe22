import type { BenchCase } from './cases.ts';
import { ordinaryStore } from './ordinary-store.ts';

/** (v): what a proof costs. */

/** Mailboxes of each user. */
const MAILBOXES = 4;
/** Users of the comparison that the targets are about. */
const USERS = 1_000;

const SAME: BenchCase = {
  id: 'v-same',
  title: `Verify: ${USERS} users, and nothing different`,
  replica: 'same',
  roundTrips: { small: [40], full: [0, 40] },
  contenders: { small: ['c', 'ours', 'verify'], full: ['c', 'ours', 'ours1', 'verify', 'verify1'] },
  store: (options) => ({ kind: 'clones', users: options.users ?? USERS, mailboxes: MAILBOXES }),
};

/** Whose peaks are compared. */
const MANY: readonly BenchCase[] = [1_000, 100_000].map((mailboxes) => ({
  id: `v-${mailboxes}`,
  title: `Memory: verify of ${mailboxes} mailboxes`,
  replica: 'same',
  roundTrips: { small: [0], full: [0] },
  rounds: { small: 1, full: 1 },
  contenders: { small: ['verify1', 'verify1:tight'], full: ['verify', 'verify1', 'verify1:tight'] },
  store: () => ({ kind: 'clones', users: mailboxes / MAILBOXES, mailboxes: MAILBOXES }),
}));

const FIRST_COPY: BenchCase = {
  id: 'v-copy',
  title: 'First copy with --verify',
  replica: 'empty',
  rounds: { small: 4, full: 5 },
  contenders: { small: ['ours', 'ours:verify'], full: ['ours', 'ours:verify'] },
  store: ordinaryStore,
};

export const VERIFY_CASES: readonly BenchCase[] = [SAME, ...MANY, FIRST_COPY];
