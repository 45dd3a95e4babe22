/**
 * The door of `replicate/outcomes`. Here is kept what went wrong in a job, so that the rest goes on: failures by mailbox,
 * what was held back, what was set aside. It may know errors and nothing else of the engine. No failure is lost or counted
 * twice, memory does not grow with their number, and what ends a job (a broken link, a cancelled run) is thrown on at once.
 */

import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { type Phase, SyncError } from '../../report/sync-error.ts';
import type { UnreadPart } from '../../store/master-store.ts';
import { expected } from './expected.ts';
import { settledBeforeThrowing } from './settled-before-throwing.ts';

/** Commands in flight whose outcome is yet to be collected: more than a link with any delay has under way. */
const MOST_REMEMBERED = 8192;

/** Failures kept with all they say; of more of one user only the number is told. */
const MOST_KEPT = 1000;

/** Mailboxes that the failure of a user names; of the others only the number is told. */
const MOST_NAMED = 20;

/** Phases about something that lies beside the messages. */
const BESIDE: readonly Phase[] = ['quota', 'subscriptions', 'seen', 'sieve', 'annotations'];

/**
 * The failures of one job. A refusal spoils only what it refused, the rest of the job goes on; a broken link or a
 * cancelled run ends the job at once.
 */
export class Failures {
  readonly #user: ByteString;
  readonly #errors: SyncError[] = [];
  #count = 0;
  /** Holds for all errors, those included that are not kept. */
  #allRetryable = true;
  #anyMoved = false;
  readonly #movedThere = new Set<ByteString>();
  /** Folders and messages have arrived. */
  #allBeside = true;
  /** Messages that could not be sent, by mailbox and UID. */
  readonly #damaged = new Map<ByteString, Map<number, SyncError>>();
  /** Names of mailboxes that were not sent because something above them is not on the replica, by what that is. */
  readonly #heldBack = new Map<ByteString, ByteString[]>();

  /** Paths of files beside messages that could not be read. */
  readonly #unread = new Set<string>();

  constructor(user: ByteString) {
    this.#user = user;
  }

