import type { BenchOptions } from './options.ts';
import { messagesOf, ORDINARY_FOLDERS, type StoreSpec } from './stores.ts';

const USERS = { small: 24, full: 60 };
const SMALL_MEGABYTES = 60;

/** The store that most cases copy: users with folders, mail of ordinary sizes, subscriptions and seen states. */
export function ordinaryStore(options: BenchOptions, fullMegabytes = 383): StoreSpec {
  const { full, users, messages, megabytes } = options;
  return {
    kind: 'filled',
    name: 'ordinary',
    users: users ?? (full ? USERS.full : USERS.small),
    folders: ORDINARY_FOLDERS,
    messages: messages ?? messagesOf(megabytes ?? (full ? fullMegabytes : SMALL_MEGABYTES)),
    messageSize: undefined,
    userData: true,
  };
}
