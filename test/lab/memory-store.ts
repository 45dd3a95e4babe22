import { createHash } from 'node:crypto';
import { type ByteString, compareBytes } from '../../src/byte-string.ts';
import { lockScope, type Synchronous } from '../../src/native/lock-scope.ts';
import type { WireMailbox, WireRecord } from '../../src/protocol/replica-session.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import { annotationCrc, basicCrc } from '../../src/store/mailbox/checksums.ts';
import { CREATEDMODSEQ } from '../../src/store/mailbox/virtual-annotations.ts';
import type {
  Annotation,
  Enumerated,
  Estimate,
  IndexRecord,
  LockedMailbox,
  MailboxEntry,
  MailboxMessages,
  MailboxState,
  MailboxView,
  MasterStore,
  QuotaEntry,
  SeenEntry,
  SieveScript,
  SieveState,
} from '../../src/store/master-store.ts';
import {
  type NameRules,
  parseInternalName,
  parseUserid,
  toInternalName,
  useridOf,
} from '../../src/store/paths/mailbox-name.ts';
import { lockedMailbox } from './engine-fakes.ts';

const RULES: NameRules = {
  defaultdomain: 'internal',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
  virtdomains: 'off',
};
/** Seconds since the epoch, for whatever needs a time. */
const THEN = 1_600_000_000;
/** As Cyrus 3.6 writes it. */
const INDEX_VERSION = 17;

/** The virtual annotation of a record (protocol 7.5). */
export function createdModseq(modseq: number): Annotation {
  return { entry: CREATEDMODSEQ, userid: '', modseq: 0, value: String(modseq) };
}

interface StoredMailbox {
  entry: MailboxEntry;
  records: IndexRecord[];
  annotations: Annotation[];
  /** Stored fields that do not follow from the records. */
  state: Partial<MailboxState>;
  /** The highest numbers of records that were cleaned away: counters do not go down with them. */
  floor: { lastUid: number; highestmodseq: number; deletedmodseq: number };
  /** By so much the stored checksum is wrong (XOR), until a server counts again. */
  skew: number;
}

const NO_FLOOR = { lastUid: 0, highestmodseq: 0, deletedmodseq: 0 };

/** A mailbox as a test gives it; the rest follows. */
export interface MailboxWish {
  uniqueid?: ByteString;
  /** Contents, from UID 1 on. */
  messages?: readonly string[];
  annotations?: Annotation[];
  entry?: Partial<MailboxEntry>;
  state?: Partial<MailboxState>;
}

/**
 * A master in memory, changed by the test while the engine works from it. Knows names, contents, what belongs to a user,
 * and what to refuse; counts how often it is asked.
 */
export class MemoryStore implements MasterStore {
  /** Questions asked, by method. */
  readonly asked = new Map<keyof MasterStore, number>();
  /** Thrown by `readMailbox` for these names: a damaged mailbox. */
  readonly damaged = new Map<ByteString, Error>();
  /** Thrown for the messages of these mailboxes. */
  readonly unreadable = new Map<ByteString, Error>();
  /** UIDs whose message files are damaged, by mailbox; they are renamed with it. */
  readonly damagedMessages = new Map<ByteString, Set<number>>();
  /** Users whose sync lock somebody else has. */
  readonly locked = new Set<ByteString>();
  /** Every message has its CREATEDMODSEQ, as in Cyrus 3.6: an empty mailbox has another checksum of annotations then. */
  createdModseqs = false;
  /** `conversations`: each mailbox has an XCONVMODSEQ. */
  conversations = false;
  readonly quotas = new Map<ByteString, QuotaEntry>();
  readonly annotations: Annotation[] = [];
  readonly #mailboxes = new Map<ByteString, StoredMailbox>();
  readonly #contents = new Map<string, Buffer>();
  readonly #subscriptions = new Map<ByteString, Set<ByteString>>();
  readonly #seen = new Map<ByteString, Map<ByteString, SeenEntry>>();
  readonly #scripts = new Map<ByteString, { scripts: SieveScript[]; active: ByteString | undefined }>();
  readonly #formerNames = new Map<ByteString, ByteString[]>();
  #modseq = 1;

  /** A user with an INBOX, and folders below it. */
  addUser(userid: ByteString, folders: readonly ByteString[] = [], wish: MailboxWish = {}): void {
    const inbox = this.inboxName(userid);
    this.put(inbox, { messages: [`to ${userid}`], ...wish });
    for (const folder of folders) this.put(`${inbox}.${folder}`, { messages: [`${folder} of ${userid}`] });
  }

