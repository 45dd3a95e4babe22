import type { ByteString } from '../byte-string.ts';
import type { MailboxEntry } from '../store/master-store.ts';

/**
 * What has to be on the replica before some named mailboxes are made there: the nearest mailbox above each one of a user
 * that the replica has not got under its name. Without it there would be folders of nobody; a replica refuses them, a
 * newer one with a reason, an older one without.
 *
 * @param entries what is to be sent, in byte order
 * @returns only what is not among `entries` itself, to be asked for
 */
export function neededAbove(
  entries: readonly MailboxEntry[],
  onReplica: ReadonlySet<ByteString>,
  lookup: (name: ByteString) => MailboxEntry | undefined,
): Map<MailboxEntry, ByteString> {
  const needed = new Map<MailboxEntry, ByteString>();
  const above = new Map<ByteString, ByteString>();
  for (const entry of entries) {
    if (entry.userid === undefined || entry.inDeleted || onReplica.has(entry.name)) continue;
    const parent = nearestAbove(entry.name, lookup);
    if (parent === undefined || onReplica.has(parent)) continue;
    // One that is sent along needs what that one needs.
    const wanted = entries.some(({ name }) => name === parent) ? above.get(parent) : parent;
    if (wanted === undefined) continue;
    above.set(entry.name, wanted);
    needed.set(entry, wanted);
  }
  return needed;
}

function nearestAbove(
  name: ByteString,
  lookup: (name: ByteString) => MailboxEntry | undefined,
): ByteString | undefined {
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const entry = lookup(name.slice(0, end));
    if (entry && !entry.deleted && !entry.intermediate) return entry.name;
  }
  return undefined;
}
