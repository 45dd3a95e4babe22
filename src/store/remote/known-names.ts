import { type ByteString, compareBytes } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type NameRules, parseInternalName, toDbname } from '../paths/mailbox-name.ts';

/** Which mailboxes a server has said that it has, by name and by uniqueid, and which it has said that it has not. */
export class KnownNames {
  readonly #rules: NameRules;
  readonly #ownerOf: (name: ByteString) => ByteString | undefined;
  readonly #byName = new Map<ByteString, ReplicaMailbox | undefined>();
  readonly #byUniqueid = new Map<ByteString, ReplicaMailbox | undefined>();
  /** Users all of whose mailboxes are known. */
  readonly #whole = new Set<ByteString>();

  constructor(rules: NameRules, ownerOf: (name: ByteString) => ByteString | undefined) {
    this.#rules = rules;
    this.#ownerOf = ownerOf;
  }

  /** These are all that the user has. */
  takeUser(userid: ByteString, lines: readonly ReplicaMailbox[]): void {
    for (const [name, line] of this.#byName) {
      if (this.#ownerOf(name) !== userid) continue;
      this.#byName.delete(name);
      if (line) this.#byUniqueid.delete(line.uniqueid);
    }
    this.#whole.add(userid);
    for (const line of lines) this.#take(line);
  }

  /** These are all that there are of the names asked for. */
  takeNames(asked: readonly ByteString[], lines: readonly ReplicaMailbox[]): void {
    for (const name of asked) this.#byName.set(name, undefined);
    for (const line of lines) this.#take(line);
  }

  takeUniqueids(asked: readonly ByteString[], lines: readonly ReplicaMailbox[]): void {
    for (const uniqueid of asked) this.#byUniqueid.set(uniqueid, undefined);
    for (const line of lines) this.#take(line);
  }

  isKnown(uniqueid: ByteString): boolean {
    return this.#byUniqueid.has(uniqueid);
  }

  /** @throws SyncError BUG if nobody asked for it: no answer is not "no" */
  find(name: ByteString): ReplicaMailbox | undefined {
    if (this.#byName.has(name)) return this.#byName.get(name);
    const owner = this.#ownerOf(name);
    if (owner !== undefined && this.#whole.has(owner)) return undefined;
    throw new SyncError('BUG', `the master was not asked for the mailbox ${nameInText(name)}`, {
      phase: 'read',
      mailbox: name,
    });
  }

  /** @throws SyncError BUG as `find` */
  findUniqueid(uniqueid: ByteString): ReplicaMailbox | undefined {
    if (this.#byUniqueid.has(uniqueid)) return this.#byUniqueid.get(uniqueid);
    throw new SyncError('BUG', `the master was not asked for the uniqueid ${uniqueid}`, { phase: 'read' });
  }

  /** All of one user, in the order of a mailbox list, DELETED ones last. */
  ofUser(userid: ByteString): ReplicaMailbox[] {
    const own = [...this.#byName.values()].filter(
      (line) => line !== undefined && this.#ownerOf(line.name) === userid,
    ) as ReplicaMailbox[];
    const keyed = own.map((line) => {
      const parsed = parseInternalName(this.#rules, line.name);
      const key = `${parsed.deletedTime === 0 ? '' : '\xff'}${toDbname(this.#rules, parsed)}`;
      return { line, key };
    });
    return keyed.sort((a, b) => compareBytes(a.key, b.key)).map(({ line }) => line);
  }

  #take(line: ReplicaMailbox): void {
    this.#byName.set(line.name, line);
    this.#byUniqueid.set(line.uniqueid, line);
  }
}
