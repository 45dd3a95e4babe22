import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import { mailboxLine } from '../compare/mailbox-line.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { endsJob } from '../outcomes/failures.ts';
import { makeQuotaRoot } from './send-quotas.ts';

/** Mailboxes of a user from which on one command more costs a replica less than going through all of them again. */
const LEAST_MAILBOXES = 3;
/** Milliseconds to wait for others who have quota roots made: then the mail comes first, and the quota behind it. */
const PATIENCE_MS = 5_000;

/**
 * Gives a user who is new on the replica the quota before the mail. A server that is given a quota root goes through all
 * mailboxes below it, writes each of them anew, and keeps everybody else's root waiting meanwhile; a mailbox that is made
 * below a root counts for it from the start. The INBOX is made for it, empty, because a server without one files what it counts
 * by the user's name, where it is out of reach later.
 *
 * A failure loses nothing: what is not done here is done, or reported, when the mailboxes are sent and their quotas behind them.
 *
 * @param entries the user's mailboxes, of which the replica has none
 * @param quotas that the replica has; filled in
 * @throws SyncError if the link broke or the run was cancelled
 */
export async function setQuotaFirst(
  context: EngineContext,
  userid: ByteString,
  entries: readonly MailboxEntry[],
  quotas: Map<ByteString, ReplicaQuota>,
): Promise<void> {
  const { store, options, partitions } = context;
  const name = store.inboxName(userid);
  const counted = entries.filter((entry) => !entry.intermediate && !entry.inDeleted);
  const inbox = counted.find((entry) => entry.name === name);
  if (counted.length < LEAST_MAILBOXES || !inbox) return;
  try {
    const quota = await store.quota(name);
    if (quota === undefined) return;
    const view = (await store.peek([inbox])).get(inbox);
    if (view?.state.quotaroot !== name) return;
    const partition = options.partition ?? inbox.partition ?? '';
    await partitions.make(mailboxLine(view, undefined, { partition, local: options.local }));
    await makeQuotaRoot(context, quota, PATIENCE_MS);
    quotas.set(name, quota);
  } catch (caught) {
    if (endsJob(SyncError.from(caught))) throw caught;
  }
}
