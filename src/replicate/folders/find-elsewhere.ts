import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { FolderJob } from './folder-job.ts';

/**
 * Finds mailboxes of ours that the replica has outside of what it listed for this job: those of a user or a folder that was
 * renamed from another owner's namespace. They are asked for only where there is a reason to expect one.
 *
 * @throws SyncError USER_LOCKED if another client is at work on that owner
 */
export async function findElsewhere(context: EngineContext, job: FolderJob): Promise<ReplicaMailbox[]> {
  const listed = new Set(job.replica.map((mailbox) => mailbox.uniqueid));
  const sought = job.entries.filter(
    ({ uniqueid }) =>
      !listed.has(uniqueid) && (job.moved || context.store.formerNames(uniqueid)?.length !== 0),
  );
  const found = context.session.info.findsUniqueids
    ? await context.session.getUniqueids(sought.map((entry) => entry.uniqueid))
    : await findAmongTheirs(context, job, sought);
  for (const mailbox of found) job.locks.take(context.store.ownerOf(mailbox.name) ?? '');
  return found;
}

/**
 * The way to ask a replica whose process may end at a uniqueid that it does not have: for those that it has itself said to
 * have, and then for all mailboxes of whoever has these there.
 */
async function findAmongTheirs(
  { session, store }: EngineContext,
  job: FolderJob,
  sought: readonly MailboxEntry[],
): Promise<ReplicaMailbox[]> {
  // A refusal as moved says that it has the uniqueid only where it has no other mailbox by that name.
  const taken = new Set(job.replica.map(({ name }) => name));
  const known = sought.filter(({ name }) => job.moved?.has(name) && !taken.has(name));
  if (known.length === 0) return [];
  const found = await session.getUniqueids(known.map(({ uniqueid }) => uniqueid));
  const owners = new Set(found.flatMap(({ name }) => store.ownerOf(name) ?? []));
  const users = await Promise.all([...owners].map((owner) => session.getUser(owner)));
  const wanted = new Set(sought.map(({ uniqueid }) => uniqueid));
  const all = [...found, ...users.flatMap(({ mailboxes }) => mailboxes)];
  const byUniqueid = new Map(all.map((mailbox) => [mailbox.uniqueid, mailbox]));
  return [...byUniqueid.values()].filter(({ uniqueid }) => wanted.has(uniqueid));
}
