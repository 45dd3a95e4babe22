import type { CloneSpec } from './cloned-store.ts';
import type { BenchOptions } from './options.ts';
import { ordinaryStore } from './ordinary-store.ts';
import type { PlannedCase } from './paired-rounds.ts';
import type { StoreSpec } from './stores.ts';

/** The content of the replica when the clock starts. */
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
  /** Count octets, and with them the first, even where that needs a proxy without delay. */
  count?: boolean;
  /** Count the octets of the replica's spool. */
  countSpool?: boolean;
  /** Octets per second and direction of its links, unless the command line says otherwise. */
  rate?: number;
  /** The master's store is on the disk of `--disk`, and none of it in memory when a run begins. */
  cold?: boolean;
  /** The first user alone, rather than all. */
  oneUser?: boolean;
  store(options: BenchOptions): StoreSpec | CloneSpec;
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
    store: ordinaryStore,
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
      kind: 'filled',
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
    store: ordinaryStore,
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
      kind: 'filled',
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
        kind: 'filled',
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
