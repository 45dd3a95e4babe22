/**
 * The door of `store/mailbox-list`. Here is mailboxes.db, of whatever age: who and what there is, rows by name and by
 * uniqueid, former names. It may use paths and the databases. The lock of the database never outlives a call, nor, while
 * enumerating, a page; a row that is damaged fails for its own user; and a list without a row is damage, not an empty
 * server.
 */

import { statSync } from 'node:fs';
import { type ByteString, compareBytes } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { CyrusDatabase } from '../cyrusdb/cyrus-database.ts';
import type { KeptDatabases } from '../cyrusdb/kept-database.ts';
import { type KeyOrder, withDatabase } from '../cyrusdb/with-database.ts';
import { patiently } from '../files/patiently.ts';
import { databaseDamaged } from '../files/store-errors.ts';
import type { Enumerated, MailboxEntry } from '../master-store.ts';
import {
  inboxOf,
  isInbox,
  parseInternalName,
  parseUserid,
  toInternalName,
  useridOf,
} from '../paths/mailbox-name.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import { estimateMessages } from './estimate-messages.ts';
import { FormerNameSearch, type MailboxNames, type RecordPage } from './former-name-search.ts';
import {
  dbnameOf,
  detectKeying,
  internalNameOf,
  type MailboxKeying,
  mailboxKey,
  nameInKey,
} from './mailbox-key.ts';
import { type MailboxRow, MailboxRowError, parseMailboxRow } from './mailbox-row.ts';
import { wireType } from './mailbox-type.ts';
import { type RowPage, UniqueidSearch } from './uniqueid-search.ts';

/** Rows read under one database lock while enumerating: a few milliseconds. */
const PAGE_ROWS = 1000;
/** Rows of a page of a damaged database: each page is looked for from the first row on, so that more at once cost less. */
const PAGE_ROWS_OF_DAMAGED = 50_000;

/** A list without a row is damage. */
const ROWS = { atLeast: 'rows' } as const;

/** Parsed rows remembered: below a MiB. */
const MAX_ENTRIES = 1024;

const DAMAGE_HINT =
  'ctl_mboxlist -d shows the row; restore the database from a backup, or from a dump with ctl_mboxlist -u';

/** The entry, or of a row that cannot be read what its name tells. */
type LiveEntry = MailboxEntry | Pick<MailboxEntry, 'userid' | 'inDeleted'>;

/** A row and that of its owner's INBOX, which says where the owner's files are. */
export interface RowWithInbox {
  entry: MailboxEntry | undefined;
  inbox: MailboxEntry | undefined;
  /** See MailboxState.groups. */
  groups: ByteString | undefined;
}

/** @returns what the reading comes to, with a word for each try that met a lock */
function* busyWhile<T>(reading: Generator<void, T>): Generator<Enumerated, T> {
  let next = reading.next();
  for (; !next.done; next = reading.next()) yield { kind: 'busy' };
  return next.value;
}

/** mailboxes.db. The database lock never outlives a call, nor, while enumerating, a page. */
export class MailboxList {
  readonly #layout: StoreLayout;
  readonly #databases: KeptDatabases;
  /** Rows as they were last parsed: each is looked at several times while its user is at work. */
  readonly #entries = new Map<ByteString, { value: ByteString; entry: MailboxEntry }>();
  readonly #search: UniqueidSearch;
  readonly #formerNames: FormerNameSearch;
  #keying: MailboxKeying | undefined;

