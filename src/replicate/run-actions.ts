import { type ByteString, compareBytes } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Annotation } from '../store/master-store.ts';
import type { Action, ActionResult } from './action.ts';
import type { EngineContext } from './engine.ts';
import { checkSameUser, hasInbox } from './job-scope.ts';
import { removeUser, restoreHeirs } from './remove-user.ts';
import { syncMailboxes } from './run-mailboxes.ts';
import { syncMeta } from './run-meta.ts';
import { syncUser } from './run-user.ts';
import { settle } from './settle.ts';
import { SyncLocks } from './sync-locks.ts';

/**
 * Actions of one unit of a sync log, in order, under the locks of all `owners`. One that fails does not stop those after
 * it, unless they depend on it.
 *
 * @returns one result per action; never rejects
 */
export async function runActions(
  context: EngineContext,
  owners: readonly ByteString[],
  actions: readonly Action[],
): Promise<ActionResult[]> {
  let locks: SyncLocks;
  try {
    locks = new SyncLocks(context, owners);
  } catch (caught) {
    const result = resultOf(caught);
    return actions.map(() => result);
  }
  using _locks = locks;
  const results: ActionResult[] = [];
  let ended: ActionResult | undefined;
  for (const action of actions) {
    const before = ended ?? mustComeBefore(context, action, actions, results);
    if (before) {
      results.push(untouchedAfter(before));
      continue;
    }
    try {
      await runAction(context, action, owners, locks);
      // Whoever is tied to the users removed may have been one of them, whatever the names have been used for since.
      if (action.kind === 'unuser' && action === actions.at(-1)) await restoreHeirs(context, owners, locks);
      results.push({ kind: 'done' });
    } catch (caught) {
      const result = resultOf(caught);
      results.push(result);
      if (result.kind === 'failed' && endsUnit(result.error)) ended = result;
    }
  }
  return results;
}

function resultOf(caught: unknown): ActionResult {
  const error = SyncError.from(caught);
  if (error.code === 'USER_LOCKED') return { kind: 'locked', user: error.user ?? '' };
  return { kind: 'failed', error: error.toData() };
}

function endsUnit(error: { family: string; code: string }): boolean {
  return error.family === 'link' || error.code === 'CANCELLED';
}

/** The result, not success, of an earlier action of the unit without which this one would do harm. */
function mustComeBefore(
  { store }: EngineContext,
  action: Action,
  actions: readonly Action[],
  results: readonly ActionResult[],
): ActionResult | undefined {
  switch (action.kind) {
    case 'unuser':
      return results.find((result) => result.kind !== 'done');
    case 'seen':
    case 'sub':
    case 'meta': {
      // Until his INBOX is there, another may have this name on the replica, who would get what is this user's.
      const inbox = store.inboxName(action.userid);
      return results.find((result, i) => {
        const earlier = actions[i];
        return result.kind !== 'done' && earlier?.kind === 'mailboxes' && earlier.names.includes(inbox);
      });
    }
    default:
      return undefined;
  }
}

function untouchedAfter(before: ActionResult): ActionResult {
  if (before.kind === 'failed' || before?.kind === 'untouched')
    return { kind: 'untouched', error: before.error };
  const error = new SyncError('USER_LOCKED', 'something before it could not be done yet', {
    retryable: true,
  });
  return { kind: 'untouched', error: error.toData() };
}