  /** @throws SyncError if `caught` ends the job */
  add(phase: Phase, caught: unknown, mailbox?: ByteString, isBeside = BESIDE.includes(phase)): SyncError {
    const error = SyncError.from(caught, { phase, user: this.#user, mailbox });
    if (endsJob(error)) throw error;
    this.#count++;
    if (error.code === 'IMAP_MAILBOX_MOVED' && error.phase !== 'folders') {
      this.#anyMoved = true;
      if (error.family === 'refused' && error.mailbox !== undefined) this.#movedThere.add(error.mailbox);
    }
    this.#allRetryable &&= error.retryable;
    this.#allBeside &&= isBeside;
    if (this.#errors.length < MOST_KEPT) this.#errors.push(error);
    return error;
  }

  /**
   * Returns what `read` gives of the store; if it cannot be read, `otherwise`, and this part alone fails.
   *
   * @throws SyncError if that ends the job
   */
  async read<T, U>(phase: Phase, read: () => T | Promise<T>, otherwise: U): Promise<T | U> {
    try {
      return await read();
    } catch (caught) {
      this.add(phase, caught);
      return otherwise;
    }
  }

  /**
   * Something beside the messages of a mailbox that could not be read. One file is one failure, however many mailboxes are
   * concerned.
   *
   * @returns false if this file was noted before
   */
  addUnread({ path, error }: UnreadPart): boolean {
    if (this.#unread.has(path)) return false;
    this.#unread.add(path);
    this.add('read', error, undefined, true);
    return true;
  }

  /**
   * A message that could not be sent, `error.damage` saying which and why. All of a mailbox are one failure.
   *
   * @returns whether it is news
   */
  addDamaged(mailbox: ByteString, error: SyncError): boolean {
    const { damage } = error;
    if (!damage) return false;
    let known = this.#damaged.get(mailbox);
    if (!known) {
      known = new Map();
      this.#damaged.set(mailbox, known);
    }
    if (known.has(damage.uid)) return false;
    known.set(damage.uid, error);
    return true;
  }

  /**
   * Waits for all and collects refusals. @returns true if all were done: what depends on them is not to be sent otherwise
   */
  async all(phase: Phase, commands: readonly Promise<void>[]): Promise<boolean> {
    const outcomes = await Promise.allSettled(commands);
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.add(phase, outcome.reason);
    return outcomes.every(({ status }) => status === 'fulfilled');
  }

  /**
   * Sends a command for each item, no faster than the session's window allows, and returns when all are answered. Only the
   * latest are remembered: a replica may give any number of reasons for one.
   *
   * @returns true if all were done
   */
  async each<Item>(
    phase: Phase,
    session: Pick<ReplicaSession, 'window'>,
    items: Iterable<Item>,
    send: (item: Item) => Promise<void>,
  ): Promise<boolean> {
    let done = true;
    const running: Promise<void>[] = [];
    return await settledBeforeThrowing(running, async () => {
      for (const item of items) {
        await session.window().catch((caught) => this.add(phase, caught));
        // One that is never looked at, because another ended the job, has failed for the same reason.
        running.push(expected(send(item)));
        if (running.length < MOST_REMEMBERED) continue;
        // Answers come in order, so that those behind go on meanwhile.
        done = (await this.all(phase, running.splice(0, MOST_REMEMBERED / 2))) && done;
      }
      return (await this.all(phase, running)) && done;
    });
  }

  /** `mailbox` was not sent: `above` is not on the replica, and has its own failure if it is part of this job. */
  holdBack(mailbox: ByteString, above: ByteString): void {
    const names = this.#heldBack.get(above);
    if (names) names.push(mailbox);
    else this.#heldBack.set(above, [mailbox]);
  }

  get heldBack(): ReadonlyMap<ByteString, readonly ByteString[]> {
    return this.#heldBack;
  }

  /** Some failures are of mailboxes that the replica has under another name, or that moved here meanwhile. */
  get anyMoved(): boolean {
    return this.#anyMoved;
  }

  /** Names here of mailboxes that the replica says it has under another name. */
  get movedThere(): ReadonlySet<ByteString> {
    return this.#movedThere;
  }

  get count(): number {
    return this.#count;
  }

  /** Trying again at once may help with all of them. */
  get retryable(): boolean {
    return this.#allRetryable;
  }

  /** @throws SyncError the first failure, saying what else there is */
  throwIfAny(): void {
    const damaged = [...this.#damaged].map(([mailbox, errors]) =>
      damagedMailbox(this.#user, mailbox, [...errors.values()]),
    );
    const [first, ...more] = [...this.#errors, ...damaged];
    const heldBack = [...this.#heldBack].flatMap(([above, names]) => names.map((name) => ({ name, above })));
    if (!first) {
      const [one, ...others] = heldBack;
      if (one) throw this.#first(missingAbove(one.above, one.name, this.#user), 0, others.length);
      return;
    }
    const named = new Set(more.flatMap(({ mailbox }) => mailbox ?? []));
    named.delete(first.mailbox ?? '');
    const count = this.#count + damaged.length;
    throw this.#first(first, count - 1, heldBack.length, [...named].slice(0, MOST_NAMED));
  }

  /** The grade that the user is left with, if nothing worse has happened. */
  get #leaves(): SyncError['leaves'] {
    if (!this.#allBeside) return undefined;
    return this.#damaged.size > 0 ? 'damaged-at-source' : 'metadata-differs';
  }

  #first(
    first: SyncError,
    more: number,
    heldBack: number,
    alsoMailboxes: readonly ByteString[] = [],
  ): SyncError {
    const rest = [
      ...(more > 0 ? [`${more} more failures of this user`] : []),
      ...(heldBack > 0 ? [`${heldBack} below it not sent`] : []),
    ];
    const leaves = heldBack > 0 ? undefined : this.#leaves;
    if (rest.length === 0 && leaves === undefined) return first;
    const message = rest.length === 0 ? first.message : `${first.message} (and ${rest.join('; ')})`;
    return new SyncError(first.code, message, {
      family: first.family,
      phase: first.phase,
      user: first.user,
      mailbox: first.mailbox,
      alsoMailboxes,
      hint: first.hint,
      retryable: first.retryable && this.retryable,
      leaves,
      cause: first,
    });
  }
}

function damagedMailbox(user: ByteString, mailbox: ByteString, errors: readonly SyncError[]): SyncError {
  const [first] = errors;
  const more = errors.length - 1;
  const others = more > 0 ? `, and so are ${more} more of this mailbox` : '';
  return new SyncError('MESSAGE_UNREADABLE', `left out: ${first?.message}${others}; all others were sent`, {
    phase: 'upload',
    user,
    mailbox,
    hint: first?.hint,
  });
}

/** A refusal spoils only what it refused; these leave nothing to go on with. */
export function endsJob({ family, code }: Pick<SyncError, 'family' | 'code'>): boolean {
  return family === 'link' || code === 'CANCELLED' || code === 'TOO_MANY_FILES';
}

/** Makes the error of a mailbox that cannot be made because the one above it is not on the replica. */
export function missingAbove(above: ByteString, mailbox: ByteString, user?: ByteString): SyncError {
  return new SyncError('IMAP_MAILBOX_NONEXISTENT', `${nameInText(above)} is missing on the replica`, {
    phase: 'folders',
    user,
    mailbox,
    hint: 'replicate the whole user: sync_client -u',
  });
}
