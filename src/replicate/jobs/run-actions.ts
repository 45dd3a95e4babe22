import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';
import { hasInbox } from '../folders/require-inbox.ts';
import { endsJob } from '../outcomes/failures.ts';
import { sendQuota } from '../user-data/send-quotas.ts';
import type { Action, ActionResult } from './action.ts';
import { finishGoneUser } from './finish-gone-user.ts';
import { formerInboxOf } from './former-inbox-of.ts';
import { isPersonal, type PersonalAction, PersonalData } from './personal-data.ts';
import { removeMailbox } from './remove-mailbox.ts';
import { livingUnder, removeUser, restoreHeirs } from './remove-user.ts';
import { syncMailboxes } from './run-mailboxes.ts';
import { syncMeta } from './run-meta.ts';
import { syncUser } from './run-user.ts';
import { sendAnnotations } from './send-annotations.ts';
import { userThere } from './user-there.ts';
import { wentToDeleted } from './went-to-deleted.ts';

/**
 * Runs the actions of one unit of a sync log, in order, under the locks of all `owners`. An action that fails does not stop
 * those after it, unless they depend on it.
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
  const removed = actions.flatMap((action) => (action.kind === 'unuser' ? [action.userid] : []));
  const unit = new Unit(context, owners, new Set(removed), locks);
  const lastRemoval = actions.findLastIndex(({ kind }) => kind === 'unmailbox');
  for (let at = 0; at < actions.length; ) {
    const action = actions[at];
    if (!action) break;
    if (isPersonal(action)) {
      const entries = actions.slice(at, endOfPersonal(actions, at)).filter(isPersonal);
      await unit.sendPersonal(entries);
      at += entries.length;
    } else {
      const gone = at === lastRemoval ? inboxesRemoved(context, actions) : [];
      at++;
      await unit.run(action, at === actions.length, gone);
    }
  }
  return unit.results;
}

/** Finds users whose INBOX the log says to be deleted at once. */
function inboxesRemoved({ store }: EngineContext, actions: readonly Action[]): ByteString[] {
  return actions.flatMap((action) => {
    const owner = action.kind === 'unmailbox' ? store.ownerOf(action.name) : undefined;
    return action.kind === 'unmailbox' && owner !== undefined && store.inboxName(owner) === action.name
      ? [owner]
      : [];
  });
}

function endOfPersonal(actions: readonly Action[], from: number): number {
  let end = from;
  while (isPersonal(actions[end])) end++;
  return end;
}

const DONE: ActionResult = { kind: 'done' };

/** A unit while it runs: what became of its actions so far, and what the next ones have to know of that. */
class Unit {
  readonly results: ActionResult[] = [];
  readonly #context: EngineContext;
  readonly #owners: readonly ByteString[];
  /** Users whom an action of the unit removes. */
  readonly #unusers: ReadonlySet<ByteString>;
  readonly #locks: SyncLocks;
  readonly #personal = new Map<ByteString, PersonalData>();
  #firstNotDone: ActionResult | undefined;
  /** Why nothing more is begun. */
  #ended: ActionResult | undefined;

  constructor(
    context: EngineContext,
    owners: readonly ByteString[],
    unusers: ReadonlySet<ByteString>,
    locks: SyncLocks,
  ) {
    this.#context = context;
    this.#owners = owners;
    this.#unusers = unusers;
    this.#locks = locks;
  }

