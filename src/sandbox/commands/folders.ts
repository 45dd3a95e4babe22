import type { ByteString } from '../../byte-string.ts';
import { lineage, userRoots } from '../storage/names.ts';
import { isExpunged, isIntermediate, type MailboxRow } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { atom, atomOf, list, mapOf, num32, numberOf, optional } from '../wire/fields.ts';
import { refusal } from '../wire/refusal.ts';
import type { Handler } from './command-context.ts';

/** APPLY RENAME: a new name, or another partition under the same name. */
export const applyRename: Handler = (context, value) => {
  const map = mapOf(value);
  const oldName = atom(map, 'OLDMBOXNAME');
  const newName = atom(map, 'NEWMBOXNAME');
  const partition = atom(map, 'PARTITION');
  const uidvalidity = optional(map, 'UIDVALIDITY', num32, 0);
  const { storage, stage } = context;
  storage.transact(() => {
    const row = existing(storage, oldName);
    if (!stage.hasPartition(partition)) {
      throw refusal('IMAP_REMOTE_DENIED', `there is no partition ${partition}`, oldName);
    }
    const changed: MailboxRow = { ...row, partition, uidvalidity: uidvalidity || row.uidvalidity };
    if (oldName === newName) {
      if (row.partition === partition) throw refusal('IMAP_REMOTE_DENIED', 'renamed to itself', oldName);
      storage.mailboxes.put(changed);
      return;
    }
    const target = storage.mailboxes.get(newName);
    if (target !== undefined && !isIntermediate(target)) {
      throw refusal('IMAP_REMOTE_DENIED', `${newName} exists`, oldName);
    }
    if (target !== undefined) storage.mailboxes.remove(target);
    // The replica takes no modseq of its own for what the master did; the master sends its own afterwards.
    if (!isIntermediate(row)) changed.foldermodseq = row.highestmodseq;
    storage.mailboxes.rename(changed, newName);
  });
};

/** APPLY UNMAILBOX: gone, not moved to DELETED. */
export const applyUnmailbox: Handler = (context, value) => {
  const { storage } = context;
  const name = atomOf(value, 'UNMAILBOX');
  storage.transact(() => remove(storage, existing(storage, name)));
};

/** APPLY UNUSER: the user's mailboxes, the deleted ones excepted, and everything else that the user has. */
export const applyUnuser: Handler = (context, value) => {
  const { storage } = context;
  const userid = atomOf(value, 'UNUSER');
  if (userid === '') return;
  storage.transact(() => {
    for (const root of userRoots(userid)) {
      // INBOX last: while it is there the user exists.
      for (const row of [...storage.mailboxes.tree(root)].reverse()) storage.mailboxes.remove(row);
      for (const quota of storage.users.quotas()) {
        if (quota.root === root || quota.root.startsWith(`${root}.`)) storage.users.removeQuota(quota.root);
      }
    }
    storage.users.removeUser(userid);
  });
};

/**
 * APPLY EXPUNGE: without a new modseq, so that the master's next MAILBOX is not refused for it. Unknown UIDs are skipped;
 * but when the last of the list is one, 3.6.1 does all the others and then answers with an error.
 */
export const applyExpunge: Handler = (context, value) => {
  const map = mapOf(value);
  const name = atom(map, 'MBOXNAME');
  const uniqueid = atom(map, 'UNIQUEID');
  const uids = list(map, 'UID');
  const { storage } = context;
  const unknownLast = storage.transact(() => {
    const row = existing(storage, name);
    if (row.uniqueid !== uniqueid) {
      throw refusal('IMAP_MAILBOX_MOVED', `uniqueid ${row.uniqueid}, master has ${uniqueid}`, name);
    }
    let unknown = false;
    for (const item of uids) {
      const old = storage.mailboxes.record(row.id, numberOf(item, 'UID'));
      unknown = old === undefined;
      if (old === undefined || isExpunged(old)) continue;
      // `\Expunged` stands before `\Seen` and the user flags (protocol 7.4).
      const before = old.flags.filter((flag) => /^\\(Deleted|Answered|Flagged|Draft)$/.test(flag));
      const flags = [...before, '\\Expunged', ...old.flags.filter((flag) => !before.includes(flag))];
      storage.mailboxes.putRecord(row, { ...old, flags }, old);
    }
    storage.mailboxes.put(row);
    return unknown;
  });
  if (unknownLast) throw refusal('IMAP_REMOTE_DENIED', 'the last UID is not on the replica', name);
};

function existing(storage: Storage, name: ByteString): MailboxRow {
  const row = storage.mailboxes.get(name);
  if (row === undefined) throw refusal('IMAP_MAILBOX_NONEXISTENT', 'no such mailbox', name);
  return row;
}

function remove(storage: Storage, row: MailboxRow): void {
  storage.mailboxes.remove(row);
  const [, ...ancestors] = lineage(row.name);
  storage.mailboxes.removeIdleAncestors(ancestors);
}
