/**
 * The door of `store/remote`. Here a master is read that is out of reach of this host's files: its own server is asked, with
 * the commands by which a replica is asked. It may know the session's interface and where its sessions come from, never how
 * they are made, and writes nothing but records that do not fit into memory, to a file without a name. What comes from the
 * server has been checked by the session, and each message by its hash. There are no locks: a mailbox is as one answer of
 * the server has it, and what has changed since is noticed and read again.
 */

import type { ByteString } from '../../byte-string.ts';
import { lockScope, type Synchronous } from '../../native/lock-scope.ts';
import type { MasterSession, ReplicaMailbox, ReplicaUser } from '../../protocol/replica-session.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type {
  Annotation,
  Enumerated,
  Estimate,
  LockedMailbox,
  MailboxEntry,
  MailboxView,
  MasterStore,
  QuotaEntry,
  Refresh,
  SeenEntry,
  SieveScript,
  SieveState,
} from '../master-store.ts';
import {
  type NameRules,
  parseInternalName,
  parseUserid,
  toInternalName,
  useridOf,
} from '../paths/mailbox-name.ts';
import { readSieveMailbox } from '../user/read-sieve-mailbox.ts';
import { FetchedMessages } from './fetched-messages.ts';
import { KnownNames } from './known-names.ts';
import { type ListNames, listEverybody } from './list-everybody.ts';
import { listUser } from './list-user.ts';
import { MasterSessions } from './master-sessions.ts';
import { ReadAhead } from './read-ahead.ts';
import { type SpooledMailbox, SpooledMailboxes } from './spooled-mailboxes.ts';
import { entryOfLine, viewOfLine } from './view-of-line.ts';

/** The parts of a store behind a server. */
export interface RemoteParts {
  /** Names are split by the rules of the server's own configuration, which nobody can ask it for. */
  rules: NameRules;
  /** The server may be had to move scripts that are files into `#sieve`, as the C client does on its host. */
  mayWrite: boolean;
  /** Last component of the mailbox that holds scripts. */
  sieveFolder: ByteString;
  /** Opens a session of its own, which replicates `#sieve` as a mailbox where the server can. */
  connect(): Promise<MasterSession>;
  /** Asks who is there, which the protocol of sessions has no command for. */
  list: ListNames;
  /** Sessions at once. */
  mostSessions: number;
  /** For records that do not fit into memory. */
  temporaryDirectory: string;
  /** Exclude other clients, as far as this host can. */
  locks: Pick<MasterStore, 'trySyncLock' | 'tryQuotaRootLock'>;
}

/** Connects when it is first asked something. */
export function openRemoteStore(parts: RemoteParts): MasterStore {
  return new RemoteStore(new RemoteMaster(parts));
}

/** Everything that the jobs of a thread share: sessions, and the records of mailboxes that have been read. */
class RemoteMaster {
  readonly parts: RemoteParts;
  readonly sessions: MasterSessions;
  readonly mailboxes: SpooledMailboxes;

  constructor(parts: RemoteParts) {
    this.parts = parts;
    this.sessions = new MasterSessions(parts.connect, parts.mostSessions);
    this.mailboxes = new SpooledMailboxes(this.sessions, parts.temporaryDirectory);
  }

  close(): void {
    this.sessions.close();
    this.mailboxes[Symbol.dispose]();
  }
}

interface KnownUser extends ReplicaUser {
  scripts: SieveState;
}

/** Version that a mailbox is taken for whose records have not been read. */
const UNREAD = { exists: undefined, indexVersion: 0 };
/** Names in one command: with virtual domains there can be one for each user. */
const NAMES_AT_A_TIME = 1_000;
const NO_SCRIPTS: SieveState = { source: 'none', scripts: [], active: undefined };

class RemoteStore implements MasterStore {
  readonly #master: RemoteMaster;
  readonly #rules: NameRules;
  readonly #names: KnownNames;
  readonly #ahead: ReadAhead;
  readonly #users = new Map<ByteString, KnownUser>();
  #everybody: readonly ByteString[] | undefined;
  /** Mailboxes are found by uniqueid. */
  #findsUniqueids = false;

