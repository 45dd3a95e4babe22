import type { ByteString } from '../byte-string.ts';
import { lineage } from './names.ts';
import type { AnnotationRow, QuotaRow, ScriptRow, SeenRow } from './rows.ts';
import type { Table } from './storage.ts';

export interface UserTableSet {
  /** [userid, mailbox name] */
  subscriptions: Table<number>;
  /** [userid, uniqueid] */
  seen: Table<SeenRow>;
  /** root */
  quotas: Table<QuotaRow>;
  /** [userid, filename] */
  scripts: Table<ScriptRow>;
  /** userid -> `name.bc` */
  active: Table<ByteString>;
  /** `annotations` -> those of the server itself */
  server: Table<AnnotationRow[]>;
  /** `modseq userid` -> the user's counter */
  counters: Table<number>;
}

/** Greater than any octet, and so than any second part of a key. */
const END = '\uffff';

/** What belongs to a user or to the server, not to a mailbox. */
export class UserTables {
  readonly #tables: UserTableSet;

  constructor(tables: UserTableSet) {
    this.#tables = tables;
  }

  subscriptions(userid: ByteString): ByteString[] {
    const names: ByteString[] = [];
    for (const key of this.#tables.subscriptions.getKeys(partOf(userid))) {
      if (Array.isArray(key) && typeof key[1] === 'string') names.push(key[1]);
    }
    return names;
  }

  subscribe(userid: ByteString, name: ByteString): void {
    this.#tables.subscriptions.putSync([userid, name], 0);
  }

  unsubscribe(userid: ByteString, name: ByteString): void {
    this.#tables.subscriptions.removeSync([userid, name]);
  }

  seen(userid: ByteString): SeenRow[] {
    return [...this.#tables.seen.getRange(partOf(userid)).map(({ value }) => value)];
  }

  putSeen(userid: ByteString, seen: SeenRow): void {
    this.#tables.seen.putSync([userid, seen.uniqueid], seen);
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
    return [...this.#tables.quotas.getRange().map(({ value }) => value)];
  }

  /** The nearest quota root at or above a mailbox. */
  quotarootOf(name: ByteString): ByteString | undefined {
    for (const each of lineage(name)) {
      if (this.#tables.quotas.doesExist(each)) return each;
    }
    return undefined;
  }

  scripts(userid: ByteString): ScriptRow[] {
    return [...this.#tables.scripts.getRange(partOf(userid)).map(({ value }) => value)];
  }

  script(userid: ByteString, filename: ByteString): ScriptRow | undefined {
    return this.#tables.scripts.get([userid, filename]);
  }

  putScript(userid: ByteString, script: ScriptRow): void {
    this.#tables.scripts.putSync([userid, script.filename], script);
  }

  removeScript(userid: ByteString, filename: ByteString): void {
    this.#tables.scripts.removeSync([userid, filename]);
  }

  /** `name.bc` of the active script. */
  activeScript(userid: ByteString): ByteString | undefined {
    return this.#tables.active.get(userid);
  }

  activate(userid: ByteString, filename: ByteString | undefined): void {
    if (filename === undefined) this.#tables.active.removeSync(userid);
    else this.#tables.active.putSync(userid, filename);
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
    for (const table of [subscriptions, seen, scripts]) {
      for (const key of [...table.getKeys(partOf(userid))]) table.removeSync(key);
    }
    active.removeSync(userid);
    counters.removeSync(`modseq ${userid}`);
  }

  /** Every userid that has anything here. */
  userids(): Set<ByteString> {
    const { subscriptions, seen, scripts, active } = this.#tables;
    const userids = new Set<ByteString>();
    for (const table of [subscriptions, seen, scripts]) {
      for (const key of table.getKeys()) {
        if (Array.isArray(key) && typeof key[0] === 'string') userids.add(key[0]);
      }
    }
    for (const key of active.getKeys()) if (typeof key === 'string') userids.add(key);
    return userids;
  }
}

function partOf(userid: ByteString): { start: ByteString[]; end: ByteString[] } {
  return { start: [userid, ''], end: [userid, END] };
}
