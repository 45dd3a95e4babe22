import { type ByteString, compareBytes } from '../../byte-string.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import { emptySeen } from '../user-data/plan-seen.ts';
import { userThere } from './user-there.ts';

/**
 * Does what UNUSER does from Cyrus 3.4 on, for a replica where it would take deleted mailboxes along that the master still
 * has. What belongs to the user's name goes piece by piece, or the next user of that name would have it. No command removes
 * a seen state, so it is emptied.
 */
export async function removeAllButDeleted(context: EngineContext, userid: ByteString): Promise<void> {
  const { session, store } = context;
  const { mailboxes, subscriptions, seen, sieve, quotas } = await userThere(context, userid);
  const names = mailboxes.map(({ name }) => name);
  const inbox = store.inboxName(userid);
  const live = names.filter((name) => name === inbox || name.startsWith(`${inbox}.`));
  if (live.length === names.length) {
    await session.applyUnuser(userid);
  } else {
    if (sieve.some(({ active }) => active)) await session.applyUnactivateSieve(userid);
    await allSettledOrThrow([
      ...subscriptions.map((name) => session.applyUnsub(userid, name)),
      // Such a server removes the one file that is named: a script, or what was compiled of it.
      ...sieve.map(({ filename }) => session.applyUnsieve(userid, filename)),
      ...emptySeen([], seen).map((entry) => session.applySeen(userid, entry)),
    ]);
    // The INBOX last, as the folders' owner is told by it.
    for (const name of live.sort(compareBytes).reverse()) await session.applyUnmailbox(name);
  }
  // A quota that no mailbox has any more is not told of, and is there all the same; one that is not there may be removed.
  const roots = new Set([inbox, ...quotas.map(({ root }) => root)]);
  using _lock = await context.quotaRootLock.hold(context);
  await allSettledOrThrow([...roots].map((root) => session.applyUnquota(root)));
}
