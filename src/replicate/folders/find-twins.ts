import type { ByteString } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry, MasterStore } from '../../store/master-store.ts';

/**
 * Finds mailboxes whose uniqueid the master has live under another name as well, with that name. A uniqueid proves that two
 * names are one mailbox, renamed, only where the master has it once: imapd 3.6.1 can hand it out twice, and a RENAME on the
 * strength of it would put one user's folder into another's account.
 *
 * @param nameThere the replica's name for a uniqueid
 */
export function findTwins(
  store: Pick<MasterStore, 'lookup' | 'lookupUniqueid'>,
  entries: readonly MailboxEntry[],
  nameThere: (uniqueid: ByteString) => ByteString | undefined,
): Map<MailboxEntry, ByteString> {
  const twins = new Map<MailboxEntry, ByteString>();
  const note = (entry: MailboxEntry, other: ByteString | undefined): void => {
    const { name, uniqueid } = entry;
    if (other === undefined || other === name || twins.has(entry)) return;
    // Both are looked up again: a rename meanwhile shows the one mailbox under either name.
    if (isLive(store, other, uniqueid) && isLive(store, name, uniqueid)) twins.set(entry, other);
  };
  const first = new Map<ByteString, MailboxEntry>();
  for (const entry of entries) {
    const { name, uniqueid } = entry;
    // A row of Cyrus 2.x whose header cannot be read; opening the mailbox says why.
    if (uniqueid === '') continue;
    const earlier = first.get(uniqueid);
    if (earlier) {
      note(entry, earlier.name);
      note(earlier, name);
      continue;
    }
    first.set(uniqueid, entry);
    const there = nameThere(uniqueid);
    if (there === name) continue;
    note(entry, there);
    note(entry, store.lookupUniqueid(uniqueid)?.name);
  }
  return twins;
}

/** Tells whether the mailbox is there by this name at this moment, whatever was listed before. */
export function isLive(store: Pick<MasterStore, 'lookup'>, name: ByteString, uniqueid: ByteString): boolean {
  const entry = store.lookup(name);
  return entry !== undefined && !entry.deleted && entry.uniqueid === uniqueid;
}

export function twinDamage({ name, uniqueid }: MailboxEntry, other: ByteString): SyncError {
  return new SyncError(
    'MAILBOX_DAMAGED',
    `${nameInText(name)} and ${nameInText(other)} are two mailboxes with one uniqueid on the master (${uniqueid}), so neither is renamed or replaced on the replica`,
    {
      phase: 'folders',
      mailbox: name,
      hint: 'they share one directory, and each shows the messages of both: have the owners copy theirs to a new folder, delete both (dm of cyradm), run reconstruct on the one whose directory went with the other, and delete that again; operations.md has the commands, under "Two mailboxes with one uniqueid"',
    },
  );
}
