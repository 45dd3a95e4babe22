import { type ByteString, compareBytes } from '../../src/byte-string.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import type { LogLine } from '../../src/rolling/log/log-line.ts';
import type { MailboxEntry } from '../../src/store/master-store.ts';
import { Ledger } from './ledger.ts';
import type { LockTable } from './lock-table.ts';
import type { DAMAGES, EDITS, Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { LogOnDisk } from './simulated-log.ts';
import { SimulatedStore } from './simulated-store.ts';

type Edit = (typeof EDITS)[number];
type Damage = (typeof DAMAGES)[number];

/** Which of those there are; what a plan calls `choice` and `other`. */
interface Choice {
  choice: number;
  other: number;
}

const MOST_USERS = 6;
/** Between a change and its line. */
const LOGGED_AFTER_MS = 2;
const FOLDERS = ['Sent', 'Drafts', 'Archive', 'Lists'];
const LEAVING: ReadonlySet<Edit> = new Set(['rename-user', 'remove-user']);
const SCRIPTS = ['filter', 'away'];
/** Above all mailboxes that belong to nobody. */
const SHARED = 'shared';
/** The share of all choices that are about shared mailboxes, where there are some. */
const SHARED_SHARE = 0.15;
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '$Label', 'NIL'];

/** Messages of a mailbox at the beginning, at most, unless a plan says otherwise. */
const HANDFUL = 5;
/** The share of messages that go to everybody, and how many different ones those are at a site of copies. */
const TO_ALL = 0.25;
const FEW = 3;

type Site = Pick<Plan, 'users' | 'shared' | 'rolling' | 'mostMessages' | 'copies'>;

interface Done {
  what: string;
  users: ByteString[];
  lines: LogLine[];
}

/** A master that is edited as Cyrus's programs edit one, and that remembers since when each mailbox is there. */
export class SimulatedMaster {
  readonly store: SimulatedStore;
  readonly ledger = new Ledger();
  readonly disk: LogOnDisk = { log: [], run: [], full: false };
  /** uniqueid, also with a name behind it -> milliseconds since when it is live without a break, and has that name. */
  readonly #liveSince = new Map<ByteString, number>();
  readonly #nowMs: () => number;
  /** The sync log is followed, which tells what becomes of users. */
  readonly #logged: boolean;
  readonly #copies: boolean;
  /** Users who were given a folder of somebody else's: where that is once they are gone themselves, only the log tells. */
  readonly #givenTo = new Set<ByteString>();
  /** Changes of each user so far, to tell whether there was one meanwhile. */
  readonly #changes = new Map<ByteString, number>();
  /** Deleted without going to DELETED: with the name used again nothing would tell that the former mailbox was deleted. */
  readonly #buried = new Set<ByteString>();
  /** Names of users who have another one now: only the sync log tells where a mailbox of that name belongs. */
  readonly #left = new Set<ByteString>();
  /** Uniqueids that more than one mailbox was given. */
  readonly #twins = new Set<ByteString>();
  #users = 0;
  #messages = 0;

  constructor(
    { users, shared, rolling, mostMessages = HANDFUL, copies = false }: Site,
    random: Random,
    locks: LockTable,
    nowMs: () => number,
  ) {
    this.#nowMs = nowMs;
    this.#logged = rolling;
    this.#copies = copies;
    this.store = new SimulatedStore(locks);
    this.store.createdModseqs = true;
    this.store.conversations = true;
    for (const folders of users) {
      const userid = this.#newUser();
      for (const name of FOLDERS.slice(0, folders)) this.#create(`${this.store.inboxName(userid)}.${name}`);
    }
    for (const name of FOLDERS.slice(0, shared)) this.#create(`${SHARED}.${name}`);
    for (const name of [...this.store.names('')]) {
      for (let count = random.between(0, mostMessages); count > 0; count -= 1)
        this.#append(name, random.fraction());
    }
    this.#look();
  }

