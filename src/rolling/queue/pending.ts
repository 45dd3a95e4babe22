/**
 * The door of `rolling/queue`. Here lines become actions, actions units, and units wait and run: coalescing, pauses and
 * quarantine, what a result leaves to do. All of it is decided over plain data: no files, no clock, no replica. A user has one
 * waiting and one running unit at most, so that the queue is bounded by the number of users; no action is ever in neither.
 */

import type { ByteString } from '../../byte-string.ts';
import { LowestFirst } from '../../coordinator/run/lowest-first.ts';
import type { LogLine } from '../log/log-line.ts';
import { Coalescer } from './coalescer.ts';
import { linesOf, nodesOfUnit, type OwnerOf, type RollingUnit } from './rolling-unit.ts';
import type { Troubles } from './troubles.ts';

export interface PendingUnit {
  readonly unit: RollingUnit;
  readonly nodes: ReadonlySet<string>;
  /** When the oldest line in it was written, as far as is known: milliseconds since the epoch. */
  readonly since: number;
}

/** While it waits its content may grow; its place in the queue stays. */
interface Entry {
  order: number;
  unit: RollingUnit;
  /**
   * All that it was ever found by, which only grows: a shared mailbox of its own may come to ride along with a user
   * (`nodesOfAction`), and whoever is found by a node is merged into what is waiting.
   */
  nodes: Set<string>;
  since: number;
}

/**
 * Everything taken from the log that is not done: waiting or running.
 *
 *     add() ──► waiting ──next()──► running ──finish()──► gone, or what is left of it added again
 *
 * A user has one waiting unit at most: what comes while it waits is merged into it, so that the queue is bounded by
 * the number of users however long it waits. A user has one running unit at most: what comes meanwhile waits behind it.
 */
export class Pending {
  readonly #ownerOf: OwnerOf;
  readonly #troubles: Troubles;
  /** In order of arrival. */
  readonly #waiting = new Set<Entry>();
  readonly #byNode = new Map<string, Entry>();
  readonly #running = new Set<PendingUnit>();
  readonly #busy = new Set<ByteString>();
  /**
   * Each that waits is in one of three: to be looked at, in order of arrival; with a pause, by its end; behind a user for
   * whom something runs, or who has another to be looked at. So that a start costs the same however many wait.
   */
  readonly #candidates = new LowestFirst<Entry>();
  readonly #pausing = new LowestFirst<Entry>();
  readonly #byUser = new Map<ByteString, LowestFirst<Entry>>();
  /** Those with a pause that would be shorter if nothing ran apart. */
  readonly #besideApart = new Set<Entry>();
  /** The one that runs on a connection of its own. */
  #apart: PendingUnit | undefined;
  #arrivals = 0;