  /** Makes a mailbox, or another one in its place. */
  put(name: ByteString, wish: MailboxWish = {}): MailboxEntry {
    const modseq = ++this.#modseq;
    const entry: MailboxEntry = {
      name,
      uniqueid: wish.uniqueid ?? `id${modseq}${name.replace(/[^a-z0-9]/gi, '')}`,
      type: '',
      intermediate: false,
      deleted: false,
      legacyDirs: false,
      partition: 'default',
      acl: `${this.ownerOf(name) ?? 'anyone'}\tlrswipkxtecdan\t`,
      uidvalidity: THEN + modseq,
      createdmodseq: modseq,
      foldermodseq: modseq,
      userid: this.ownerOf(name),
      inDeleted: name.startsWith(`${RULES.deletedprefix}.`),
      ...wish.entry,
    };
    this.#mailboxes.set(name, {
      entry,
      records: [],
      annotations: [...(wish.annotations ?? [])],
      state: wish.state ?? {},
      floor: NO_FLOOR,
      skew: 0,
    });
    for (const text of wish.messages ?? []) this.append(name, text);
    return entry;
  }

  append(name: ByteString, text: string): void {
    const { records, floor } = this.#at(name);
    const content = Buffer.from(text);
    const guid = createHash('sha1').update(content).digest('hex');
    this.#contents.set(guid, content);
    const modseq = ++this.#modseq;
    records.push({
      uid: Math.max(records.at(-1)?.uid ?? 0, floor.lastUid) + 1,
      modseq,
      lastUpdated: THEN,
      flags: [],
      internaldate: THEN,
      size: content.length,
      guid,
      annotations: this.createdModseqs ? [createdModseq(modseq)] : [],
      unlinked: false,
      archived: false,
    });
  }

  /** Does what the master's own server does with a MAILBOX. */
  apply(line: WireMailbox, records: readonly WireRecord[]): void {
    const mailbox = this.#at(line.name);
    const { uidvalidity, foldermodseq, highestmodseq, lastUid, acl } = line;
    mailbox.entry = { ...mailbox.entry, uidvalidity, foldermodseq, acl };
    mailbox.annotations = [...line.annotations];
    mailbox.floor = { ...mailbox.floor, highestmodseq, lastUid };
    const byUid = new Map(mailbox.records.map((record) => [record.uid, record]));
    for (const { flags, annotations, ...record } of records) {
      const wire = { ...record, flags: [...flags], annotations: [...annotations] };
      byUid.set(record.uid, { ...wire, unlinked: false, archived: false });
    }
    mailbox.records = [...byUid.values()].sort((a, b) => a.uid - b.uid);
    this.#modseq = Math.max(this.#modseq, highestmodseq);
  }

  hasContent(guid: string): boolean {
    return this.#contents.has(guid);
  }

  putContent(guid: string, content: Buffer): void {
    this.#contents.set(guid, content);
  }

  expunge(name: ByteString, uid: number): void {
    this.flag(name, uid, (flags) => [...flags, '\\Expunged']);
  }

  /** The record is another one afterwards: whoever has read it has what was read. */
  flag(name: ByteString, uid: number, change: (flags: string[]) => string[]): void {
    const { records } = this.#at(name);
    const index = records.findIndex((one) => one.uid === uid);
    const record = records[index];
    if (!record) throw new Error(`the test has put no message ${uid} into ${name}`);
    records[index] = { ...record, modseq: ++this.#modseq, flags: change(record.flags) };
  }

  /** Expunged records go for good, as `cyr_expire -X` has them go. */
  cleanUp(name: ByteString): void {
    const mailbox = this.#at(name);
    const { lastUid, highestmodseq } = this.#view(mailbox).state;
    const [gone, kept] = [true, false].map((expunged) =>
      mailbox.records.filter(({ flags }) => flags.includes('\\Expunged') === expunged),
    ) as [IndexRecord[], IndexRecord[]];
    const deletedmodseq = gone.reduce(
      (most, { modseq }) => Math.max(most, modseq),
      mailbox.floor.deletedmodseq,
    );
    mailbox.floor = { lastUid, highestmodseq, deletedmodseq };
    mailbox.records = kept;
  }

  setAcl(name: ByteString, acl: ByteString): void {
    const mailbox = this.#at(name);
    mailbox.entry = { ...mailbox.entry, acl, foldermodseq: ++this.#modseq };
  }

  /** Deletes a mailbox; a tombstone stays in its place. */
  bury(name: ByteString): void {
    const { entry } = this.#at(name);
    this.put(name, { uniqueid: entry.uniqueid, entry: { deleted: true } });
  }

  /** Not even a tombstone stays. */
  forget(name: ByteString): void {
    this.#mailboxes.delete(name);
  }

  /** One mailbox, as Cyrus renames a user's one by one; the old name becomes a tombstone of the same uniqueid. */
  rename(from: ByteString, to: ByteString): void {
    const moved = this.#at(from);
    const inDeleted = to.startsWith(`${RULES.deletedprefix}.`);
    const { uniqueid } = moved.entry;
    const foldermodseq = ++this.#modseq;
    const entry = { ...moved.entry, name: to, userid: this.ownerOf(to), inDeleted, foldermodseq };
    this.#mailboxes.set(to, { ...moved, entry });
    const damaged = this.damagedMessages.get(from);
    this.damagedMessages.delete(from);
    if (damaged) this.damagedMessages.set(to, damaged);
    this.put(from, { uniqueid, entry: { deleted: true } });
    this.#formerNames.set(uniqueid, [from, ...(this.#formerNames.get(uniqueid) ?? [])]);
  }

  /** Everything of a user under another name: mailboxes, subscriptions, seen state. */
  renameUser(from: ByteString, to: ByteString): void {
    const root = this.inboxName(from);
    for (const { name } of this.mailboxesOf(from)) {
      if (!name.startsWith(RULES.deletedprefix))
        this.rename(name, this.inboxName(to) + name.slice(root.length));
    }
    for (const map of [this.#subscriptions, this.#seen, this.#scripts] as Map<ByteString, unknown>[]) {
      if (map.has(from)) map.set(to, map.get(from));
      map.delete(from);
    }
  }

  /** Forgets what a deleted user had besides mail. */
  forgetUser(userid: ByteString): void {
    this.#subscriptions.delete(userid);
    this.#seen.delete(userid);
    this.#scripts.delete(userid);
  }

  /** Userids of everybody who has or had a mailbox, or has anything else. */
  userids(): ByteString[] {
    const owners = [...this.#mailboxes.values()].map(({ entry }) => entry.userid);
    const all = [...owners, ...this.#subscriptions.keys(), ...this.#seen.keys()];
    return [...new Set(all.filter((userid) => userid !== undefined))];
  }

  subscribe(userid: ByteString, ...names: readonly ByteString[]): void {
    const own = this.#subscriptions.get(userid) ?? new Set();
    for (const name of names) own.add(name);
    this.#subscriptions.set(userid, own);
  }

  unsubscribe(userid: ByteString, name: ByteString): void {
    this.#subscriptions.get(userid)?.delete(name);
  }

  read(userid: ByteString, uniqueid: ByteString, seenuids: ByteString): void {
    const own = this.#seen.get(userid) ?? new Map();
    own.set(uniqueid, { uniqueid, lastread: THEN, lastuid: 1, lastchange: THEN, seenuids });
    this.#seen.set(userid, own);
  }

  /** Puts a script into the user's sieve directory, in place of one of that name; the first one is the active one. */
  putScript(userid: ByteString, name: ByteString, text: string): void {
    const { scripts, active } = this.#scripts.get(userid) ?? { scripts: [], active: undefined };
    const filename = `${name}.script`;
    const content = Buffer.from(text);
    const guid = createHash('sha1').update(content).digest('hex');
    const others = scripts.filter((each) => each.filename !== filename);
    this.#scripts.set(userid, {
      scripts: [...others, { filename, lastUpdate: THEN + ++this.#modseq, guid, content }],
      active: active ?? `${name}.bc`,
    });
  }

  /** The active one is no longer active either. */
  removeScript(userid: ByteString, name: ByteString): void {
    const { scripts, active } = this.#scripts.get(userid) ?? { scripts: [], active: undefined };
    this.#scripts.set(userid, {
      scripts: scripts.filter(({ filename }) => filename !== `${name}.script`),
      active: active === `${name}.bc` ? undefined : active,
    });
  }

  /** Has the stored checksum differ from that of the records, as some versions of Cyrus leave it. */
  skewChecksum(name: ByteString, skew: number): void {
    this.#at(name).skew = skew;
  }

  /** A server that is told another checksum than its own counts again. */
  countChecksum(name: ByteString): void {
    this.#at(name).skew = 0;
  }

  /** A mailbox as it is at this moment; undefined if there is none. */
  view(name: ByteString): MailboxView | undefined {
    const mailbox = this.#mailboxes.get(name);
    return mailbox && !mailbox.entry.deleted ? this.#view(mailbox) : undefined;
  }

  contents(): ReadonlyMap<string, Buffer> {
    return this.#contents;
  }

  records(name: ByteString): readonly IndexRecord[] {
    return this.#at(name).records;
  }

  guids(name: ByteString): string[] {
    return this.#at(name).records.map(({ guid }) => guid);
  }

  count(method: keyof MasterStore): number {
    return this.asked.get(method) ?? 0;
  }

  forJob(): MasterStore {
    return this;
  }

  async refresh(): Promise<void> {}

  *names(prefix: ByteString): Generator<ByteString> {
    for (const [name, { entry }] of this.#mailboxes) {
      if (name.startsWith(prefix) && !entry.deleted && !entry.intermediate) yield name;
    }
  }

  *enumerate(prefix = ''): Generator<Enumerated> {
    const told = new Set<ByteString>();
    for (const { name, userid, deleted, intermediate, inDeleted } of this.#sorted()) {
      if (!name.startsWith(prefix) || deleted || intermediate) continue;
      if (userid === undefined) yield { kind: 'shared', name, messages: 0 };
      else if (!inDeleted && !told.has(userid)) {
        told.add(userid);
        yield { kind: 'user', userid, messages: 0 };
      }
    }
  }

  mailboxesOf(userid: ByteString): MailboxEntry[] {
    this.#ask('mailboxesOf');
    const own = this.#sorted().filter((entry) => entry.userid === userid && !entry.deleted);
    return [...own.filter(({ inDeleted }) => !inDeleted), ...own.filter(({ inDeleted }) => inDeleted)];
  }

  inboxName(userid: ByteString): ByteString {
    return toInternalName(RULES, parseUserid(RULES, userid));
  }

  ownerOf(name: ByteString): ByteString | undefined {
    return useridOf(parseInternalName(RULES, name));
  }

  lookup(name: ByteString): MailboxEntry | undefined {
    this.#ask('lookup');
    return this.#mailboxes.get(name)?.entry;
  }

  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined {
    const rows = this.#sorted().filter((entry) => entry.uniqueid === uniqueid);
    return rows.find(({ deleted }) => !deleted) ?? rows[0];
  }

  formerNames(uniqueid: ByteString): ByteString[] {
    return this.#formerNames.get(uniqueid) ?? [];
  }

  async livingOnceCalled(name: ByteString): Promise<ByteString[]> {
    const living = this.#sorted().filter(({ deleted }) => !deleted);
    return living
      .filter(({ uniqueid }) => this.formerNames(uniqueid).includes(name))
      .map((entry) => entry.name);
  }

  async readMailbox<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined> {
    this.#ask('readMailbox');
    const damage = this.damaged.get(name);
    if (damage) throw damage;
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox || mailbox.entry.deleted || mailbox.entry.intermediate) return undefined;
    const records = [...mailbox.records];
    const locked = {
      ...lockedMailbox(mailbox.entry, records),
      ...this.#view(mailbox),
      messages: this.#messagesOf(mailbox),
    };
    return lockScope(() => read(locked));
  }

  expect(_names: readonly ByteString[]): void {}

  async peek(entries: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>> {
    const views = new Map<MailboxEntry, MailboxView>();
    for (const entry of entries) {
      const mailbox = this.#mailboxes.get(entry.name);
      if (!mailbox || mailbox.entry.deleted || mailbox.entry.intermediate) continue;
      if (!this.damaged.has(entry.name)) views.set(entry, this.#view(mailbox));
    }
    return views;
  }

  estimate(userid: ByteString): Estimate {
    const own = this.mailboxesOf(userid);
    return { mailboxes: own.length, messages: own.reduce((sum, entry) => sum + this.#messages(entry), 0) };
  }

  estimateMailbox(entry: MailboxEntry): Estimate {
    return { mailboxes: 1, messages: this.#messages(entry) };
  }

  async quota(root: ByteString): Promise<QuotaEntry | undefined> {
    this.#ask('quota');
    return this.quotas.get(root);
  }

  subscriptions(userid: ByteString): ByteString[] {
    this.#ask('subscriptions');
    return [...(this.#subscriptions.get(userid) ?? [])];
  }

  seen(userid: ByteString): SeenEntry[] {
    this.#ask('seen');
    return [...(this.#seen.get(userid)?.values() ?? [])];
  }

  async sieve(userid: ByteString): Promise<SieveState> {
    return this.scriptFiles(userid);
  }

  scriptFiles(userid: ByteString): SieveState {
    const own = this.#scripts.get(userid);
    return own ? { source: 'directory', ...own } : { source: 'none', scripts: [], active: undefined };
  }

  async serverAnnotations(): Promise<Annotation[]> {
    return this.annotations;
  }

  trySyncLock(_server: string, userid: ByteString): Disposable | undefined {
    if (this.locked.has(userid)) return undefined;
    this.locked.add(userid);
    return { [Symbol.dispose]: () => void this.locked.delete(userid) };
  }

  tryQuotaRootLock(server: string): Disposable | undefined {
    return this.trySyncLock(server, '*quota*');
  }

  close(): void {}

  #messagesOf(mailbox: StoredMailbox): MailboxMessages {
    const { name } = mailbox.entry;
    const kept = new Set<string>();
    return {
      keepFiles: (records) => {
        for (const { guid } of records) kept.add(guid);
        return { [Symbol.dispose]: () => kept.clear() };
      },
      readMessage: async (record) => {
        const isThere = mailbox.records.some(({ uid, guid }) => uid === record.uid && guid === record.guid);
        if (isThere || kept.has(record.guid)) return this.#content(name, record);
        throw new SyncError('IMAP_SYNC_CHANGED', `message ${record.uid} was removed`, { retryable: true });
      },
    };
  }

  #content(name: ByteString, { uid, guid }: IndexRecord): Buffer | undefined {
    const damage = this.unreadable.get(name);
    if (damage) throw damage;
    if (this.damagedMessages.get(name)?.has(uid)) {
      throw new SyncError('MESSAGE_UNREADABLE', `message ${uid} cannot be read: it is not there`, {
        mailbox: name,
        damage: { uid, guid, path: `/spool/${name}/${uid}.`, cause: 'missing' },
      });
    }
    return this.#contents.get(guid);
  }

  #ask(method: keyof MasterStore): void {
    this.asked.set(method, this.count(method) + 1);
  }

  #at(name: ByteString): StoredMailbox {
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox) throw new Error(`the test has made no mailbox ${name}`);
    return mailbox;
  }

  #sorted(): MailboxEntry[] {
    const key = (name: ByteString): ByteString => name.replaceAll('.', '\x1f');
    return [...this.#mailboxes.values()]
      .map(({ entry }) => entry)
      .sort((a, b) => compareBytes(key(a.name), key(b.name)));
  }

  #messages({ name }: MailboxEntry): number {
    return this.#mailboxes.get(name)?.records.length ?? 0;
  }

  #view({ entry, records, annotations, state, floor, skew }: StoredMailbox): MailboxView {
    const highestmodseq = records.reduce(
      (highest, { modseq }) => Math.max(highest, modseq),
      Math.max(entry.foldermodseq, floor.highestmodseq),
    );
    const { uidvalidity, createdmodseq, foldermodseq } = entry;
    const quotaroot = [...this.quotas.keys()]
      .filter((root) => entry.name === root || entry.name.startsWith(`${root}.`))
      .sort((a, b) => b.length - a.length)[0];
    return {
      entry,
      annotations,
      state: {
        indexVersion: INDEX_VERSION,
        exists: records.filter(({ flags }) => !flags.includes('\\Expunged')).length,
        lastUid: Math.max(records.at(-1)?.uid ?? 0, floor.lastUid),
        highestmodseq,
        deletedmodseq: floor.deletedmodseq,
        recentuid: 0,
        recenttime: 0,
        lastAppenddate: 0,
        pop3LastLogin: 0,
        pop3ShowAfter: 0,
        uidvalidity,
        options: 'P',
        xconvmodseq: this.conversations && !entry.inDeleted ? highestmodseq : 0,
        raclmodseq: 0,
        createdmodseq,
        foldermodseq,
        crcBasic: (basicCrc(records) ^ skew) >>> 0,
        crcAnnotations: annotationCrc(records, INDEX_VERSION),
        quotaroot,
        unread: [],
        ...state,
      },
    };
  }
}
