import type { ByteString } from '../byte-string.ts';
import type {
  ReplicaMailbox,
  ReplicaQuota,
  ReplicaSieve,
  ReplicaUser,
  WireRecord,
  WireSeen,
} from '../protocol/replica-session.ts';
import type { Part, UserPlan } from './plan-record.ts';

/** A mailbox as the replica would have it. */
export interface PlannedMailbox {
  mailbox: ReplicaMailbox;
  /** Its name on the replica as that is now; undefined if it would only be made. */
  nameNow: ByteString | undefined;
  /** Kept only where the plan has to know them again. */
  records?: ReadonlyMap<number, WireRecord> | undefined;
}

/** Changes to a user besides mail; undefined as a value: it would be gone. */
interface PlannedPerson {
  subscriptions: Map<ByteString, boolean>;
  seen: Map<ByteString, WireSeen>;
  quotas: Map<ByteString, ReplicaQuota | undefined>;
  scripts: Map<ByteString, ReplicaSieve | undefined>;
  /** '' = none. */
  activeScript: ByteString | undefined;
}

/** Names of the master that say whose a mailbox is. */
export interface Owners {
  ownerOf(name: ByteString): ByteString | undefined;
  inboxName(userid: ByteString): ByteString;
}

/**
 * The replica as it would be, laid over the replica as it is: whoever has planned a write reads on as if it were done.
 *
 * Only what would be different is kept, and only while its user is at work: `forget` ends that.
 */
export class PlannedReplica {
  readonly #owners: Owners;
  /** By the name that each has now. */
  readonly #listed = new Map<ByteString, ReplicaMailbox>();
  /** By the name that each would have. */
  readonly #planned = new Map<ByteString, PlannedMailbox>();
  /** Names now to names then. */
  readonly #movedTo = new Map<ByteString, ByteString>();
  /** Names of now that nothing has any more. */
  readonly #gone = new Set<ByteString>();
  readonly #people = new Map<ByteString, PlannedPerson>();
  /** Mailboxes that a plan has counted already, and what the latest command would bring them. */
  readonly #counted = new Map<ByteString, Part>();
  readonly #partitions = new Set<ByteString>();

  constructor(owners: Owners) {
    this.#owners = owners;
  }

  /** Takes what the replica says, and says what it would be. */
  heard(mailboxes: readonly ReplicaMailbox[]): ReplicaMailbox[] {
    return mailboxes.flatMap((mailbox) => {
      this.#listed.set(mailbox.name, mailbox);
      if (mailbox.partition !== undefined) this.#partitions.add(mailbox.partition);
      const then = this.#movedTo.get(mailbox.name);
      const planned = then === undefined ? undefined : this.#planned.get(then);
      if (planned) return [planned.mailbox];
      return this.#gone.has(mailbox.name) ? [] : [mailbox];
    });
  }

  find(name: ByteString): PlannedMailbox | undefined {
    const planned = this.#planned.get(name);
    if (planned) return planned;
    const mailbox = this.#gone.has(name) ? undefined : this.#listed.get(name);
    return mailbox && { mailbox, nameNow: name };
  }

  /** Known without asking: it would be made or changed, or would not be there. */
  isPlanned(name: ByteString): boolean {
    return this.#planned.has(name) || this.#gone.has(name);
  }

