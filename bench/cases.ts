import type { BenchOptions } from './options.ts';
import type { PlannedCase } from './paired-rounds.ts';
import { messagesOf, ORDINARY_FOLDERS, type StoreSpec } from './stores.ts';

/** What the replica holds when the clock starts. */
export type ReplicaStart =
  /** Nothing: a new server for each run. */
  | 'empty'
  /** The store as it was before the changes: a copy for each run. */
  | 'before-changes'
  /** The store: nothing is to do, so that one server serves all runs. */
  | 'same';

export interface BenchCase extends PlannedCase {
  id: string;
  title: string;
  replica: ReplicaStart;
  store(options: BenchOptions): StoreSpec;
}

const WORKERS = [1, 2, 4, 8, 16, 32].map((count) => `ours${count}`);

/** (f), rolling, has a shape of its own: see `rolling/`. */
export const CASES: readonly BenchCase[] = [
  {
    id: 'a',
    title: 'First copy: -A to an empty replica',
    replica: 'empty',
    contenders: {
      small: [
        'c',
        'c:plain',
        'xargs8',
        'xargs16',
        'ours',
        'ours1',
        'ours8',
        'ours8:deflate',
        'ours8:sandbox',
      ],
      full: [
        ...['c', 'c:plain', 'xargs8', 'xargs16', 'xargs16:plain', 'ours', ...WORKERS],
        ...['ours:deflate', 'ours8:deflate', 'ours8:sandbox'],
      ],
    },
    store: (options) => ({
      name: 'ordinary',
      users: options.users ?? (options.full ? 60 : 24),
      folders: ORDINARY_FOLDERS,
      messages: options.messages ?? messagesOf(options.megabytes ?? (options.full ? 383 : 60)),
      messageSize: undefined,
      userData: true,
    }),
  },
  {
    id: 'b',
    title: 'Nothing to do: -A when both ends are alike',
    replica: 'same',
    contenders: {
      small: ['c', 'xargs8', 'ours', 'ours1', 'ours8', 'ours8:sandbox'],
      full: ['c', 'xargs8', 'xargs16', 'ours', ...WORKERS, 'ours8:deflate', 'ours8:sandbox'],
    },
    store: (options) => ({
      name: 'many-users',
      users: options.users ?? (options.full ? 1000 : 300),
      folders: ['Sent', 'Trash', 'Archive'],
      messages: options.messages ?? (options.users ?? (options.full ? 1000 : 300)) * 8,
      messageSize: 1500,
      userData: false,
    }),
  },
  {
    id: 'c',
    title: 'One percent changed: -A after new mail and new flags',
    replica: 'before-changes',
    contenders: {
      small: ['c', 'xargs8', 'ours', 'ours1', 'ours8'],
      full: ['c', 'c:plain', 'xargs8', 'xargs16', 'ours', ...WORKERS, 'ours8:deflate'],
    },
    store: (options) => ({
      name: 'ordinary',
      users: options.users ?? (options.full ? 60 : 24),
      folders: ORDINARY_FOLDERS,
      messages: options.messages ?? messagesOf(options.megabytes ?? (options.full ? 383 : 60)),
      messageSize: undefined,
      userData: true,
    }),
  },
  {
    id: 'd',
    title: 'One giant mailbox: first copy of many small messages',
    replica: 'empty',
    contenders: {
      small: ['c', 'c:plain', 'ours', 'ours:sandbox'],
      full: ['c', 'c:plain', 'ours', 'ours1', 'ours:deflate', 'ours:sandbox'],
    },
    store: (options) => ({
      name: 'giant',
      users: 1,
      folders: [],
      messages: options.messages ?? (options.full ? 100_000 : 10_000),
      messageSize: 1000,
      userData: false,
    }),
  },
  {
    id: 'e',
    title: 'Many tiny users: first copy of two messages each',
    replica: 'empty',
    contenders: {
      small: ['c', 'xargs8', 'xargs16', 'ours', 'ours1', 'ours8', 'ours8:sandbox'],
      full: ['c', 'xargs8', 'xargs16', 'xargs32', 'ours', ...WORKERS, 'ours8:deflate', 'ours8:sandbox'],
    },
    store: (options) => {
      const users = options.users ?? (options.full ? 1000 : 200);
      return {
        name: 'tiny-users',
        users,
        folders: [],
        messages: options.messages ?? users * 2,
        messageSize: 1500,
        userData: false,
      };
    },
  },
];

/** Messages of the two runs of (m). */
const MEMORY_MESSAGES = [10_000, 100_000];

/** (m): the giant mailbox in two sizes, whose peaks are compared. Each is a case of its own with a store of its own. */
export const MEMORY_CASES: readonly BenchCase[] = MEMORY_MESSAGES.map((messages) => ({
  id: `m-${messages}`,
  title: `Memory: first copy of one mailbox of ${messages} messages`,
  replica: 'empty',
  roundTrips: { small: [0], full: [0] },
  contenders: { small: ['ours1'], full: ['ours1', 'ours8', 'c'] },
  store: () => ({
    name: 'giant',
    users: 1,
    folders: [],
    messages,
    messageSize: 1000,
    userData: false,
  }),
}));
