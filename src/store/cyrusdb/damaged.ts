import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Tried with the tools of 3.6.1: none brings such a record back, and repack ends with 0 and has done nothing. */
const REPAIR =
  'restore it from a backup, with Cyrus stopped: "ctl_cyrusdb -r" mends what a crash leaves behind, but no record whose octets have changed';

/** Makes the error for a file that is not what its format promises; `what` says what was expected and found. */
export function damaged(path: string, offset: number, what: string, hint: string = REPAIR): SyncError {
  return new SyncError('DATABASE_DAMAGED', `${path}: damaged at offset ${offset}: ${what}`, {
    phase: 'read',
    hint,
  });
}

export function cutShort(path: string, expected: string, found: string): SyncError {
  return new SyncError('DATABASE_DAMAGED', `${path}: expected ${expected}, found ${found}`, {
    phase: 'read',
    hint: 'check the paths in imapd.conf, then restore the file from a backup: nothing is removed from the replica on the strength of an empty one',
  });
}

export function checksumMismatch(
  path: string,
  offset: number,
  part: string,
  computed: number,
  stored: number,
): SyncError {
  return damaged(path, offset, `checksum of the ${part}: expected ${hex(computed)}, found ${hex(stored)}`);
}

export function outOfOrder(path: string, offset: number, previous: ByteString, key: ByteString): SyncError {
  const what = `expected a key after ${JSON.stringify(previous)}, found ${JSON.stringify(key)}`;
  return damaged(path, offset, what);
}

/** Names the file in what the system says of a failed read: an error of readSync names no path. */
export function unreadable(path: string, caught: unknown): SyncError {
  if (caught instanceof SyncError) return caught;
  const { message } = SyncError.from(caught);
  const hint = 'look into the system log for disk errors, and at the permissions of the file';
  return new SyncError('IO', `${path}: ${message}`, { phase: 'read', hint, cause: caught });
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