  findUniqueid(uniqueid: ByteString): PlannedMailbox | undefined {
    for (const planned of this.#planned.values()) if (planned.mailbox.uniqueid === uniqueid) return planned;
    return undefined;
  }

  plannedOf(userid: ByteString): ReplicaMailbox[] {
    return [...this.#planned.values()]
      .map(({ mailbox }) => mailbox)
      .filter(({ name }) => this.#owners.ownerOf(name) === userid);
  }

  put(planned: PlannedMailbox): void {
    const { mailbox, nameNow } = planned;
    this.#planned.set(mailbox.name, planned);
    if (nameNow !== undefined) this.#movedTo.set(nameNow, mailbox.name);
  }

  remove(name: ByteString): void {
    const found = this.find(name);
    this.#planned.delete(name);
    if (found?.nameNow === undefined) return;
    this.#movedTo.delete(found.nameNow);
    this.#gone.add(found.nameNow);
  }

  rename(oldName: ByteString, newName: ByteString, partition: ByteString): void {
    const found = this.find(oldName);
    if (!found) return;
    this.#planned.delete(oldName);
    if (found.nameNow !== undefined) this.#gone.add(found.nameNow);
    this.put({ ...found, mailbox: { ...found.mailbox, name: newName, partition } });
  }

  /** It has shown a mailbox there. */
  hasPartition(partition: ByteString): boolean {
    return this.#partitions.has(partition);
  }

  /** A mailbox counts once, however many commands it takes. */
  count(name: ByteString, isMade: boolean, part: Part, user: UserPlan): void {
    if (!this.#counted.has(name)) user[isMade ? 'mailboxesMade' : 'mailboxesChanged'] += 1;
    this.#counted.set(name, part);
  }

  /** The messages that the latest command would bring a mailbox. */
  partOf(name: ByteString): Part {
    return this.#counted.get(name) ?? { records: 0, messages: 0, octets: 0 };
  }

  person(userid: ByteString): PlannedPerson {
    let person = this.#people.get(userid);
    if (!person) {
      person = {
        subscriptions: new Map(),
        seen: new Map(),
        quotas: new Map(),
        scripts: new Map(),
        activeScript: undefined,
      };
      this.#people.set(userid, person);
    }
    return person;
  }

  /**
   * Whose personal data the replica would give for this user: that of the INBOX which would have the user's name.
   *
   * @returns undefined: nobody's, as the INBOX would only be made
   */
  personNow(userid: ByteString): ByteString | undefined {
    const inbox = this.#planned.get(this.#owners.inboxName(userid));
    if (!inbox) return userid;
    return inbox.nameNow === undefined ? undefined : this.#owners.ownerOf(inbox.nameNow);
  }

  /** Adds to a user what is planned besides mail. */
  withPersonalData(userid: ByteString, user: ReplicaUser): ReplicaUser {
    const person = this.#people.get(userid);
    if (!person) return user;
    const subscriptions = new Set(user.subscriptions);
    for (const [name, there] of person.subscriptions) {
      if (there) subscriptions.add(name);
      else subscriptions.delete(name);
    }
    const { activeScript } = person;
    const sieve = overlaid(user.sieve, ({ filename }) => filename, person.scripts).map((script) =>
      activeScript === undefined ? script : { ...script, active: script.filename === activeScript },
    );
    return {
      ...user,
      subscriptions: [...subscriptions],
      seen: overlaid(user.seen, ({ uniqueid }) => uniqueid, person.seen),
      quotas: overlaid(user.quotas, ({ root }) => root, person.quotas),
      sieve,
    };
  }

  /** The user's turn is over. What would leave another's namespace stays known, for whoever that is. */
  forget(userid: ByteString): void {
    const isTheirs = (name: ByteString): boolean => (this.#owners.ownerOf(name) ?? '') === userid;
    for (const name of this.#listed.keys()) if (isTheirs(name)) this.#listed.delete(name);
    for (const name of this.#planned.keys()) if (isTheirs(name)) this.#planned.delete(name);
    for (const name of this.#movedTo.keys()) if (isTheirs(name)) this.#movedTo.delete(name);
    for (const name of this.#gone) if (isTheirs(name)) this.#gone.delete(name);
    for (const name of this.#counted.keys()) if (isTheirs(name)) this.#counted.delete(name);
    this.#people.delete(userid);
  }
}

function overlaid<T>(
  now: readonly T[],
  keyOf: (item: T) => ByteString,
  planned: ReadonlyMap<ByteString, T | undefined>,
): T[] {
  const all = new Map<ByteString, T | undefined>(now.map((item) => [keyOf(item), item]));
  for (const [key, item] of planned) all.set(key, item);
  return [...all.values()].filter((item) => item !== undefined);
}
