/**
 * The door of `replicate/user-data`. Here is what goes by the user's name rather than by mailbox: subscriptions, seen
 * state, quotas, scripts. Each has a pure plan (`plan-*.ts`) and a file that sends it (`send-*.ts`), all entries or one. It
 * may use connection and outcomes. Callers have asked whether the INBOX is on the replica (`requireInbox`); a kind of data
 * that cannot be read here stays as it is there, and fails alone.
 */

import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession, ReplicaUser } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry, SieveState } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { sendSieve } from './send-sieve.ts';

/**
 * Moves scripts that the master still has as files, while the replica wants them as messages of the mailbox `#sieve`.
 *
 * Where the master's own server is new enough it is asked to move them, which is what the C client does itself: then both
 * sides have the one mailbox that the master made. Where it is older, or must not be asked (-O, `master = none`), they go
 * by script commands; the replica then makes a `#sieve` of its own, which gives way once the master has one that holds all
 * of its scripts.
 */
export async function moveScriptFiles(context: EngineContext, userid: ByteString): Promise<void> {
  if (!context.session.info.sieveMailbox || !context.master || context.options.noCopyback) return;
  const state = scriptFiles(context, userid);
  if (!state || state.scripts.length === 0) return;
  try {
    const { session } = await context.master.connect();
    // Any command that concerns scripts makes the server move them; this one says what is so already.
    if (!session.info.sieveMailbox) return;
    if (state.active !== undefined) await session.applyActivateSieve(userid, state.active);
    else await session.applyUnactivateSieve(userid);
  } catch (caught) {
    const error = SyncError.from(caught).toData();
    context.emit({ kind: 'user:scripts-as-files', user: userid, error });
  }
}

/** Tells whether the scripts that are files here can be read: otherwise nothing is done about scripts. */
export async function scriptsAreReadable(
  context: EngineContext,
  userid: ByteString,
  failures: Failures,
): Promise<boolean> {
  const unreadable = Symbol('unreadable');
  return (await failures.read('sieve', () => scriptFiles(context, userid), unreadable)) !== unreadable;
}

/** The replica's mailboxes without its `#sieve`. */
export function withoutScriptMailbox(
  context: EngineContext,
  userid: ByteString,
  mailboxes: readonly ReplicaMailbox[],
): ReplicaMailbox[] {
  const name = scriptMailbox(context, userid);
  return mailboxes.filter((mailbox) => mailbox.name !== name);
}

/** The replica's mailboxes without a `#sieve` that only script commands fill: there is none here to compare it to. */
export function comparable(
  context: EngineContext,
  userid: ByteString,
  mailboxes: readonly ReplicaMailbox[],
): ReplicaMailbox[] {
  const name = scriptMailbox(context, userid);
  const there = mailboxes.some((mailbox) => mailbox.name === name);
  if (!there || scriptFiles(context, userid) === undefined) return [...mailboxes];
  return withoutScriptMailbox(context, userid, mailboxes);
}

/** The replica's mailboxes of a user who is gone, without a `#sieve` that is none of the master's: script commands made it. */
export function withoutForeignScripts(
  context: EngineContext,
  userid: ByteString,
  mailboxes: readonly ReplicaMailbox[],
): ReplicaMailbox[] {
  if (context.store.lookup(scriptMailbox(context, userid))) return [...mailboxes];
  return withoutScriptMailbox(context, userid, mailboxes);
}

/** Sends the scripts; the user's mailboxes have to be on the replica before. */
export async function sendScripts(
  context: EngineContext,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  if (!context.session.info.sieveMailbox) {
    await sendSieve(context, userid, replica, failures);
    return;
  }
  const state = scriptFiles(context, userid);
  if (!state) return;
  const name = scriptMailbox(context, userid);
  const there = replica.mailboxes.find((mailbox) => mailbox.name === name);
  if (state.scripts.length === 0 && !there) return;
  // The master's own, which a user being renamed or deleted has lost already: having no files proves nothing then.
  if (there && context.store.lookupUniqueid(there.uniqueid)) return;
  await listAndSend();
  // A replica that had its scripts as files lists them only now, having moved them when the first command came.
  if (!there) await listAndSend();

  async function listAndSend(): Promise<void> {
    const session = await listingSession(context, userid);
    await sendSieve({ ...context, session }, userid, await session.getMeta(userid), failures);
  }
}

/**
 * Opens a session that lists the user's scripts. An imapd's process lists none once any client has enabled SIEVE-MAILBOX
 * there (protocol 10.15): it is known by what it lists instead, the mailbox.
 */
export async function listingSession(
  context: Pick<EngineContext, 'scripts' | 'store' | 'options'>,
  userid: ByteString,
): Promise<ReplicaSession> {
  const name = scriptMailbox(context, userid);
  return await context.scripts.connect(async (session) => (await session.getMailboxes([name])).length === 0);
}

/**
 * Tells whether the replica's `#sieve`, which is not the master's, holds nothing but scripts that the master's holds too:
 * then it was made from files that have since become the master's mailbox, and may give way to that.
 */
export async function isMadeOfOurScripts(
  context: EngineContext,
  entry: MailboxEntry,
  other: ReplicaMailbox,
): Promise<boolean> {
  const { userid } = entry;
  if (!context.session.info.sieveMailbox || userid === undefined) return false;
  if (!entry.type.includes('f') || !other.type.includes('f')) return false;
  const { sieve } = await (await listingSession(context, userid)).getMeta(userid);
  const { scripts } = await context.store.sieve(userid);
  const ours = new Map(scripts.map((script) => [script.filename, script.guid]));
  return sieve
    .filter(({ filename }) => filename.endsWith('.script'))
    .every(({ filename, guid }) => ours.get(filename) === guid);
}

/** Tells whether the master keeps the user's scripts as files. */
export function hasScriptFiles(context: EngineContext, userid: ByteString): boolean {
  return scriptFiles(context, userid) !== undefined;
}

/** Reads scripts that are files; undefined if the master has them in `#sieve`, or has none and never had. */
function scriptFiles(context: EngineContext, userid: ByteString): SieveState | undefined {
  const row = context.store.lookup(scriptMailbox(context, userid));
  if (row && !row.deleted) return undefined;
  const state = context.store.scriptFiles(userid);
  return state.source === 'directory' ? state : undefined;
}

function scriptMailbox(context: Pick<EngineContext, 'store' | 'options'>, userid: ByteString): ByteString {
  return `${context.store.inboxName(userid)}.${context.options.sieveFolder}`;
}
