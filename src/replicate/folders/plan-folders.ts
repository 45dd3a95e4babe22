import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEntry } from '../../store/master-store.ts';

/**
 * The master's knowledge of a name or uniqueid that it does not list as a live mailbox of this job. `unopenable` means that
 * the mailbox was deleted and has a name now that the replica cannot open, so that it can only be removed there.
 */
export type Fate = 'tombstone' | 'live' | 'unopenable' | 'unknown';

export interface FolderQuestion {
  master: readonly MailboxEntry[];
  replica: readonly ReplicaMailbox[];
  /** Partition that each mailbox is to have on the replica. */
  partitionOf: (entry: MailboxEntry) => ByteString | undefined;
  fateOfName: (name: ByteString) => Fate;
  fateOfMailbox: (mailbox: ReplicaMailbox) => Fate;
  /** The job covers all mailboxes of the replica's list, so that one missing here has to be explained. */
  whole: boolean;
  /** The sync log names the mailboxes of the job: one that is deleted here is to be deleted there too. */
  logged: boolean;
  /** -O: the master is always right, so what is in its way on the replica is removed, within this job's namespace. */
  replace: boolean;
  /** Mailboxes of the master that cannot be told from another by their uniqueid. Nothing is done about them there. */
  twins: ReadonlyMap<MailboxEntry, unknown>;
  /** Uniqueids on the replica that are known to hold nothing but what the master has under their name. */
  replaceable: ReadonlySet<ByteString>;
}

export interface FolderPlan {
  steps: FolderStep[];
  /** Mailboxes of the master that cannot be sent as things stand, by name. */
  blocked: { entry: MailboxEntry; other: ReplicaMailbox; why: 'name-taken' | 'uniqueid-differs' }[];
  /** Mailboxes that only the replica has and that nothing here proves to be deleted: they are left alone. */
  replicaOnly: ReplicaMailbox[];
  /** The replica's mailbox for each of ours, as it is before the steps. */
  matches: Map<MailboxEntry, ReplicaMailbox>;
}

export type FolderStep =
  | {
      kind: 'rename';
      oldName: ByteString;
      newName: ByteString;
      partition: ByteString;
      uidvalidity: number;
    }
  | { kind: 'unmailbox'; name: ByteString };

/**
 * Matches both lists by uniqueid and orders what has to happen to the replica's names before contents are compared
 * (algorithm 4). Chains are walked from their free end; a cycle is broken through a temporary name in the same
 * user's namespace, where an interrupted run finds it again by its uniqueid.
 */
export function planFolders(question: FolderQuestion): FolderPlan {
  const plan: FolderPlan = { steps: [], blocked: [], replicaOnly: [], matches: new Map() };
  const byUniqueid = new Map(question.replica.map((mailbox) => [mailbox.uniqueid, mailbox]));
  const unmatched = new Map(question.replica.map((mailbox) => [mailbox.name, mailbox]));
  for (const entry of question.master) {
    const match = byUniqueid.get(entry.uniqueid);
    if (question.twins.has(entry)) {
      unmatched.delete(entry.name);
      if (match) unmatched.delete(match.name);
      continue;
    }
    if (!match) continue;
    plan.matches.set(entry, match);
    unmatched.delete(match.name);
  }

  const occupied = new Set(question.replica.map((mailbox) => mailbox.name));
  const remove = (mailbox: ReplicaMailbox): void => {
    plan.steps.push({ kind: 'unmailbox', name: mailbox.name });
    occupied.delete(mailbox.name);
    unmatched.delete(mailbox.name);
  };
  const names = new Map(question.master.map((entry) => [entry.name, entry]));
  for (const mailbox of [...unmatched.values()]) {
    const entry = names.get(mailbox.name);
    const fate = question.fateOfMailbox(mailbox);
    if (entry === undefined) {
      // One that is live belongs to another user here by now, and moves there when that user's turn comes.
      if (fate === 'live') continue;
      const wasDeleted = question.fateOfName(mailbox.name) === 'tombstone';
      if (!question.whole && fate !== 'unopenable') {
        // Renamed and then deleted, before the replica heard of either: lines name it by what it was called here last.
        if (question.logged && fate === 'tombstone' && wasDeleted) remove(mailbox);
      } else if (question.replace || wasDeleted || fate === 'tombstone') remove(mailbox);
      else plan.replicaOnly.push(mailbox);
    } else if (
      fate !== 'live' &&
      (question.replace ||
        question.replaceable.has(mailbox.uniqueid) ||
        fate === 'unopenable' ||
        fate === 'tombstone')
    ) {
      remove(mailbox);
    } else if (!plan.matches.has(entry) && mailbox.lastUid > 0) {
      // One that was never used is replaced by the replica's server itself when ours arrives.
      plan.blocked.push({ entry, other: mailbox, why: 'uniqueid-differs' });
    }
  }

  orderRenames(question, plan, occupied, unmatched, remove);
  return plan;
}

interface Rename {
  entry: MailboxEntry;
  from: ByteString;
  /** Partition on the replica now. */
  partition: ByteString;
  /** Partition where it has to go, if it is another: a step of its own, as imapd would not do both in one either. */
  movesTo: ByteString | undefined;
}