  /** @param gone users of whom, by the log, no mailbox is left once this is done */
  async run(
    action: Exclude<Action, PersonalAction>,
    isLast: boolean,
    gone: readonly ByteString[],
  ): Promise<void> {
    // Mailboxes that left the user have to be elsewhere before, and what failed may be just their move.
    const before = this.#ended ?? (action.kind === 'unuser' ? this.#firstNotDone : undefined);
    if (before) {
      this.#add(untouchedAfter(before));
      return;
    }
    try {
      await runAction(this.#context, action, this.#owners, this.#locks);
      if (action.kind === 'mailboxes') await this.#finishGone(action.names);
      for (const owner of gone) await this.#finishDeletedAtOnce(owner);
      // An owner tied to the removed users may have been one of them, whatever the names have been used for since.
      if (action.kind === 'unuser' && isLast) await restoreHeirs(this.#context, this.#owners, this.#locks);
      this.#add(DONE);
    } catch (caught) {
      this.#add(this.#failure(caught, 'name' in action ? action.name : undefined));
    }
  }

  /**
   * Removes what is left of users who were deleted, also where the name has been given to others since: a master up to 3.4
   * that keeps deleted mailboxes logs these alone, and no UNUSER.
   */
  async #finishGone(names: readonly ByteString[]): Promise<void> {
    const { store } = this.#context;
    const lostInbox = new Set(names.flatMap((name) => formerInboxOf(this.#context, name) ?? []));
    for (const owner of new Set(names.map((name) => store.ownerOf(name)))) {
      if (owner === undefined || this.#unusers.has(owner)) continue;
      if (wentToDeleted(this.#context, owner))
        await finishGoneUser(this.#context, owner, this.#locks, lostInbox.has(owner));
      else if (lostInbox.has(owner) && hasInbox(this.#context, owner))
        await syncUser(this.#context, owner, this.#locks, true);
    }
  }

  /** Removes what a deletion at once leaves of a user besides mail: a master up to 3.4 logs no UNUSER of it either. */
  async #finishDeletedAtOnce(owner: ByteString): Promise<void> {
    const { store } = this.#context;
    if (this.#unusers.has(owner) || hasInbox(this.#context, owner)) return;
    if (store.mailboxesOf(owner).some(({ inDeleted, intermediate }) => !inDeleted && !intermediate)) return;
    const inbox = store.inboxName(owner);
    const { mailboxes } = await userThere(this.#context, owner);
    const isLive = ({ name, type }: ReplicaMailbox): boolean =>
      !type.includes('i') && (name === inbox || name.startsWith(`${inbox}.`));
    if (!mailboxes.some(isLive)) await removeUser(this.#context, owner, this.#locks, false);
  }

  /** Sends entries that are independent of each other, so that none waits for the answer to another. */
  async sendPersonal(actions: readonly PersonalAction[]): Promise<void> {
    const answers: (ActionResult | Promise<ActionResult>)[] = [];
    for (const action of actions) {
      if (this.#ended) {
        answers.push(untouchedAfter(this.#ended));
        continue;
      }
      try {
        const personal = this.#personalOf(action.userid);
        if (!(await personal.wanted())) {
          answers.push(DONE);
          continue;
        }
        await this.#context.session.window();
        answers.push(
          personal.send(action).then(
            () => DONE,
            (caught: unknown) => this.#failure(caught),
          ),
        );
      } catch (caught) {
        answers.push(this.#failure(caught));
      }
    }
    for (const answer of answers) this.#add(await answer);
  }

  #personalOf(userid: ByteString): PersonalData {
    const known = this.#personal.get(userid);
    if (known) return known;
    const personal = new PersonalData(this.#context, userid);
    this.#personal.set(userid, personal);
    return personal;
  }

  #add(result: ActionResult): void {
    this.results.push(result);
    if (result.kind !== 'done') this.#firstNotDone ??= result;
  }

  /** @param mailbox that the action was about, if it was about one */
  #failure(caught: unknown, mailbox?: ByteString): ActionResult {
    const result = resultOf(caught, mailbox);
    if (result.kind === 'failed' && endsJob(result.error)) this.#ended ??= result;
    return result;
  }
}

function resultOf(caught: unknown, mailbox?: ByteString): ActionResult {
  const error = SyncError.from(caught, { mailbox });
  if (error.code === 'USER_LOCKED') return { kind: 'locked', user: error.user ?? '' };
  return { kind: 'failed', error: error.toData() };
}

function untouchedAfter(before: ActionResult): ActionResult {
  if (before.kind === 'failed' || before.kind === 'untouched')
    return { kind: 'untouched', error: before.error };
  const error = new SyncError('USER_LOCKED', 'something before it could not be done yet', {
    retryable: true,
  });
  return { kind: 'untouched', error: error.toData() };
}

async function runAction(
  context: EngineContext,
  action: Exclude<Action, PersonalAction>,
  owners: readonly ByteString[],
  locks: SyncLocks,
): Promise<void> {
  switch (action.kind) {
    case 'mailboxes': {
      const owners = new Set(action.names.map((name) => context.store.ownerOf(name)));
      const [first = ''] = owners;
      const merged = await syncMailboxes(context, first, action.names, locks, true);
      for (const owner of ownersOfScripts(context, action.names)) await syncMeta(context, owner, locks);
      if (!merged || !context.options.conversations) return;
      // It may have moved what the replica counts for other folders of theirs.
      for (const owner of owners) if (owner !== undefined) await syncUser(context, owner, locks);
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
    case 'unmailbox':
      return await removeMailbox(context, action.name);
    case 'unuser':
      return await finishUnuser(context, action.userid, owners, locks);
  }
}

/** Finds whose scripts changed with these mailboxes, where the replica does not take `#sieve` and wants them one by one. */
function ownersOfScripts({ session, store }: EngineContext, names: readonly ByteString[]): Set<ByteString> {
  if (session.info.sieveMailbox) return new Set();
  const scripts = names.filter((name) => store.lookup(name)?.type.includes('f'));
  return new Set(scripts.flatMap((name) => store.ownerOf(name) ?? []));
}

/**
 * Sends UNUSER once nothing that lives on here is left under the name on the replica: mailboxes that left the user go
 * first, even where nothing ties the two users any more. If a user of that name has been created again since, the line of
 * the log means that what the former user left behind must go.
 */
async function finishUnuser(
  context: EngineContext,
  userid: ByteString,
  tied: readonly ByteString[],
  locks: SyncLocks,
): Promise<void> {
  const living = await livingUnder(context, userid);
  const owners = new Set(living.map((entry) => entry.userid));
  for (const owner of owners) {
    if (owner === undefined || owner === userid) continue;
    locks.take(owner);
    await syncUser(context, owner, locks);
  }
  if (hasInbox(context, userid)) await syncUser(context, userid, locks, true);
  else if (owners.has(userid)) await finishGoneUser(context, userid, locks, false);
  else await removeUser(context, userid, locks, tied.length > 1 || owners.size > 0);
}
