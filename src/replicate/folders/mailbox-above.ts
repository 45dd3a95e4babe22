import type { ByteString } from '../../byte-string.ts';
import type { MailboxEntry } from '../../store/master-store.ts';

type Lookup = (name: ByteString) => MailboxEntry | undefined;

/**
 * Finds the nearest real mailbox above one of a user's, which has to be on the replica before the other can be made there.
 * Without it there would be folders of nobody; a replica refuses them, a newer one with a reason, an older one without.
 * undefined means that nothing has to be there.
 */
export function mailboxAbove(entry: MailboxEntry, lookup: Lookup): ByteString | undefined {
  if (entry.userid === undefined || entry.inDeleted) return undefined;
  const { name } = entry;
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const above = lookup(name.slice(0, end));
    if (above && !above.deleted && !above.intermediate) return above.name;
  }
  return undefined;
}

/**
 * Finds what has to be on the replica before some mailboxes are made there, and is not sent along.
 *
 * @param entries what is to be sent, in byte order
 * @returns only what is not among `entries` itself, for each that needs it
 */
export function neededAbove(
  entries: readonly MailboxEntry[],
  onReplica: ReadonlySet<ByteString>,
  lookup: Lookup,
): Map<MailboxEntry, ByteString> {
  const needed = new Map<MailboxEntry, ByteString>();
  const sent = new Set(entries.map(({ name }) => name));
  const above = new Map<ByteString, ByteString>();
  for (const entry of entries) {
    if (onReplica.has(entry.name)) continue;
    const parent = mailboxAbove(entry, lookup);
    if (parent === undefined || onReplica.has(parent)) continue;
    // One that is sent along needs what that one needs.
    const wanted = sent.has(parent) ? above.get(parent) : parent;
    if (wanted === undefined) continue;
    above.set(entry.name, wanted);
    needed.set(entry, wanted);
  }
  return needed;
}
