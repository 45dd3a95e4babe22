import type { ByteString } from '../byte-string.ts';
import type { WireMailbox } from '../protocol/replica-session.ts';
import type {
  Annotation,
  Enumerated,
  Estimate,
  LockedMailbox,
  MailboxEntry,
  MailboxMessages,
  MailboxState,
  MailboxView,
  MasterStore,
  QuotaEntry,
  Refresh,
  SeenEntry,
  SieveState,
} from '../store/master-store.ts';

/** Nobody sends them, so that nobody reads them: what a plan needs of a message is in its record. */
const UNREAD_MESSAGES: MailboxMessages = {
  keepFiles: () => ({ [Symbol.dispose]: () => undefined }),
  readMessage: async () => NO_OCTETS,
};
const NO_OCTETS = Buffer.alloc(0);

/** The master as it would be: where a merge would write to it, its mailboxes count as if that were done. */
export class PlanningStore implements MasterStore {
  readonly #store: MasterStore;
  readonly #merged: Map<ByteString, WireMailbox>;

  constructor(store: MasterStore, merged: Map<ByteString, WireMailbox> = new Map()) {
    this.#store = store;
    this.#merged = merged;
  }

  forJob(): MasterStore {
    return new PlanningStore(this.#store.forJob(), this.#merged);
  }

  refresh(what: Refresh): Promise<void> {
    return this.#store.refresh(what);
  }

  /** The master's own server would be told this. */
  merge(line: WireMailbox): void {
    this.#merged.set(line.name, line);
  }

  enumerate(prefix?: ByteString): Generator<Enumerated> {
    return this.#store.enumerate(prefix);
  }

  names(prefix: ByteString): Generator<ByteString> {
    return this.#store.names(prefix);
  }

  mailboxesOf(userid: ByteString): MailboxEntry[] {
    return this.#store.mailboxesOf(userid);
  }

  inboxName(userid: ByteString): ByteString {
    return this.#store.inboxName(userid);
  }

  ownerOf(name: ByteString): ByteString | undefined {
    return this.#store.ownerOf(name);
  }

  lookup(name: ByteString): MailboxEntry | undefined {
    return this.#store.lookup(name);
  }

  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined {
    return this.#store.lookupUniqueid(uniqueid);
  }

  formerNames(uniqueid: ByteString): ByteString[] | undefined {
    return this.#store.formerNames(uniqueid);
  }

  async livingOnceCalled(name: ByteString): Promise<ByteString[]> {
    return await this.#store.livingOnceCalled(name);
  }

  readMailbox: MasterStore['readMailbox'] = (name, read) =>
    this.#store.readMailbox(name, (mailbox) => read(this.#lockedAsMerged(mailbox)));

  expect(names: readonly ByteString[]): void {
    this.#store.expect(names);
  }

  async peek(entries: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>> {
    const views = await this.#store.peek(entries);
    return new Map([...views].map(([entry, view]) => [entry, this.#asMerged(view)]));
  }

  estimate(userid: ByteString): Estimate {
    return this.#store.estimate(userid);
  }

  estimateMailbox(entry: MailboxEntry): Estimate {
    return this.#store.estimateMailbox(entry);
  }

  quota(root: ByteString): Promise<QuotaEntry | undefined> {
    return this.#store.quota(root);
  }

  subscriptions(userid: ByteString): ByteString[] {
    return this.#store.subscriptions(userid);
  }

  seen(userid: ByteString): SeenEntry[] {
    return this.#store.seen(userid);
  }

  sieve(userid: ByteString): Promise<SieveState> {
    return this.#store.sieve(userid);
  }

  scriptFiles(userid: ByteString): SieveState {
    return this.#store.scriptFiles(userid);
  }

  serverAnnotations(): Promise<Annotation[]> {
    return this.#store.serverAnnotations();
  }

  trySyncLock(server: string, userid: ByteString): Disposable | undefined {
    return this.#store.trySyncLock(server, userid);
  }

  /** Nothing is made, so nobody is in the way. */
  tryQuotaRootLock(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  close(): void {
    this.#store.close();
  }

  #lockedAsMerged(mailbox: LockedMailbox): LockedMailbox {
    const { entry, state, annotations } = this.#asMerged(mailbox);
    const pages: LockedMailbox['pages'] = (fromUid) => mailbox.pages(fromUid);
    return { entry, state, annotations, pages, messages: UNREAD_MESSAGES };
  }

  #asMerged({ entry, state, annotations }: MailboxView): MailboxView {
    const line = this.#merged.get(entry.name);
    if (line === undefined) return { entry, state, annotations };
    return { entry, state: stateAfter(state, line), annotations: line.annotations };
  }
}

function stateAfter(state: MailboxState, line: WireMailbox): MailboxState {
  const { lastUid, highestmodseq, uidvalidity, xconvmodseq, foldermodseq } = line;
  const { recentuid, recenttime, lastAppenddate, pop3LastLogin, pop3ShowAfter } = line;
  return {
    ...state,
    lastUid,
    highestmodseq,
    uidvalidity,
    xconvmodseq,
    foldermodseq,
    recentuid,
    recenttime,
    lastAppenddate,
    pop3LastLogin,
    pop3ShowAfter,
    // Nobody has counted them, and 0 matches anything.
    crcBasic: 0,
    crcAnnotations: 0,
  };
}
