import type { ByteString } from '../../byte-string.ts';
import type { SeenEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { requireInbox } from '../folders/require-inbox.ts';
import { sendSeenEntry } from '../user-data/send-seen.ts';
import { sendSubscription } from '../user-data/send-subscriptions.ts';
import type { Action } from './action.ts';

export type PersonalAction = Extract<Action, { kind: 'seen' | 'sub' }>;

export function isPersonal(action: Action | undefined): action is PersonalAction {
  return action?.kind === 'seen' || action?.kind === 'sub';
}

/**
 * Sends subscriptions and seen state of one user, entry by entry, as a unit of a sync log names them. However many entries
 * there are, the replica is asked for the INBOX once, and either file is read once, even if it cannot be read.
 */
export class PersonalData {
  readonly #context: EngineContext;
  readonly #userid: ByteString;
  #wanted: Promise<boolean> | undefined;
  #subscriptions: Promise<ReadonlySet<ByteString>> | undefined;
  #seen: Promise<ReadonlyMap<ByteString, SeenEntry>> | undefined;

  constructor(context: EngineContext, userid: ByteString) {
    this.#context = context;
    this.#userid = userid;
  }

  /**
   * Tells whether there is a user to send it for. A user who left a tombstone is gone, which the log says in a line of its
   * own, and what is kept under the uniqueid belongs by now to whoever that user was renamed to.
   *
   * @throws SyncError as `requireInbox`
   */
  wanted(): Promise<boolean> {
    this.#wanted ??= this.#ask();
    return this.#wanted;
  }

  async #ask(): Promise<boolean> {
    const { store } = this.#context;
    if (store.lookup(store.inboxName(this.#userid))?.deleted) return false;
    await requireInbox(this.#context, this.#userid);
    return true;
  }

  /** Sends one entry. The caller has asked `wanted` before. */
  async send(action: PersonalAction): Promise<void> {
    if (action.kind === 'seen') await this.#sendSeen(action.uniqueid);
    else await this.#sendSubscription(action.name);
  }

  async #sendSeen(uniqueid: ByteString): Promise<void> {
    this.#seen ??= this.#readSeen();
    const entry = (await this.#seen).get(uniqueid);
    if (entry) await sendSeenEntry(this.#context, this.#userid, entry);
  }

  async #sendSubscription(name: ByteString): Promise<void> {
    this.#subscriptions ??= this.#readSubscriptions();
    await sendSubscription(this.#context, this.#userid, name, (await this.#subscriptions).has(name));
  }

  async #readSeen(): Promise<ReadonlyMap<ByteString, SeenEntry>> {
    const entries = this.#context.store.seen(this.#userid);
    return new Map(entries.map((entry) => [entry.uniqueid, entry]));
  }

  async #readSubscriptions(): Promise<ReadonlySet<ByteString>> {
    return new Set(this.#context.store.subscriptions(this.#userid));
  }
}
