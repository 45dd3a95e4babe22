import type { ByteString } from '../../byte-string.ts';
import { lineage, ownerOf, userRoots } from './names.ts';
import type { AnnotationRow, QuotaRow, ScriptRow, SeenRow } from './rows.ts';
import type { Table } from './tables.ts';

export interface UserTableSet {
  /** [home, mailbox name] */
  subscriptions: Table<number>;
  /** [home, uniqueid] */
  seen: Table<SeenRow>;
  /** root */
  quotas: Table<QuotaRow>;
  /** [home, filename] */
  scripts: Table<ScriptRow>;
  /** home -> `name.bc` */
  active: Table<ByteString>;
  /** `annotations` -> those of the server itself */
  server: Table<AnnotationRow[]>;
  /** `modseq userid` -> the user's counter */
  counters: Table<number>;
}

/** Greater than any octet, and so than any second part of a key. */
const END = '\uffff';

/** Sets a home that is a uniqueid apart from one that is a userid. */
const BY_UNIQUEID = '\x01';

/** Questions to the mailboxes. */
interface Rows {
  latestUniqueid(name: ByteString): ByteString | undefined;
  byUniqueid(uniqueid: ByteString): { name: ByteString } | undefined;
}

/**
 * Everything that belongs to a user or to the server, not to a mailbox. Subscriptions, seen state and scripts are kept where Cyrus
 * 3.6 keeps them: under the uniqueid of the INBOX, which a renamed user takes along and which the old name still leads to
 * until another mailbox takes it; under the userid only as long as there never was an INBOX, and out of sight once
 * there is one.
 */
export class UserTables {
  readonly #tables: UserTableSet;
  readonly #rows: Rows;

  constructor(tables: UserTableSet, rows: Rows) {
    this.#tables = tables;
    this.#rows = rows;
  }

  #home(userid: ByteString): ByteString {
    for (const root of userRoots(userid)) {
      const uniqueid = this.#rows.latestUniqueid(root);
      if (uniqueid !== undefined) return BY_UNIQUEID + uniqueid;
    }
    return userid;
  }

  subscriptions(userid: ByteString): ByteString[] {
    const names: ByteString[] = [];
    for (const key of this.#tables.subscriptions.getKeys(partOf(this.#home(userid)))) {
      if (Array.isArray(key) && typeof key[1] === 'string') names.push(key[1]);
    }
    return names;
  }

  subscribe(userid: ByteString, name: ByteString): void {
    this.#tables.subscriptions.putSync([this.#home(userid), name], 0);
  }

  unsubscribe(userid: ByteString, name: ByteString): void {
    this.#tables.subscriptions.removeSync([this.#home(userid), name]);
  }

  seen(userid: ByteString): SeenRow[] {
    return Array.from(this.#tables.seen.getRange(partOf(this.#home(userid))), ({ value }) => value);
  }

  putSeen(userid: ByteString, seen: SeenRow): void {
    this.#tables.seen.putSync([this.#home(userid), seen.uniqueid], seen);
  }

  quota(root: ByteString): QuotaRow | undefined {
    return this.#tables.quotas.get(root);
  }

  putQuota(quota: QuotaRow): void {
    this.#tables.quotas.putSync(quota.root, quota);
  }

  removeQuota(root: ByteString): void {
    this.#tables.quotas.removeSync(root);
  }

  quotas(): QuotaRow[] {
    return Array.from(this.#tables.quotas.getRange(), ({ value }) => value);
  }

  /** The nearest quota root at or above a mailbox. */
  quotarootOf(name: ByteString): ByteString | undefined {
    for (const each of lineage(name)) {
      if (this.#tables.quotas.doesExist(each)) return each;
    }
    return undefined;
  }

  scripts(userid: ByteString): ScriptRow[] {
    return Array.from(this.#tables.scripts.getRange(partOf(this.#home(userid))), ({ value }) => value);
  }

  script(userid: ByteString, filename: ByteString): ScriptRow | undefined {
    return this.#tables.scripts.get([this.#home(userid), filename]);
  }

  putScript(userid: ByteString, script: ScriptRow): void {
    this.#tables.scripts.putSync([this.#home(userid), script.filename], script);
  }

  removeScript(userid: ByteString, filename: ByteString): void {
    this.#tables.scripts.removeSync([this.#home(userid), filename]);
  }

  /** `name.bc` of the active script. */
  activeScript(userid: ByteString): ByteString | undefined {
    return this.#tables.active.get(this.#home(userid));
  }

  activate(userid: ByteString, filename: ByteString | undefined): void {
    if (filename === undefined) this.#tables.active.removeSync(this.#home(userid));
    else this.#tables.active.putSync(this.#home(userid), filename);
  }

  serverAnnotations(): AnnotationRow[] {
    return this.#tables.server.get('annotations') ?? [];
  }

  putServerAnnotations(annotations: AnnotationRow[]): void {
    this.#tables.server.putSync('annotations', annotations);
  }

  modseq(userid: ByteString): number {
    return this.#tables.counters.get(`modseq ${userid}`) ?? 0;
  }

  /** The counter never goes down. */
  raiseModseq(userid: ByteString, modseq: number): void {
    if (modseq > this.modseq(userid)) this.#tables.counters.putSync(`modseq ${userid}`, modseq);
  }

  /** Subscriptions, seen state, scripts and the counter; quota roots and mailboxes are the caller's. */
  removeUser(userid: ByteString): void {
    const { subscriptions, seen, scripts, active, counters } = this.#tables;
    const home = this.#home(userid);
    for (const table of [subscriptions, seen, scripts]) {
      for (const key of [...table.getKeys(partOf(home))]) table.removeSync(key);
    }
    active.removeSync(home);
    counters.removeSync(`modseq ${userid}`);
  }

  /** Every userid that has anything that can be seen. */
  userids(): Set<ByteString> {
    const { subscriptions, seen, scripts, active } = this.#tables;
    const userids = new Set<ByteString>();
    const add = (home: ByteString): void => {
      const userid = this.#userOf(home);
      if (userid !== undefined) userids.add(userid);
    };
    for (const table of [subscriptions, seen, scripts]) {
      for (const key of table.getKeys()) {
        if (Array.isArray(key) && typeof key[0] === 'string') add(key[0]);
      }
    }
    for (const key of active.getKeys()) if (typeof key === 'string') add(key);
    return userids;
  }

  /** undefined: no mailbox leads there any more. */
  #userOf(home: ByteString): ByteString | undefined {
    if (!home.startsWith(BY_UNIQUEID)) return this.#home(home) === home ? home : undefined;
    const row = this.#rows.byUniqueid(home.slice(BY_UNIQUEID.length));
    return row && ownerOf(row.name);
  }
}

function partOf(userid: ByteString): { start: ByteString[]; end: ByteString[] } {
  return { start: [userid, ''], end: [userid, END] };
}