  constructor(ownerOf: OwnerOf, troubles: Troubles) {
    this.#ownerOf = ownerOf;
    this.#troubles = troubles;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Different users and shared mailboxes that something runs for. */
  usersInFlight(): number {
    const nodes = new Set<string>();
    for (const { nodes: own } of this.#running) for (const node of own) nodes.add(node);
    return nodes.size;
  }

  add(unit: RollingUnit, since: number): void {
    if (unit.actions.length === 0) return;
    const nodes = nodesOfUnit(unit, this.#ownerOf);
    const overlapping = new Set<Entry>();
    for (const node of nodes) {
      const other = this.#byNode.get(node);
      if (other) overlapping.add(other);
    }
    const [first, ...others] = [...overlapping].sort((a, b) => a.order - b.order);
    if (!first) {
      const entry = { order: this.#arrivals++, unit, nodes, since };
      this.#waiting.add(entry);
      this.#look(entry);
      for (const node of nodes) this.#byNode.set(node, entry);
      return;
    }
    const together = [
      ...first.unit.actions,
      ...others.flatMap((other) => other.unit.actions),
      ...unit.actions,
    ];
    const coalescer = new Coalescer(this.#ownerOf);
    // What they share may be in the actions of neither any more, so that these are tied here.
    coalescer.addTied(together);
    const [merged] = coalescer.units();
    if (!merged) return;
    // Only now that they are in another: at no time is an action in none.
    for (const other of others) {
      this.#waiting.delete(other);
      this.#pausing.delete(other);
      for (const node of other.nodes) first.nodes.add(node);
      first.since = Math.min(first.since, other.since);
    }
    // In its old place: somebody whose lines never end must not be the last in the queue for ever.
    first.unit = merged;
    for (const node of nodes) first.nodes.add(node);
    first.since = Math.min(first.since, since);
    for (const node of first.nodes) this.#byNode.set(node, first);
  }

  /**
   * Moves the first unit that may start to running; with nothing to start, says when to ask again.
   *
   * Those under whom a connection broke run apart, one at a time, where they can harm nobody: at once if it was the first
   * time, otherwise after their pause. While one of them takes long, the others wait out theirs and run like everybody.
   */
  next(now: number): { start: PendingUnit; apart: boolean } | { until: number } {
    for (let due = this.#pausing.take(now); due; due = this.#pausing.take(now)) this.#look(due);
    for (let entry = this.#candidates.take(); entry; entry = this.#candidates.take()) {
      if (!this.#waiting.has(entry)) {
        this.#lookBehind(entry);
        continue;
      }
      const busy = entry.unit.users.find((user) => this.#busy.has(user));
      if (busy !== undefined) {
        this.#behind(busy).add(entry, entry.order);
        this.#lookBehind(entry);
        continue;
      }
      const until = this.#troubles.until(entry.nodes, this.#apart === undefined);
      if (until > now) {
        this.#pausing.add(entry, until);
        if (this.#troubles.until(entry.nodes, true) < until) this.#besideApart.add(entry);
        this.#lookBehind(entry);
        continue;
      }
      return { start: entry, apart: this.#start(entry) };
    }
    return { until: this.#pausing.lowest() ?? Number.POSITIVE_INFINITY };
  }

  finish(entry: PendingUnit): void {
    this.#running.delete(entry);
    for (const user of entry.unit.users) this.#busy.delete(user);
    this.#lookBehind(entry);
    if (this.#apart !== entry) return;
    this.#apart = undefined;
    for (const other of this.#besideApart) this.#look(other);
    this.#besideApart.clear();
  }

  /** Something was found out about a node: what waits for it may start earlier. */
  reconsider(node: string): void {
    const entry = this.#byNode.get(node);
    if (entry && this.#pausing.delete(entry)) this.#look(entry);
  }

  /** Puts the unit that waits for the node before all others. @returns whether there is one */
  hasten(node: string): boolean {
    const entry = this.#byNode.get(node);
    if (!entry) return false;
    entry.order = -1 - this.#arrivals++;
    this.#pausing.delete(entry);
    this.#candidates.add(entry, entry.order);
    return true;
  }

  /** Tells whether something runs for the user. */
  isBusy(user: ByteString): boolean {
    return this.#busy.has(user);
  }

  /** Users and shared mailboxes for whom something waits, in the order of arrival. */
  firstWaiting(most: number): string[] {
    const nodes = new Set<string>();
    for (const entry of this.#waiting) {
      if (nodes.size >= most) break;
      for (const node of entry.nodes) nodes.add(node);
    }
    return [...nodes].slice(0, most);
  }

  /** @returns whether it runs apart */
  #start(entry: Entry): boolean {
    this.#waiting.delete(entry);
    for (const node of entry.nodes) this.#byNode.delete(node);
    this.#running.add(entry);
    for (const user of entry.unit.users) this.#busy.add(user);
    const apart = this.#apart === undefined && this.#troubles.mayBreak(entry.nodes);
    if (apart) this.#apart = entry;
    return apart;
  }

  #look(entry: Entry): void {
    this.#pausing.delete(entry);
    this.#candidates.add(entry, entry.order);
  }

  /** An entry that does not start, or not any more, makes way for the first that waits behind each of its users. */
  #lookBehind({ unit }: PendingUnit): void {
    for (const user of unit.users) {
      if (this.#busy.has(user)) continue;
      const next = this.#byUser.get(user)?.take();
      if (next) this.#look(next);
      else this.#byUser.delete(user);
    }
  }

  #behind(user: ByteString): LowestFirst<Entry> {
    let behind = this.#byUser.get(user);
    if (!behind) {
      behind = new LowestFirst();
      this.#byUser.set(user, behind);
    }
    return behind;
  }

  /** The lines that must be on disk: everything that waits or runs. */
  *lines(): Generator<LogLine> {
    for (const entries of [this.#running, this.#waiting]) {
      for (const { unit } of entries) {
        for (const action of unit.actions) yield* linesOf(action, this.#ownerOf);
      }
    }
  }

  lineCount(): number {
    let count = 0;
    for (const _ of this.lines()) count++;
    return count;
  }

  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const entries of [this.#running, this.#waiting]) {
      for (const { since } of entries) oldest = Math.min(oldest ?? since, since);
    }
    return oldest;
  }
}