  /**
   * Does it, and has it logged as Cyrus logs it (algorithm 9.3), a moment later.
   *
   * @returns what was done, for the history; undefined: there was nothing to do it to
   */
  edit(edit: Edit, choice: Choice): string | undefined {
    const done = this.#edit(edit, choice);
    this.#look();
    if (done === undefined) return undefined;
    for (const userid of done.users) this.#count(userid);
    setTimeout(() => this.disk.log.push(...done.lines), LOGGED_AFTER_MS);
    return `${edit} ${done.what}`;
  }

  /**
   * @param onMessage is told which message
   * @returns what was damaged, for the history
   */
  damage(
    damage: Damage,
    { choice, other }: Choice,
    onMessage: (uniqueid: ByteString, uid: number) => void,
  ): string | undefined {
    const { store } = this;
    const names = this.#livingNames();
    const name = at(names, choice);
    if (name === undefined) return undefined;
    const records = store.records(name).filter(({ flags }) => !flags.includes('\\Expunged'));
    const record = at(records, other);
    switch (damage) {
      case 'message': {
        if (!record) return undefined;
        const damaged = store.damagedMessages.get(name) ?? new Set();
        store.damagedMessages.set(name, damaged.add(record.uid));
        onMessage(store.lookup(name)?.uniqueid ?? '', record.uid);
        return `message ${record.uid} of ${name}`;
      }
      case 'mailbox':
        store.damaged.set(name, new SyncError('MAILBOX_DAMAGED', 'the index is damaged', { mailbox: name }));
        return name;
      case 'checksum':
        store.skewChecksum(name, 1 + Math.floor(other * 1e6));
        return `the checksum of ${name}`;
      case 'twin': {
        const roots = [this.#rootOf(name), ...this.users().map((userid) => store.inboxName(userid))];
        const twin = at(this.#freeNames(at(roots, choice) ?? ''), other);
        const uniqueid = store.lookup(name)?.uniqueid;
        // Of the two one goes in the end, and a user needs an INBOX.
        if (twin === undefined || uniqueid === undefined || name === this.#rootOf(name)) return undefined;
        store.put(twin, { uniqueid, messages: [] });
        this.disk.log.push(mailboxLine(twin));
        this.#twins.add(uniqueid);
        this.ledger.forget(uniqueid);
        this.changed(twin);
        return `${twin} has the uniqueid of ${name}`;
      }
    }
  }

  /** Everything that is damaged is sound again, as after `reconstruct` and a restore. */
  mend(): void {
    const { store } = this;
    const damaged = [...store.damaged.keys(), ...store.damagedMessages.keys()];
    store.damaged.clear();
    store.damagedMessages.clear();
    const ofOne = (uniqueid: ByteString): ByteString[] =>
      [...store.names('')].filter((name) => store.lookup(name)?.uniqueid === uniqueid);
    const twins = [...this.#twins].flatMap((uniqueid) => {
      const messages = (name: ByteString): number => store.records(name).length;
      return ofOne(uniqueid)
        .sort((a, b) => messages(b) - messages(a))
        .slice(1);
    });
    for (const name of twins) store.forget(name);
    damaged.push(...[...this.#twins].flatMap(ofOne));
    this.#twins.clear();
    for (const name of [...damaged, ...twins]) this.changed(name);
    const named = damaged.filter((name) => this.#isLive(name));
    this.disk.log.push(...named.map(mailboxLine));
    this.#look();
  }

  /** A mailbox that is there. */
  mailboxAt(choice: number): ByteString | undefined {
    return at(this.#livingNames(), choice);
  }

  /** Somebody else has changed a mailbox here: the master's own server. */
  changed(name: ByteString): void {
    this.#count(this.store.ownerOf(name) ?? '');
  }

  /** @param userid '': shared mailboxes */
  changesOf(userid: ByteString): number {
    return this.#changes.get(userid) ?? 0;
  }

  #count(userid: ByteString): void {
    this.#changes.set(userid, this.changesOf(userid) + 1);
  }

  /** Users who have an INBOX. */
  users(): ByteString[] {
    return this.store.userids().filter((userid) => this.#isLive(this.store.inboxName(userid)));
  }

  /** @param name that it has had since then, if any one will not do */
  isLiveSince(uniqueid: ByteString, ms: number, name?: ByteString): boolean {
    const key = name === undefined ? uniqueid : `${uniqueid} ${name}`;
    return (this.#liveSince.get(key) ?? Number.POSITIVE_INFINITY) <= ms;
  }

  #edit(edit: Edit, { choice, other }: Choice): Done | undefined {
    const { store } = this;
    if (edit === 'create-user') {
      if (this.users().length >= MOST_USERS) return undefined;
      const userid = this.#newUser();
      return { what: userid, users: [userid], lines: [mailboxLine(this.store.inboxName(userid))] };
    }
    const shared = this.#below(SHARED);
    if (shared.length > 0 && choice < SHARED_SHARE)
      return this.#editFolder(edit, '', SHARED, { choice, other });
    const userid = at(this.users(), choice);
    if (userid === undefined) return undefined;
    return (
      this.#editUser(edit, userid, other) ??
      this.#editFolder(edit, userid, store.inboxName(userid), { choice, other })
    );
  }

  /** @param root above all of these mailboxes: an INBOX, or a name that is none */
  #editFolder(edit: Edit, userid: ByteString, root: ByteString, { choice, other }: Choice): Done | undefined {
    const { store } = this;
    const done = (what: string, ...lines: LogLine[]): Done => ({ what, users: [userid], lines });
    const live = this.#below(root).map((name) => store.lookup(name) as MailboxEntry);
    const mailbox = at(live, other);
    if (!mailbox) return undefined;
    const folders = live.filter(({ name }) => name !== root);
    const folder = at(folders, other);
    const free = at(this.#freeNames(root), other);
    const record = at(
      store.records(mailbox.name).filter(({ flags }) => !flags.includes('\\Expunged')),
      (choice * 97 + other) % 1,
    );
    switch (edit) {
      case 'append':
        this.#append(mailbox.name, other);
        return done(mailbox.name, { type: 'APPEND', name: mailbox.name }, mailboxLine(mailbox.name));
      case 'flag': {
        if (!record) return undefined;
        const flag = at(FLAGS, (other * 31) % 1) as string;
        store.flag(mailbox.name, record.uid, (flags) =>
          flags.includes(flag) ? flags.filter((each) => each !== flag) : [...flags, flag],
        );
        return done(`${mailbox.name} ${record.uid} ${flag}`, mailboxLine(mailbox.name));
      }
      case 'expunge':
        if (!record) return undefined;
        store.expunge(mailbox.name, record.uid);
        this.ledger.expunge(mailbox.uniqueid, record.guid);
        return done(`${mailbox.name} ${record.uid}`, mailboxLine(mailbox.name));
      case 'clean-up':
        store.cleanUp(mailbox.name);
        return done(mailbox.name);
      case 'create-folder':
        if (!free) return undefined;
        this.#create(free);
        return done(free, mailboxLine(free));
      case 'rename-folder':
        if (!folder || !free) return undefined;
        store.rename(folder.name, free);
        return done(`${folder.name} ${free}`, ...renameLines(folder.name, free));
      case 'swap-folders': {
        const another = folders.find(({ name }) => name !== folder?.name);
        if (!folder || !another) return undefined;
        const between = `${root}.swap`;
        store.rename(folder.name, between);
        store.rename(another.name, folder.name);
        store.rename(between, another.name);
        return done(
          `${folder.name} ${another.name}`,
          ...renameLines(folder.name, between),
          ...renameLines(another.name, folder.name),
          ...renameLines(between, another.name),
        );
      }
      case 'delete-folder':
        if (!folder) return undefined;
        return done(folder.name, ...this.#toDeleted(folder.name));
      case 'delete-folder-at-once':
        if (!folder) return undefined;
        store.bury(folder.name);
        this.#buried.add(folder.name);
        return done(folder.name, { type: 'UNMAILBOX', name: folder.name });
      case 'recreate-folder':
        if (!folder) return undefined;
        return done(folder.name, ...this.#toDeleted(folder.name), mailboxLine(this.#create(folder.name)));
      case 'set-acl':
        store.setAcl(
          mailbox.name,
          `${userid || 'admin'}\tlrswipkxtecdan\tanyone\t${other < 0.5 ? 'lrs' : 'p'}\t`,
        );
        return done(mailbox.name, mailboxLine(mailbox.name));
      default:
        return undefined;
    }
  }

  /** Edits what goes by the user's name. */
  #editUser(edit: Edit, userid: ByteString, other: number): Done | undefined {
    const { store } = this;
    const done = (what: string, ...lines: LogLine[]): Done => ({ what, users: [userid], lines });
    const inbox = store.inboxName(userid);
    const names = this.#below(inbox);
    const name = at(names, other) as ByteString;
    const uniqueid = store.lookup(name)?.uniqueid ?? '';
    if (!this.#logged && LEAVING.has(edit) && this.#givenTo.has(userid)) return undefined;
    switch (edit) {
      case 'subscribe':
        store.subscribe(userid, name);
        return done(name, { type: 'SUB', userid, name });
      case 'unsubscribe': {
        const subscribed = at(store.subscriptions(userid), other);
        if (subscribed === undefined) return undefined;
        store.unsubscribe(userid, subscribed);
        return done(subscribed, { type: 'UNSUB', userid, name: subscribed });
      }
      case 'read':
        store.read(userid, uniqueid, `1:${1 + Math.floor(other * 9)}`);
        return done(name, { type: 'SEEN', userid, uniqueid });
      case 'set-quota': {
        const modseq = this.#changesInAll() + 1;
        const storage = Math.floor(other * 1_000);
        store.quotas.set(inbox, {
          root: inbox,
          storage,
          messages: -1,
          annotationStorage: -1,
          folders: -1,
          modseq,
        });
        return done(inbox, { type: 'QUOTA', root: inbox });
      }
      case 'remove-quota':
        return store.quotas.delete(inbox) ? done(inbox, { type: 'QUOTA', root: inbox }) : undefined;
      case 'rename-user': {
        const to = this.#nextUserid();
        this.#left.add(userid);
        const quota = store.quotas.get(inbox);
        store.renameUser(userid, to);
        store.quotas.delete(inbox);
        if (quota) store.quotas.set(store.inboxName(to), { ...quota, root: store.inboxName(to) });
        return {
          what: `${userid} ${to}`,
          users: [userid, to],
          lines: [
            ...names.flatMap((name) => renameLines(name, store.inboxName(to) + name.slice(inbox.length))),
            { type: 'UNUSER', userid },
            { type: 'USER', userid: to },
          ],
        };
      }
      case 'remove-user':
        store.forgetUser(userid);
        store.quotas.delete(inbox);
        return done(userid, ...names.flatMap((name) => this.#toDeleted(name)), { type: 'UNUSER', userid });
      case 'put-script':
        store.putScript(userid, at(SCRIPTS, other) as string, `keep; # ${other}`);
        return done(userid, { type: 'META', userid });
      case 'remove-script':
        store.removeScript(userid, at(SCRIPTS, other) as string);
        return done(userid, { type: 'META', userid });
      case 'move-folder': {
        const to = at(this.users(), 1 - other) as ByteString;
        const moved = at(names.slice(1), other);
        const free = at(this.#freeNames(store.inboxName(to)), other);
        if (to === userid || moved === undefined || free === undefined) return undefined;
        store.rename(moved, free);
        this.#givenTo.add(to);
        return { what: `${moved} ${free}`, users: [userid, to], lines: renameLines(moved, free) };
      }
      default:
        return undefined;
    }
  }

  /** A mailbox and those below it, in Cyrus's order. */
  #below(root: ByteString): ByteString[] {
    const names = [...this.store.names(root)];
    return names.filter((name) => name === root || name.startsWith(`${root}.`)).sort(compareBytes);
  }

  /** Names of folders below a root under which there is nothing, and was nothing that left no trace. */
  #freeNames(root: ByteString): ByteString[] {
    const names = FOLDERS.map((name) => `${root}.${name}`);
    return names.filter((name) => !this.#isLive(name) && !this.#buried.has(name));
  }

  #rootOf(name: ByteString): ByteString {
    const userid = this.store.ownerOf(name);
    return userid === undefined ? SHARED : this.store.inboxName(userid);
  }

  #livingNames(): ByteString[] {
    return [...this.store.names('')].filter((name) => !name.startsWith('DELETED.'));
  }

  #newUser(): ByteString {
    const userid = this.#nextUserid();
    this.store.addUser(userid, [], { messages: [] });
    return userid;
  }

  /** Names come up again: who had one before is somebody else. */
  #nextUserid(): ByteString {
    const free = Array.from({ length: MOST_USERS + 1 + this.#left.size }, (_, index) => `u${index}`).filter(
      (userid) => !this.#isLive(this.store.inboxName(userid)) && !this.#left.has(userid),
    );
    this.#users += 1;
    return free[this.#users % free.length] as ByteString;
  }

  #create(name: ByteString): ByteString {
    this.store.put(name, { messages: [] });
    return name;
  }

  #toDeleted(name: ByteString): LogLine[] {
    const to = `DELETED.${name}.${this.#stamp()}`;
    this.store.rename(name, to);
    return renameLines(name, to);
  }

  /** One in four is a message that others have too. */
  #append(name: ByteString, fraction: number): void {
    this.#messages += 1;
    const toAll = fraction < TO_ALL;
    const text = toAll ? 'to everybody' : `message ${this.#messages}`;
    const size = this.#copies && toAll ? Math.floor((fraction / TO_ALL) * FEW) : fraction;
    const entry = this.store.lookup(name);
    this.store.append(name, `Subject: ${text}\r\n\r\n${'x'.repeat(Math.floor(size * 3_000))}\r\n`);
    this.ledger.put(entry?.uniqueid ?? '', this.store.guids(name).at(-1) ?? '');
  }

  #isLive(name: ByteString): boolean {
    const entry = this.store.lookup(name);
    return entry !== undefined && !entry.deleted;
  }

  #changesInAll(): number {
    return [...this.#changes.values()].reduce((sum, count) => sum + count, 0);
  }

  #stamp(): string {
    return (0x6000_0000 + this.#changesInAll()).toString(16).toUpperCase();
  }

  /** Who is there from now on, and who no longer is. */
  #look(): void {
    const live = new Set<ByteString>();
    for (const name of this.store.names('')) {
      const uniqueid = this.store.lookup(name)?.uniqueid ?? '';
      live.add(uniqueid).add(`${uniqueid} ${name}`);
    }
    for (const uniqueid of live)
      if (!this.#liveSince.has(uniqueid)) this.#liveSince.set(uniqueid, this.#nowMs());
    for (const uniqueid of this.#liveSince.keys()) if (!live.has(uniqueid)) this.#liveSince.delete(uniqueid);
  }
}

function mailboxLine(name: ByteString): LogLine {
  return { type: 'MAILBOX', name };
}

function renameLines(from: ByteString, to: ByteString): LogLine[] {
  return [{ type: 'RENAME', from, to }, mailboxLine(from), mailboxLine(to)];
}

function at<T>(choices: readonly T[], fraction: number): T | undefined {
  return choices[Math.floor(fraction * choices.length)];
}
