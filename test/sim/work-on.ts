import { setTimeout as pause } from 'node:timers/promises';
import type { ByteString } from '../../src/byte-string.ts';
import type { MemoryStore } from '../lab/memory-store.ts';
import type { Held, LockKind, LockTable } from './lock-table.ts';
import { mailboxLocks } from './simulated-store.ts';

/**
 * Programs of Cyrus that work on a mailbox of the master, with the kind in which each takes the mailbox's own lock: only who
 * removes files or whole mailboxes takes it for itself (store 11.3). All of them write, so they have the owner's for themselves.
 */
export const PROGRAMS = {
  imapd: 'shared',
  lmtpd: 'shared',
  cyr_expire: 'exclusive',
  reconstruct: 'exclusive',
  sync_server: 'shared',
} as const satisfies Record<string, LockKind>;

export type Program = keyof typeof PROGRAMS;

/** Processes so far. */
let processes = 0;

/** Milliseconds between one lock and the next: other programs come in between. */
const BETWEEN_LOCKS_MS = 1;

/** Opens a mailbox as that program does, does its work, and has it open for so long. */
export async function workOn<T>(
  locks: LockTable,
  store: MemoryStore,
  program: Program,
  name: ByteString,
  work: () => Promise<T> | T,
  process = `${program} ${++processes}`,
): Promise<T> {
  const held: Held[] = [];
  try {
    for (const [lock, kind] of mailboxLocks(store, name, 'exclusive', PROGRAMS[program])) {
      held.push(await locks.take(process, lock, kind));
      await pause(BETWEEN_LOCKS_MS);
    }
    return await work();
  } finally {
    for (const each of held.reverse()) each[Symbol.dispose]();
  }
}
