import type { ByteString } from '../../byte-string.ts';
import type { OnUnusable, ReplicaUser } from '../../protocol/replica-session.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { EngineContext } from '../connection/engine-context.ts';

/**
 * Asks for all that the replica has of a user. What it lists of anybody else is not believed: it would be renamed, or under
 * -O removed, as the user's own.
 *
 * @param onUnusable is told of mailboxes left out; without it one such fails all
 * @throws SyncError IMAP_PROTOCOL_ERROR that names it; what the replica answers
 */
export async function userThere(
  { session, store }: Pick<EngineContext, 'session' | 'store'>,
  userid: ByteString,
  onUnusable?: OnUnusable,
): Promise<ReplicaUser> {
  const unusable = new Map<ByteString, SyncError>();
  const listener: OnUnusable | undefined = onUnusable && ((name, error) => void unusable.set(name, error));
  const replica = await session.getUser(userid, listener);
  const inbox = store.inboxName(userid);
  for (const name of [...replica.mailboxes.map((mailbox) => mailbox.name), ...unusable.keys()]) {
    const owner = store.ownerOf(name);
    if (owner === undefined || store.inboxName(owner) !== inbox) throw foreign(userid, 'the mailbox', name);
  }
  for (const [name, error] of unusable) onUnusable?.(name, error);
  // The server tells of a quota once for each root that it has named with a mailbox.
  const roots = new Set(replica.mailboxes.map(({ quotaroot }) => quotaroot));
  const other = replica.quotas.find(({ root }) => !roots.has(root));
  if (other === undefined) return replica;
  if (unusable.size === 0) throw foreign(userid, 'the quota root', other.root);
  // It may be the root of one whose line could not be used.
  return { ...replica, quotas: replica.quotas.filter(({ root }) => roots.has(root)) };
}

function foreign(userid: ByteString, what: string, name: ByteString): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `among what the replica has of ${userid} it lists ${what} "${nameInText(name)}", which is not this user's`,
    {
      family: 'refused',
      phase: 'folders',
      user: userid,
      mailbox: name,
      hint: 'virtdomains, defaultdomain and deletedprefix have to be the same on both servers; if they are, this is no Cyrus server',
    },
  );
}
