import type { ByteString } from '../byte-string.ts';
import type { ReplicaUser } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { EngineContext } from './engine.ts';

/**
 * All that the replica has of a user. What it lists of anybody else is not believed: it would be renamed, or under -O
 * removed, as the user's own.
 *
 * @throws SyncError IMAP_PROTOCOL_ERROR that names it; what the replica answers
 */
export async function userThere(
  { session, store }: Pick<EngineContext, 'session' | 'store'>,
  userid: ByteString,
): Promise<ReplicaUser> {
  const replica = await session.getUser(userid);
  const inbox = store.inboxName(userid);
  for (const { name } of replica.mailboxes) {
    const owner = store.ownerOf(name);
    if (owner === undefined || store.inboxName(owner) !== inbox) throw foreign(userid, 'the mailbox', name);
  }
  // The server tells of a quota once for each root that it has named with a mailbox.
  const roots = new Set(replica.mailboxes.map(({ quotaroot }) => quotaroot));
  for (const { root } of replica.quotas) {
    if (!roots.has(root)) throw foreign(userid, 'the quota root', root);
  }
  return replica;
}

function foreign(userid: ByteString, what: string, name: ByteString): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `among what the replica has of ${userid} it lists ${what} ${JSON.stringify(name)}, which is not this user's`,
    {
      family: 'refused',
      phase: 'folders',
      user: userid,
      mailbox: name,
      hint: 'virtdomains, defaultdomain and deletedprefix have to be the same on both servers; if they are, this is no Cyrus server',
    },
  );
}