  constructor(layout: StoreLayout, databases: KeptDatabases) {
    this.#layout = layout;
    this.#databases = databases;
    this.#search = new UniqueidSearch({
      rowsBehind: (after) => this.#read((db, keying) => pageOf(db.entries('', after), keying, PAGE_ROWS)),
      entryOf: (name, value) => this.#parsed('by-name', name, this.#parse(nameInText(name), value)),
      stamp: () => stampOf(layout.mboxlistPath),
    });
    this.#formerNames = new FormerNameSearch({
      recordsBehind: (after) => this.#read((db) => recordsOf(db, after)),
      namesOf,
    });
  }

  /** See MasterStore.enumerate. A user is yielded after the last row of that user, when the sizes of all are known. */
  *enumerate(prefix: ByteString): Generator<Enumerated> {
    const keying = yield* busyWhile(patiently(() => this.keying()));
    const seen = new PassedUsers(keying);
    let user: { userid: ByteString; messages: number } | undefined;
    let damage: unknown;
    try {
      for (const found of this.#live(keying, prefix)) {
        if (found === 'busy') {
          yield { kind: 'busy' };
          continue;
        }
        const [name, entry] = found;
        const { userid, inDeleted } = entry;
        const messages = 'partition' in entry ? estimateMessages(this.#layout, entry) : 0;
        if (userid === undefined) {
          yield { kind: 'shared', name, messages };
        } else if (userid === user?.userid && !inDeleted) {
          user.messages += messages;
        } else if (!inDeleted && seen.isNew(userid)) {
          if (user) yield { kind: 'user', ...user };
          user = { userid, messages };
        }
      }
    } catch (caught) {
      damage = caught;
    }
    if (user) yield { kind: 'user', ...user };
    if (damage !== undefined) throw damage;
  }

  /** See MasterStore.names. */
  *names(prefix: ByteString): Generator<ByteString> {
    for (const found of this.#live(this.keying(), prefix)) {
      if (found !== 'busy') yield found[0];
    }
  }

  /**
   * Names and rows of live mailboxes, a page under one lock. Damaged records keep nobody else's row back: they are passed
   * over, and thrown when all others are known.
   */
  *#live(keying: MailboxKeying, prefix: ByteString): Generator<[ByteString, LiveEntry] | 'busy'> {
    const damages = new Map<string, SyncError>();
    let after: ByteString | undefined;
    for (;;) {
      const from = after;
      const reading = patiently(() => this.#pageOrDamage(keying, prefix, from, damages));
      let next = reading.next();
      for (; !next.done; next = reading.next()) yield 'busy';
      const page = next.value;
      for (const [name, value] of page.found) {
        const entry = this.#liveEntry(keying, name, value);
        if (entry !== undefined) yield [name, entry];
      }
      if (page.last === undefined) break;
      after = page.last;
    }
    const [first, ...more] = damages.values();
    if (first === undefined) return;
    const text = more.length === 0 ? '' : ` (and ${more.length} more damaged records)`;
    throw new SyncError(first.code, `${first.message}${text}`, { phase: first.phase, hint: first.hint });
  }

  #pageOrDamage(
    keying: MailboxKeying,
    prefix: ByteString,
    after: ByteString | undefined,
    damages: Map<string, SyncError>,
  ): RowPage {
    const key = mailboxKey(keying, prefix);
    const note = (damage: SyncError): void => void damages.set(damage.message, damage);
    if (damages.size === 0) {
      try {
        return this.#read((db) => pageOf(db.entries(key, after), keying, PAGE_ROWS));
      } catch (caught) {
        if (!(caught instanceof SyncError) || caught.code !== 'DATABASE_DAMAGED') throw caught;
        note(caught);
      }
    }
    return this.#read((db) => pageOf(db.entries(key, after, note), keying, PAGE_ROWS_OF_DAMAGED));
  }

  /** A row that cannot be read counts as live: its user then fails with a proper error, and nobody else does. */
  #liveEntry(keying: MailboxKeying, name: ByteString, value: ByteString): LiveEntry | undefined {
    try {
      const entry = this.#parsed(keying, name, parseMailboxRow(value));
      return entry.deleted || entry.intermediate ? undefined : entry;
    } catch (caught) {
      if (!(caught instanceof MailboxRowError)) throw caught;
      const parsed = parseInternalName(this.#layout, name);
      return { userid: useridOf(parsed), inDeleted: parsed.deletedTime !== 0 };
    }
  }

  /** See MasterStore.mailboxesOf. */
  mailboxesOf(userid: ByteString): MailboxEntry[] {
    const inbox = parseUserid(this.#layout, userid);
    const inboxName = toInternalName(this.#layout, inbox);
    const deleted = toInternalName(this.#layout, {
      domain: inbox.domain,
      localpart: undefined,
      boxes: [this.#layout.deletedprefix, 'user', inbox.localpart ?? ''],
      deletedTime: 0,
    });
    return this.#read((db, keying) => {
      const own = this.#get(db, keying, inboxName);
      return [
        ...(own === undefined || own.deleted ? [] : [own]),
        ...this.#under(db, keying, `${inboxName}.`),
        ...this.#under(db, keying, `${deleted}.`),
      ];
    });
  }

  #under(db: CyrusDatabase, keying: MailboxKeying, prefix: ByteString): MailboxEntry[] {
    const entries: MailboxEntry[] = [];
    for (const [key, value] of db.entries(mailboxKey(keying, prefix))) {
      const name = nameInKey(keying, key);
      if (name === undefined) continue;
      const entry = this.#entry(keying, name, value);
      if (!entry.deleted) entries.push(entry);
    }
    // Old databases sort a dot where it happens to be; since 3.6 this is the stored order.
    return entries.sort((a, b) => compareBytes(dbnameOf(a.name), dbnameOf(b.name)));
  }

  lookup(name: ByteString): MailboxEntry | undefined {
    return this.#read((db, keying) => this.#get(db, keying, name));
  }

  /** Looks up a row and that of its owner's INBOX under one lock. */
  lookupWithInbox(name: ByteString): RowWithInbox {
    return this.#read((db, keying) => this.#getWithInbox(db, keying, name));
  }

  /** Looks up several, each with its INBOX, under one lock. */
  lookupAllWithInbox(names: readonly ByteString[]): RowWithInbox[] {
    return this.#read((db, keying) => {
      const groups = new Map<ByteString, ByteString | undefined>();
      return names.map((name) => this.#getWithInbox(db, keying, name, groups));
    });
  }

  /** @param groups by owner, as far as they have been looked up */
  #getWithInbox(
    db: CyrusDatabase,
    keying: MailboxKeying,
    name: ByteString,
    groups = new Map<ByteString, ByteString | undefined>(),
  ): RowWithInbox {
    const entry = this.#get(db, keying, name);
    const owner = entry?.userid;
    if (owner !== undefined && !groups.has(owner)) groups.set(owner, this.#groupsOf(db, keying, owner));
    const inbox = this.#inboxFor(db, keying, name, entry);
    return { entry, inbox, groups: owner === undefined ? undefined : groups.get(owner) };
  }

  #inboxFor(
    db: CyrusDatabase,
    keying: MailboxKeying,
    name: ByteString,
    entry: MailboxEntry | undefined,
  ): MailboxEntry | undefined {
    if (!this.#layout.conversations) return entry;
    const parsed = parseInternalName(this.#layout, name);
    if (parsed.localpart === undefined || isInbox(parsed)) return entry;
    return this.#get(db, keying, toInternalName(this.#layout, inboxOf(parsed)));
  }

  /** Lists with a row for each group of a user (store 3.1) were first written by 3.12: none says nothing before it is used. */
  #groupsOf(db: CyrusDatabase, keying: MailboxKeying, userid: ByteString): ByteString | undefined {
    if (keying === 'by-name') return undefined;
    const prefix = `UG${userid}\x1e`;
    const groups = [...db.entries(prefix)].map(([key]) => key.slice(prefix.length));
    return groups.length > 0 || this.#layout.mboxgroups ? groups.join('\t') : undefined;
  }

  /**
   * Finds mailboxes by uniqueid in a list that is keyed by names alone, each live rather than as a tombstone. There the
   * whole list has to be read, a page at a time.
   */
  searchUniqueids(uniqueids: readonly ByteString[]): Promise<ReadonlyMap<ByteString, MailboxEntry>> {
    return this.#search.find(uniqueids);
  }

  /** Looks up what has this uniqueid in a list that has records by it. */
  lookupUniqueid(uniqueid: ByteString): MailboxEntry | undefined {
    return this.#read((db, keying) => {
      if (keying !== 'by-record') return undefined;
      const value = db.get(`I${uniqueid}`);
      if (value === undefined) return undefined;
      const { dbname } = this.#parse(uniqueid, value);
      if (dbname === undefined) return undefined;
      const entry = this.#get(db, keying, internalNameOf(dbname));
      return entry?.uniqueid === uniqueid ? entry : undefined;
    });
  }

  keying(): MailboxKeying {
    return this.#keying ?? this.#read((_, keying) => keying);
  }

  /** The order of the keys in databases of mailbox names. Nothing in these says so, but no Cyrus has it any more since 3.6. */
  keyOrder(): KeyOrder {
    return this.#orderOf(this.keying());
  }

  #orderOf(keying: MailboxKeying | undefined): KeyOrder {
    return this.#layout.improvedMailboxSort && keying === 'by-name' ? 'mailbox' : 'format';
  }

  #get(db: CyrusDatabase, keying: MailboxKeying, name: ByteString): MailboxEntry | undefined {
    const value = db.get(mailboxKey(keying, name));
    return value === undefined ? undefined : this.#entry(keying, name, value);
  }

  #entry(keying: MailboxKeying, name: ByteString, value: ByteString): MailboxEntry {
    const known = this.#entries.get(name);
    if (known?.value === value) return known.entry;
    const entry = Object.freeze(this.#parsed(keying, name, this.#parse(nameInText(name), value)));
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(name, { value, entry });
    return entry;
  }

  #parsed(keying: MailboxKeying, name: ByteString, row: MailboxRow): MailboxEntry {
    const parsed = parseInternalName(this.#layout, name);
    return {
      name,
      uniqueid: row.uniqueid,
      jmapid: row.jmapid,
      type: wireType(row.type),
      intermediate: row.type.intermediate,
      deleted: row.type.deleted,
      legacyDirs: row.type.legacyDirs || keying === 'by-name',
      partition: row.partition,
      acl: row.acl,
      uidvalidity: row.uidvalidity,
      createdmodseq: row.createdmodseq,
      foldermodseq: row.foldermodseq,
      userid: useridOf(parsed),
      inDeleted: parsed.deletedTime !== 0,
    };
  }

  /** See MasterStore.formerNames. */
  formerNames(uniqueid: ByteString): ByteString[] {
    return this.#read((db, keying) => {
      const value = keying === 'by-record' && uniqueid !== '' ? db.get(`I${uniqueid}`) : undefined;
      if (!value?.includes(' H (')) return [];
      return this.#parse(uniqueid, value).formerDbnames.map(internalNameOf);
    });
  }

  /** See MasterStore.livingOnceCalled. */
  async livingOnceCalled(name: ByteString): Promise<ByteString[]> {
    if (this.keying() === 'by-name') return [];
    return (await this.#formerNames.find(dbnameOf(name))).map(internalNameOf);
  }

  /** @param row what it is the row of: the mailbox, or the uniqueid */
  #parse(row: string, value: ByteString): MailboxRow {
    try {
      return parseMailboxRow(value);
    } catch (caught) {
      if (!(caught instanceof MailboxRowError)) throw caught;
      const finding = `row of ${row}: ${caught.message}`;
      throw databaseDamaged(this.#layout.mboxlistPath, finding, DAMAGE_HINT);
    }
  }

  #read<T>(read: (db: CyrusDatabase, keying: MailboxKeying) => T): T {
    const path = this.#layout.mboxlistPath;
    // How it is keyed shows in any order, and says in which the rest can be found.
    if (this.#layout.improvedMailboxSort) this.#keying ??= withDatabase(path, detectKeying, ROWS);
    const order = this.#orderOf(this.#keying);
    // Wrapped, because a result may itself be undefined; and what is learned is noted only when the read was a whole one.
    const outcome = this.#databases.read(
      path,
      (db) => {
        const keying = this.#keying ?? detectKeying(db);
        return { keying, result: read(db, keying) };
      },
      { ...ROWS, order },
    );
    if (outcome === undefined) {
      throw new SyncError('IO', `${path}: no such file`, {
        phase: 'read',
        hint: 'check configdirectory and mboxlist_db_path in imapd.conf, and that this is a Cyrus master',
      });
    }
    this.#keying = outcome.keying;
    return outcome.result;
  }
}