  constructor(master: RemoteMaster) {
    this.#master = master;
    this.#rules = master.parts.rules;
    this.#ahead = new ReadAhead(master.mailboxes);
    this.#names = new KnownNames(this.#rules, (name) => this.ownerOf(name));
  }

  forJob(): MasterStore {
    return new RemoteStore(this.#master);
  }

  async refresh({ users = [], names = [], uniqueids = [], everybody = false }: Refresh): Promise<void> {
    const { sessions } = this.#master;
    const above = users.flatMap((userid) => this.#aboveUser(userid));
    const withAbove = [...new Set([...above, ...names.flatMap((name) => this.#withAbove(name))])];
    const asked = [...new Set(uniqueids)].filter((uniqueid) => !this.#names.isKnown(uniqueid));
    await sessions.use(async (session) => {
      // Known from SIEVE-MAILBOX: before 3.6 a server may end at one that it does not know (protocol 15).
      this.#findsUniqueids = session.info.sieveMailbox;
      const answers = await Promise.all([
        Promise.all(users.map((userid) => this.#askUser(session, userid))),
        session.getMailboxes(withAbove),
        this.#findsUniqueids ? session.getUniqueids(asked) : [],
        everybody ? this.#listEverybody(session) : this.#everybody,
        // A server that refuses everything is found out at once.
        users.length + names.length === 0 ? session.noop() : undefined,
      ]);
      const [told, byName, byUniqueid, everyone] = answers;
      for (const [i, user] of told.entries()) {
        const userid = users[i] ?? '';
        this.#users.set(userid, user);
        this.#names.takeUser(userid, user.mailboxes);
      }
      this.#names.takeNames(withAbove, byName);
      if (this.#findsUniqueids) this.#names.takeUniqueids(asked, byUniqueid);
      this.#everybody = everyone;
    });
  }

  async #listEverybody(session: MasterSession): Promise<ByteString[]> {
    const find = async (names: readonly ByteString[]): Promise<ByteString[]> => {
      const found: ByteString[] = [];
      for (let first = 0; first < names.length; first += NAMES_AT_A_TIME) {
        const mailboxes = await session.getMailboxes(names.slice(first, first + NAMES_AT_A_TIME));
        found.push(...mailboxes.filter(({ type }) => !type.includes('i')).map(({ name }) => name));
      }
      return found;
    };
    return await listEverybody(this.#master.parts.list, find, this.#rules, session.info.server);
  }

  async #askUser(session: MasterSession, userid: ByteString): Promise<KnownUser> {
    if (!session.info.sieveMailbox) {
      const user = await this.#getUser(session, userid);
      return { ...user, scripts: await scriptsOf(session, userid, user.sieve, 'directory') };
    }
    const { parts } = this.#master;
    const inbox = this.inboxName(userid);
    const mayHaveScriptFiles = async (): Promise<boolean> => {
      const found = await session.getMailboxes([inbox, `${inbox}.${parts.sieveFolder}`]);
      return found.length === 1 && found[0]?.name === inbox;
    };
    let isRisk = await mayHaveScriptFiles();
    if (isRisk && parts.mayWrite) {
      await moveScriptFiles(session, userid);
      isRisk = await mayHaveScriptFiles();
    }
    const user = await (isRisk ? this.#getUserUntouched(session, userid) : this.#getUser(session, userid));
    return { ...user, scripts: NO_SCRIPTS };
  }

  /**
   * All of a user whose scripts may still be files. GET USER would have the server remove those that are not in `#sieve`,
   * which are all (protocol 9), so that the names come from IMAP's list.
   */
  async #getUserUntouched(session: MasterSession, userid: ByteString): Promise<ReplicaUser> {
    const { list } = this.#master.parts;
    const names = await listUser(list, this.#rules, userid);
    if (names === undefined) throw needsImap(session.info.server, userid);
    const [mailboxes, meta] = await Promise.all([session.getMailboxes(names), session.getMeta(userid)]);
    return { ...meta, mailboxes };
  }

  async #getUser(session: MasterSession, userid: ByteString): Promise<ReplicaUser> {
    const user = await session.getUser(userid);
    for (const { name } of user.mailboxes) {
      if (this.ownerOf(name) === userid) continue;
      throw new SyncError(
        'IMAP_PROTOCOL_ERROR',
        `among what the master has of ${userid} it lists the mailbox "${nameInText(name)}", which is not this user's`,
        {
          phase: 'read',
          user: userid,
          mailbox: name,
          hint: 'virtdomains, defaultdomain, unixhierarchysep and deletedprefix in the file of -C have to be those of the master',
        },
      );
    }
    return user;
  }

  *enumerate(prefix: ByteString = ''): Generator<Enumerated> {
    for (const name of this.#requireEverybody()) {
      if (!name.startsWith(prefix)) continue;
      const userid = this.ownerOf(name);
      if (userid === undefined) yield { kind: 'shared', name, messages: 0 };
      else yield { kind: 'user', userid, messages: 0 };
    }
  }

  *names(prefix: ByteString): Generator<ByteString> {
    for (const name of this.#requireEverybody()) if (name.startsWith(prefix)) yield name;
  }

  #requireEverybody(): readonly ByteString[] {
    if (this.#everybody) return this.#everybody;
    throw new SyncError('BUG', 'the master was not asked who there is', { phase: 'read' });
  }

  mailboxesOf(userid: ByteString): MailboxEntry[] {
    this.#userOf(userid);
    return this.#names.ofUser(userid).map((line) => entryOfLine(this.#rules, line));
  }

  inboxName(userid: ByteString): ByteString {
    return toInternalName(this.#rules, parseUserid(this.#rules, userid));
  }

  ownerOf(name: ByteString): ByteString | undefined {
    return useridOf(parseInternalName(this.#rules, name));
  }

  lookup(name: ByteString): MailboxEntry | undefined {
    return this.#entry(this.#names.find(name));
  }

  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined {
    if (!this.#findsUniqueids && !this.#names.isKnown(uniqueid)) return undefined;
    return this.#entry(this.#names.findUniqueid(uniqueid));
  }

  formerNames(): undefined {
    return undefined;
  }

  async livingOnceCalled(): Promise<ByteString[]> {
    return [];
  }

  async readMailbox<T extends Synchronous>(
    name: ByteString,
    read: (mailbox: LockedMailbox) => T,
  ): Promise<T | undefined> {
    const { sessions, mailboxes } = this.#master;
    const use = ({ line, records, exists, indexVersion }: SpooledMailbox): T => {
      const view = viewOfLine(this.#rules, line, { exists, indexVersion });
      const messages = new FetchedMessages(sessions, mailboxes, view.entry);
      const pages: LockedMailbox['pages'] = (fromUid = 1) => records.pages(fromUid);
      return lockScope(() => read({ ...view, pages, messages }));
    };
    return await mailboxes.read(name, use, await this.#ahead.take(name));
  }

  expect(names: readonly ByteString[]): void {
    this.#ahead.expect(names);
  }

  async peek(entries: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>> {
    const views = new Map<MailboxEntry, MailboxView>();
    for (const entry of entries) {
      const line = this.#names.find(entry.name);
      if (line?.uniqueid !== entry.uniqueid) continue;
      views.set(entry, viewOfLine(this.#rules, line, UNREAD));
    }
    return views;
  }

  estimate(userid: ByteString): Estimate {
    const lines = this.#names.ofUser(userid);
    return { mailboxes: lines.length, messages: lines.reduce((sum, line) => sum + this.#messages(line), 0) };
  }

  estimateMailbox({ name }: MailboxEntry): Estimate {
    const line = this.#names.find(name);
    return { mailboxes: 1, messages: line ? this.#messages(line) : 0 };
  }

  /** The line does not tell how many there are, but not more than UIDs were given. */
  #messages({ name, lastUid }: ReplicaMailbox): number {
    return this.#master.mailboxes.exists(name) ?? lastUid;
  }

  async quota(root: ByteString): Promise<QuotaEntry | undefined> {
    return await this.#master.sessions.use((session) => session.getQuota(root));
  }

  subscriptions(userid: ByteString): ByteString[] {
    return this.#userOf(userid).subscriptions;
  }

  seen(userid: ByteString): SeenEntry[] {
    return this.#userOf(userid).seen;
  }

  async sieve(userid: ByteString): Promise<SieveState> {
    const { scripts } = this.#userOf(userid);
    if (scripts.source === 'directory') return scripts;
    const name = `${this.inboxName(userid)}.${this.#master.parts.sieveFolder}`;
    return (await readSieveMailbox((of, read) => this.readMailbox(of, read), name)) ?? scripts;
  }

  scriptFiles(userid: ByteString): SieveState {
    return this.#userOf(userid).scripts;
  }

  async serverAnnotations(): Promise<Annotation[]> {
    return await this.#master.sessions.use((session) => session.getAnnotation(''));
  }

  trySyncLock(server: string, userid: ByteString): Disposable | undefined {
    return this.#master.parts.locks.trySyncLock(server, userid);
  }

  tryQuotaRootLock(server: string): Disposable | undefined {
    return this.#master.parts.locks.tryQuotaRootLock(server);
  }

  close(): void {
    this.#master.close();
  }

  #entry(line: ReplicaMailbox | undefined): MailboxEntry | undefined {
    return line && entryOfLine(this.#rules, line);
  }

  /** @throws SyncError BUG */
  #userOf(userid: ByteString): KnownUser {
    const user = this.#users.get(userid);
    if (user) return user;
    throw new SyncError('BUG', `the master was not asked for the user ${userid}`, {
      phase: 'read',
      user: userid,
    });
  }

  /** The name with those of all mailboxes that it is below, and the owner's INBOX. */
  #withAbove(name: ByteString): ByteString[] {
    const names = [name];
    const owner = this.ownerOf(name);
    if (owner !== undefined) names.push(this.inboxName(owner));
    return [...names, ...namesAbove(name)];
  }

  /** Names above the user's mailboxes that are none of the user's. */
  #aboveUser(userid: ByteString): ByteString[] {
    const parsed = parseUserid(this.#rules, userid);
    const ofLive = toInternalName(this.#rules, parsed);
    const ofDeleted = toInternalName(this.#rules, { ...parsed, deletedTime: 1 });
    return [...namesAbove(ofLive), ...namesAbove(ofDeleted)];
  }
}

async function scriptsOf(
  session: MasterSession,
  userid: ByteString,
  listed: ReplicaUser['sieve'],
  source: SieveState['source'],
): Promise<SieveState> {
  const files = listed.filter(({ filename }) => filename.endsWith('.script'));
  const scripts = files.map(async ({ filename, lastUpdate, guid }): Promise<SieveScript> => {
    const content = await session.fetchScript(userid, filename);
    return { filename, lastUpdate, guid, content };
  });
  const active = listed.find((script) => script.active)?.filename;
  return { source, scripts: await Promise.all(scripts), active };
}

function namesAbove(name: ByteString): ByteString[] {
  const names: ByteString[] = [];
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    names.push(name.slice(0, dot));
  }
  return names;
}

/** No user has it. */
const NO_SUCH_SCRIPT = 'cyrus-sync has no such script.script';

/**
 * Has the server move scripts that an upgrade has left as files into `#sieve`: any command that concerns a script makes it do
 * that, and GET USER would remove them before.
 */
async function moveScriptFiles(session: MasterSession, userid: ByteString): Promise<void> {
  try {
    await session.applyUnsieve(userid, NO_SUCH_SCRIPT);
  } catch (caught) {
    // There is no such script, of course. Whether the others were moved, the mailbox that is there then tells.
    if (SyncError.from(caught).family !== 'refused') throw caught;
  }
}

function needsImap(server: string, user: ByteString): SyncError {
  return new SyncError(
    'CONFLICT',
    `the master ${server} removes scripts that are files when it is asked for this user, who has no mailbox of scripts yet`,
    {
      phase: 'read',
      user,
      hint: "give the port of the master's imapd with --from, or let the scripts be moved: without -O, and not with master = none",
    },
  );
}