async function runAction(
  context: EngineContext,
  action: Action,
  owners: readonly ByteString[],
  locks: SyncLocks,
): Promise<void> {
  switch (action.kind) {
    case 'mailboxes': {
      const [first = ''] = action.names;
      await syncMailboxes(context, context.store.ownerOf(first) ?? '', action.names, locks);
      return;
    }
    case 'user':
      await syncUser(context, action.userid, locks);
      return;
    case 'meta':
      await syncMeta(context, action.userid, locks);
      return;
    case 'quota':
      return await sendQuota(context, action.root);
    case 'annotation':
      return await sendAnnotations(context, action.name);
    case 'seen':
      await checkSameUser(context, action.userid);
      return await sendSeen(context, action.userid, action.uniqueid);
    case 'sub':
      await checkSameUser(context, action.userid);
      return await sendSubscription(context, action.userid, action.name);
    case 'unmailbox':
      return await removeMailbox(context, action.name);
    case 'unuser':
      // Of a user of that name who has been created again since, it says that what the former one left behind must go.
      if (hasInbox(context, action.userid)) await syncUser(context, action.userid, locks);
      else await removeUser(context, action.userid, locks, owners.length > 1);
      return;
  }
}

/** Sent without asking what the replica has: one command instead of two (algorithm section 8.1). */
async function sendQuota({ store, session, emit }: EngineContext, root: ByteString): Promise<void> {
  const quota = store.quota(root);
  if (quota) {
    emit({ kind: 'command:quota', root });
    await session.applyQuota(quota, quota.modseq);
  } else {
    emit({ kind: 'command:unquota', root });
    await session.applyUnquota(root);
  }
}

async function sendSeen(
  { store, session, emit }: EngineContext,
  userid: ByteString,
  uniqueid: ByteString,
): Promise<void> {
  const seen = store.seen(userid).find((entry) => entry.uniqueid === uniqueid);
  if (!seen) return;
  emit({ kind: 'command:seen', user: userid, uniqueid });
  await session.applySeen(userid, seen);
}

async function sendSubscription(
  { store, session, emit }: EngineContext,
  userid: ByteString,
  name: ByteString,
): Promise<void> {
  if (store.subscriptions(userid).includes(name)) {
    emit({ kind: 'command:sub', user: userid, name });
    await session.applySub(userid, name);
  } else {
    emit({ kind: 'command:unsub', user: userid, name });
    await session.applyUnsub(userid, name);
  }
}

/** Only with proof that it was deleted here. */
async function removeMailbox(
  { store, session, emit, options }: EngineContext,
  name: ByteString,
): Promise<void> {
  const entry = store.lookup(name);
  if (entry && !entry.deleted) return;
  if (!entry) {
    emit({
      kind: 'notice',
      level: 'notice',
      text: `SYNCNOTICE: attempt to UNMAILBOX without a tombstone ${name}`,
    });
    return;
  }
  emit({ kind: 'command:unmailbox', name, local: options.local });
  await session.applyUnmailbox(name, options.local);
}

/** Algorithm section 8.5: both lists are merged by entry and user. */
async function sendAnnotations(context: EngineContext, name: ByteString): Promise<void> {
  const { session, emit } = context;
  const ours = await annotationsOf(context, name);
  if (ours === undefined) return;
  const theirs = await session.getAnnotation(name);
  const key = (one: { entry: ByteString; userid: ByteString }): string => `${one.entry}\0${one.userid}`;
  const here = new Map(ours.map((one) => [key(one), one]));
  const there = new Map(theirs.map((one) => [key(one), one]));
  const commands: Promise<void>[] = [];
  for (const [at, one] of [...here].sort(([a], [b]) => compareBytes(a, b))) {
    if (there.get(at)?.value === one.value) continue;
    emit({ kind: 'command:annotation', name, entry: one.entry, user: one.userid });
    commands.push(session.applyAnnotation(name, one));
  }
  for (const [at, one] of there) {
    if (here.has(at)) continue;
    emit({ kind: 'command:unannotation', name, entry: one.entry, user: one.userid });
    commands.push(session.applyUnannotation(name, one.entry, one.userid));
  }
  await settle(commands);
}

async function annotationsOf(
  { store }: EngineContext,
  name: ByteString,
): Promise<readonly Annotation[] | undefined> {
  if (name === '') return store.serverAnnotations();
  return await store.readMailbox(name, (mailbox) => mailbox.annotations);
}