function orderRenames(
  question: FolderQuestion,
  plan: FolderPlan,
  occupied: Set<ByteString>,
  unmatched: ReadonlyMap<ByteString, ReplicaMailbox>,
  remove: (mailbox: ReplicaMailbox) => void,
): void {
  let pending: Rename[] = [];
  for (const [entry, mailbox] of plan.matches) {
    const wanted = question.partitionOf(entry) ?? mailbox.partition ?? '';
    const partition = mailbox.partition ?? wanted;
    const movesTo = !entry.intermediate && partition !== wanted ? wanted : undefined;
    if (entry.name !== mailbox.name || movesTo !== undefined) {
      pending.push({ entry, from: mailbox.name, partition, movesTo });
    }
  }
  pending = pending.filter((rename) => {
    const other = rename.from === rename.entry.name ? undefined : unmatched.get(rename.entry.name);
    if (!other) return true;
    if (other.lastUid === 0 && question.fateOfMailbox(other) !== 'live') {
      // Never used: the replica's server itself replaces such a one when a mailbox of its name arrives.
      remove(other);
      return true;
    }
    plan.blocked.push({ entry: rename.entry, other, why: 'name-taken' });
    plan.matches.delete(rename.entry);
    return false;
  });

  const order = new RenameOrder(plan, pending, occupied);
  order.free();
  order.breakCycles();
  const there = new Map(question.replica.map((mailbox) => [mailbox.name, mailbox]));
  for (const { entry } of order.left()) {
    plan.matches.delete(entry);
    const other = there.get(entry.name);
    if (other) plan.blocked.push({ entry, other, why: 'name-taken' });
  }
}

/**
 * Puts renames in an order in which each finds its new name free: of those that can be done the first in the list comes
 * next. Each is looked at a fixed number of times, because a user may have any number of folders.
 */
class RenameOrder {
  readonly #plan: FolderPlan;
  readonly #renames: readonly Rename[];
  readonly #occupied: Set<ByteString>;
  /** Renames by the name that they will give, which may be another's still. */
  readonly #byTarget: ReadonlyMap<ByteString, number>;
  /** Renames by the name that they take away. */
  readonly #bySource: ReadonlyMap<ByteString, number>;
  readonly #done = new Set<number>();
  /** Renames that wait, at some remove, for a name that another mailbox keeps. */
  readonly #stuck = new Set<number>();

  constructor(plan: FolderPlan, renames: readonly Rename[], occupied: Set<ByteString>) {
    this.#plan = plan;
    this.#renames = renames;
    this.#occupied = occupied;
    this.#byTarget = new Map(renames.map(({ entry }, index) => [entry.name, index]));
    this.#bySource = new Map(renames.map(({ from }, index) => [from, index]));
  }

  /** Does all renames whose chain has a free end. */
  free(): void {
    for (const [index, { from, entry }] of this.#renames.entries()) {
      if (this.#done.has(index)) continue;
      // One further down that this one sets free has its turn when it is reached.
      if (from === entry.name || !this.#occupied.has(entry.name)) this.#follow(index, index);
    }
  }

  /** Opens each cycle through a temporary name. */
  breakCycles(): void {
    for (const [index, rename] of this.#renames.entries()) {
      if (this.#done.has(index) || !this.#isInCycle(index)) continue;
      const { from } = rename;
      const temporary = temporaryName(from, rename.entry.uniqueid);
      push(this.#plan, rename, temporary);
      rename.from = temporary;
      this.#follow(this.#byTarget.get(from), this.#renames.length);
    }
  }

  /** Renames whose new name belongs to a mailbox that keeps it. */
  left(): Rename[] {
    return this.#renames.filter((_, index) => !this.#done.has(index));
  }

  /** Does one, then whoever waited for its name, for as long as those come before `end` in the list. */
  #follow(first: number | undefined, end: number): void {
    for (let index = first; index !== undefined; ) {
      const rename = this.#renames[index];
      if (rename === undefined || this.#done.has(index)) return;
      this.#done.add(index);
      const { entry, from, movesTo } = rename;
      if (from !== entry.name) push(this.#plan, rename, entry.name);
      if (movesTo !== undefined) {
        push(this.#plan, { ...rename, from: entry.name, partition: movesTo }, entry.name);
      }
      this.#occupied.delete(from);
      this.#occupied.add(entry.name);
      const next = from === entry.name ? undefined : this.#byTarget.get(from);
      index = next !== undefined && next < end ? next : undefined;
    }
  }

  #isInCycle(first: number): boolean {
    const passed = new Set<number>();
    for (let at: number | undefined = first; at !== undefined && !this.#done.has(at); ) {
      if (passed.has(at)) return at === first;
      if (this.#stuck.has(at)) break;
      passed.add(at);
      at = this.#bySource.get(this.#renames[at]?.entry.name ?? '');
    }
    for (const index of passed) this.#stuck.add(index);
    return false;
  }
}

function push(plan: FolderPlan, rename: Rename, newName: ByteString): void {
  plan.steps.push({
    kind: 'rename',
    oldName: rename.from,
    newName,
    partition: rename.partition,
    uidvalidity: rename.entry.uidvalidity,
  });
}

/** Octets. Every release takes so long a name for a mailbox that lives; those that open longer ones do so for DELETED alone. */
const LONGEST_LIVING_NAME = 490;

/**
 * Makes a name below the mailbox, so that it stays in its user's namespace and has a parent; below one further up if the
 * replica would not take so long a name.
 */
function temporaryName(name: ByteString, uniqueid: ByteString): ByteString {
  for (let parent = name; ; parent = parent.slice(0, parent.lastIndexOf('.'))) {
    const temporary = `${parent}.cyrus-sync-${uniqueid}`;
    if (temporary.length <= LONGEST_LIVING_NAME || !parent.includes('.')) return temporary;
  }
}
