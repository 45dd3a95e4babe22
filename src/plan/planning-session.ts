/**
 * The door of `plan`. Here is what a run would do: the engine runs over a session and a store that read on as if what was
 * planned had been written, and what would be written is summed up for each user. It may ask the replica what changes nothing
 * there. Nothing is written on either side, and a plan says where it can only give a bound.
 */

import { createHash } from 'node:crypto';
import type { ByteString } from '../byte-string.ts';
import { giveUpMessages } from '../protocol/give-up-messages.ts';
import type {
  MessageAddress,
  MessageUpload,
  OnUnusable,
  RenameRequest,
  ReplicaMailbox,
  ReplicaQuota,
  ReplicaSession,
  ReplicaUser,
  SessionInfo,
  WireAnnotation,
  WireMailbox,
  WireRecord,
  WireSeen,
  WireTraffic,
} from '../protocol/replica-session.ts';
import { findReserved } from './find-reserved.ts';
import { planMailbox, type Staged } from './plan-mailbox.ts';
import type { PlanRecord, UserPlan } from './plan-record.ts';
import type { Owners, PlannedReplica } from './planned-replica.ts';

/** Everything that the sessions of one plan share. */
export interface PlanParts {
  replica: PlannedReplica;
  record: PlanRecord;
  owners: Owners & {
    /** The master has a row that says that this mailbox was deleted. */
    isTombstone(name: ByteString): boolean;
  };
}

/**
 * A session that asks the replica and tells it nothing: what would be written is noted, and what is asked is answered as if
 * it had been written. So the engine decides as it does in a run.
 */
export class PlanningSession implements ReplicaSession {
  readonly #real: ReplicaSession;
  readonly #replica: PlannedReplica;
  readonly #record: PlanRecord;
  readonly #owners: PlanParts['owners'];
  readonly #staged = new Map<string, Staged>();

  constructor(real: ReplicaSession, { replica, record, owners }: PlanParts) {
    this.#real = real;
    this.#replica = replica;
    this.#record = record;
    this.#owners = owners;
  }

  get info(): SessionInfo {
    return this.#real.info;
  }

  get traffic(): WireTraffic {
    return this.#real.traffic;
  }

  get servedMs(): number {
    return this.#real.servedMs;
  }

  get wayMs(): number {
    return this.#real.wayMs;
  }

  /** The replica stores nothing for a plan, so that nobody has to wait for it. */
  get backlogMs(): number {
    return 0;
  }

  get storeMs(): number {
    return 0;
  }

  get broken(): boolean {
    return this.#real.broken;
  }

  window(): Promise<void> {
    return this.#real.window();
  }

  async getUser(userid: ByteString, onUnusable?: OnUnusable): Promise<ReplicaUser> {
    const user = await this.#real.getUser(userid, onUnusable);
    // What would be gone by then, under another user's name, or there already.
    const mailboxes = new Map<ByteString, ReplicaMailbox>();
    for (const mailbox of [...this.#replica.heard(user.mailboxes), ...this.#replica.plannedOf(userid)]) {
      if (this.#owners.ownerOf(mailbox.name) === userid || !this.#replica.isPlanned(mailbox.name)) {
        mailboxes.set(mailbox.name, mailbox);
      }
    }
    const there = await this.#withPersonalData(userid, { ...user, mailboxes: [...mailboxes.values()] });
    // A server tells of the roots that it has named with a mailbox, and of no others.
    const roots = new Set(there.mailboxes.map(({ quotaroot }) => quotaroot));
    return { ...there, quotas: there.quotas.filter(({ root }) => roots.has(root)) };
  }

  async getMeta(userid: ByteString): Promise<ReplicaUser> {
    return await this.#withPersonalData(userid, await this.#real.getMeta(userid));
  }

  async #withPersonalData(userid: ByteString, user: ReplicaUser): Promise<ReplicaUser> {
    const now = this.#replica.personNow(userid);
    let theirs: Pick<ReplicaUser, 'seen' | 'subscriptions' | 'sieve'> = user;
    if (now === undefined) theirs = { seen: [], subscriptions: [], sieve: [] };
    else if (now !== userid) theirs = this.#renamed(await this.#real.getMeta(now), now, userid);
    const { seen, subscriptions, sieve } = theirs;
    return this.#replica.withPersonalData(userid, { ...user, seen, subscriptions, sieve });
  }

