import type { MailboxEntry } from '../master-store.ts';

/** Flags follow the letter of the kind: `m` moving, `z` reserved, `r` on another server. */
export function isOpenable(entry: MailboxEntry): boolean {
  if (entry.deleted || entry.intermediate || entry.partition === undefined) return false;
  return !/[mzr]/.test(entry.type.slice(1));
}
