import type { BenchOptions } from '../options.ts';
import type { PlannedCase } from '../paired-rounds.ts';
import { ORDINARY_FOLDERS, type StoreSpec } from '../stores.ts';
import type { RollingWork } from './rolling-work.ts';

/** (f): a rolling client, already connected, and users who change their mail. */
export interface RollingCase extends PlannedCase {
  id: string;
  title: string;
  work(options: BenchOptions): RollingWork;
}

const USERS = 50;
/** Changes a second. */
const RATE = 60;

const contenders = { small: ['c', 'ours'], full: ['c', 'ours', 'ours1', 'ours8'] };

export const ROLLING_CASES: readonly RollingCase[] = [
  {
    id: 'f-drain',
    title: 'Rolling: how fast a log is drained',
    contenders,
    work: ({ full }) => ({ kind: 'drain', mailboxes: USERS * (full ? 8 : 3) }),
  },
  {
    id: 'f-lag',
    title: 'Rolling: lag under a steady load',
    contenders,
    rounds: { small: 1, full: 3 },
    work: ({ full }) => ({ kind: 'stream', perSecond: RATE, seconds: full ? 60 : 10 }),
  },
  {
    id: 'f-rate',
    title: 'Rolling: changes a second before lag grows',
    contenders: { small: ['c', 'ours'], full: ['c', 'ours'] },
    roundTrips: { small: [0], full: [0, 40] },
    rounds: { small: 1, full: 3 },
    work: ({ full }) => ({ kind: 'search', seconds: full ? 20 : 6 }),
  },
  {
    id: 'f-pass',
    title: 'Rolling: a steady load beside a pass over everybody',
    contenders: { small: ['ours', 'ours:pass'], full: ['ours', 'ours:pass'] },
    roundTrips: { small: [0], full: [0] },
    rounds: { small: 4, full: 6 },
    work: ({ full }) => ({ kind: 'stream', perSecond: RATE, seconds: full ? 60 : 15 }),
  },
];

export function rollingStore(options: BenchOptions): StoreSpec {
  const users = options.users ?? USERS;
  return {
    kind: 'filled',
    name: 'rolling',
    users,
    folders: ORDINARY_FOLDERS,
    messages: options.messages ?? users * 20,
    messageSize: 3000,
    userData: false,
  };
}