  /** A renamed user's own subscriptions are kept without the name, and follow. */
  #renamed(user: ReplicaUser, from: ByteString, to: ByteString): ReplicaUser {
    const [old, now] = [this.#owners.inboxName(from), this.#owners.inboxName(to)];
    const isOwn = (name: ByteString): boolean => name === old || name.startsWith(`${old}.`);
    const subscriptions = user.subscriptions.map((name) =>
      isOwn(name) ? `${now}${name.slice(old.length)}` : name,
    );
    return { ...user, subscriptions };
  }

  async getMailboxes(names: readonly ByteString[], onUnusable?: OnUnusable): Promise<ReplicaMailbox[]> {
    const unknown = names.filter((name) => !this.#replica.isPlanned(name));
    const heard = this.#replica.heard(await this.#real.getMailboxes(unknown, onUnusable));
    const planned = names.filter((name) => this.#replica.isPlanned(name));
    return [...heard, ...planned.flatMap((name) => this.#replica.find(name)?.mailbox ?? [])];
  }

  async getUniqueids(uniqueids: readonly ByteString[]): Promise<ReplicaMailbox[]> {
    const planned = uniqueids.flatMap((id) => this.#replica.findUniqueid(id)?.mailbox ?? []);
    const known = new Set(planned.map(({ uniqueid }) => uniqueid));
    const real = await this.#real.getUniqueids(uniqueids.filter((id) => !known.has(id)));
    return [...planned, ...this.#replica.heard(real)];
  }

  async getFullMailbox(name: ByteString, onRecord: (record: WireRecord) => void): Promise<ReplicaMailbox> {
    const planned = this.#replica.find(name);
    if (planned?.records) {
      for (const record of planned.records.values()) onRecord(record);
      return planned.mailbox;
    }
    const nameNow = planned?.nameNow ?? name;
    const real = await this.#real.getFullMailbox(nameNow, onRecord);
    return this.#replica.isPlanned(name) && planned ? planned.mailbox : real;
  }

  getAnnotation(name: ByteString): Promise<WireAnnotation[]> {
    return this.#real.getAnnotation(name);
  }

  fetchMessage(what: MessageAddress): Promise<Buffer> {
    const mailbox = this.#replica.find(what.mailbox)?.nameNow ?? what.mailbox;
    return this.#real.fetchMessage({ ...what, mailbox });
  }

  /** A server links what it finds into its stage. So it is only asked for the lists that it would look through. */
  async applyReserve(
    _partition: ByteString,
    folders: readonly ByteString[],
    guids: readonly string[],
  ): Promise<Set<string>> {
    const there = folders.flatMap((name) => this.#replica.find(name) ?? []);
    const { missing, unsure } = await findReserved(this.#real, there, guids);
    for (const guid of guids) if (!missing.has(guid)) this.#staged.set(guid, { found: true });
    if (unsure) for (const name of folders) this.#user(name).octetsAtMost = true;
    return missing;
  }

  async applyMessages(messages: readonly MessageUpload[]): Promise<void> {
    for (const { guid } of messages) this.#staged.set(guid, { found: false, sentFor: undefined });
    giveUpMessages(messages);
  }

  async applyMailbox(line: WireMailbox, records: Iterable<WireRecord>): Promise<void> {
    const isMade = this.#replica.find(line.name) === undefined;
    if (isMade && line.partition !== undefined) this.#notePartition(line.partition);
    await planMailbox({
      session: this.#real,
      replica: this.#replica,
      record: this.#record,
      user: this.#user(line.name),
      staged: this.#staged,
      line,
      records,
    });
  }

  async applyRename({ oldName, newName, partition }: RenameRequest): Promise<void> {
    this.#user(newName).renames.push({ from: oldName, to: newName });
    this.#replica.rename(oldName, newName, partition);
  }

  async applyUnmailbox(name: ByteString): Promise<void> {
    const found = this.#replica.find(name);
    this.#replica.remove(name);
    // A row between two names that was made only to be removed is nothing that anybody has to know.
    if (found === undefined || found.nameNow === undefined) return;
    const user = this.#user(name);
    (this.#owners.isTombstone(name) ? user.deletes : user.removals).push(name);
  }

  async applySub(userid: ByteString, name: ByteString): Promise<void> {
    this.#record.user(userid).subscriptions += 1;
    this.#replica.person(userid).subscriptions.set(name, true);
  }

  async applyUnsub(userid: ByteString, name: ByteString): Promise<void> {
    this.#record.user(userid).subscriptions += 1;
    this.#replica.person(userid).subscriptions.set(name, false);
  }

  async applySeen(userid: ByteString, seen: WireSeen): Promise<void> {
    this.#record.user(userid).seen += 1;
    this.#replica.person(userid).seen.set(seen.uniqueid, seen);
  }

  async applyQuota(quota: ReplicaQuota): Promise<void> {
    this.#user(quota.root).quotas += 1;
    this.#personOf(quota.root).quotas.set(quota.root, quota);
  }

  async applyUnquota(root: ByteString): Promise<void> {
    this.#user(root).quotas += 1;
    this.#personOf(root).quotas.set(root, undefined);
  }

  async applyAnnotation(name: ByteString): Promise<void> {
    this.#user(name).annotations += 1;
  }

  async applyUnannotation(name: ByteString): Promise<void> {
    this.#user(name).annotations += 1;
  }

  async applySieve(
    userid: ByteString,
    filename: ByteString,
    lastUpdate: number,
    content: Buffer,
  ): Promise<void> {
    this.#record.user(userid).scripts += 1;
    const guid = createHash('sha1').update(content).digest('hex');
    this.#replica.person(userid).scripts.set(filename, { filename, lastUpdate, guid, active: false });
  }

  async applyUnsieve(userid: ByteString, filename: ByteString): Promise<void> {
    this.#record.user(userid).scripts += 1;
    this.#replica.person(userid).scripts.set(filename, undefined);
  }

  async applyActivateSieve(userid: ByteString, filename: ByteString): Promise<void> {
    this.#record.user(userid).scripts += 1;
    const person = this.#replica.person(userid);
    person.activeScript = filename;
    const compiled = { filename, lastUpdate: 0, guid: '', active: true };
    person.scripts.set(filename, compiled);
  }

  async applyUnactivateSieve(userid: ByteString): Promise<void> {
    this.#record.user(userid).scripts += 1;
    this.#replica.person(userid).activeScript = '';
  }

  async applyUnuser(userid: ByteString): Promise<void> {
    this.#record.user(userid).removed = true;
  }

  async restart(): Promise<void> {
    this.#staged.clear();
  }

  noop(): Promise<void> {
    return this.#real.noop();
  }

  exit(): Promise<void> {
    return this.#real.exit();
  }

  destroy(reason?: Error): void {
    this.#real.destroy(reason);
  }

  #user(name: ByteString): UserPlan {
    return this.#record.user(this.#owners.ownerOf(name) ?? '');
  }

  #personOf(name: ByteString): ReturnType<PlannedReplica['person']> {
    return this.#replica.person(this.#owners.ownerOf(name) ?? '');
  }

  #notePartition(partition: ByteString): void {
    if (!this.#replica.hasPartition(partition)) this.#record.unprovenPartitions.add(partition);
  }
}