/**
 * Rows of one user follow each other since 3.6, where a component ends with the lowest character there is, so the last
 * user is enough to remember. Before, a user may come up again (`user.a`, `user.a-b`, `user.a.x`).
 */
class PassedUsers {
  readonly #passed = new Set<ByteString>();
  readonly #keying: MailboxKeying;

  constructor(keying: MailboxKeying) {
    this.#keying = keying;
  }

  isNew(userid: ByteString): boolean {
    if (this.#passed.has(userid)) return false;
    if (this.#keying === 'by-record') this.#passed.clear();
    this.#passed.add(userid);
    return true;
  }
}

/** Cyrus appends to a database of mailboxes, or puts a new file in its place. */
function stampOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return `${ino}.${size}.${mtimeNs}`;
}

function recordsOf(db: CyrusDatabase, after: ByteString | undefined): RecordPage {
  const values: ByteString[] = [];
  for (const [key, value] of db.entries('I', after)) {
    values.push(value);
    if (values.length === PAGE_ROWS) return { values, last: key };
  }
  return { values, last: undefined };
}

/** A record that cannot be read is told where its own mailbox is looked at. */
function namesOf(value: ByteString): MailboxNames | undefined {
  try {
    const { type, dbname, formerDbnames } = parseMailboxRow(value);
    return type.deleted || dbname === undefined ? undefined : { now: dbname, before: formerDbnames };
  } catch (caught) {
    if (!(caught instanceof MailboxRowError)) throw caught;
    return undefined;
  }
}

function pageOf(rows: Iterable<[ByteString, ByteString]>, keying: MailboxKeying, most: number): RowPage {
  const found: [ByteString, ByteString][] = [];
  let count = 0;
  for (const [key, value] of rows) {
    const name = nameInKey(keying, key);
    if (name !== undefined) found.push([name, value]);
    if (++count === most) return { found, last: key };
  }
  return { found, last: undefined };
}
