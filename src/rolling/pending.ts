import type { ByteString } from '../byte-string.ts';
import { Coalescer } from './coalesce.ts';
import type { LogLine } from './log-line.ts';
import type { Troubles } from './troubles.ts';
import { linesOf, nodesOfUnit, type OwnerOf, type RollingUnit } from './unit.ts';

export interface PendingUnit {
  readonly unit: RollingUnit;
  readonly nodes: ReadonlySet<string>;
  /** When the oldest line in it was written, as far as is known: milliseconds since the epoch. */
  readonly since: number;
}

/** While it waits its content may grow; its place in the queue stays. */
interface Entry {
  readonly order: number;
  unit: RollingUnit;
  nodes: Set<string>;
  since: number;
}

/**
 * Everything taken from the log that is not done: waiting or running.
 *
 *     add() ──► waiting ──next()──► running ──settle()──► gone, or what is left of it added again
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
      for (const node of nodes) this.#byNode.set(node, entry);
      return;
    }
    const coalescer = new Coalescer(this.#ownerOf);
    coalescer.addUnit(first.unit);
    for (const other of others) {
      coalescer.addUnit(other.unit);
      this.#waiting.delete(other);
      first.since = Math.min(first.since, other.since);
    }
    coalescer.addUnit(unit);
    // They share nodes, so that together they are one.
    const [merged] = coalescer.units();
    if (!merged) return;
    // In its old place: somebody whose lines never end must not be the last in the queue for ever.
    first.unit = merged;
    first.nodes = nodesOfUnit(merged, this.#ownerOf);
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
    let until = Number.POSITIVE_INFINITY;
    for (const entry of this.#waiting) {
      if (entry.unit.users.some((user) => this.#busy.has(user))) continue;
      const due = this.#troubles.until(entry.nodes, this.#apart === undefined);
      if (due > now) {
        until = Math.min(until, due);
        continue;
      }
      this.#waiting.delete(entry);
      for (const node of entry.nodes) this.#byNode.delete(node);
      this.#running.add(entry);
      for (const user of entry.unit.users) this.#busy.add(user);
      const apart = this.#apart === undefined && this.#troubles.mayBreak(entry.nodes);
      if (apart) this.#apart = entry;
      return { start: entry, apart };
    }
    return { until };
  }

  settle(entry: PendingUnit): void {
    if (this.#apart === entry) this.#apart = undefined;
    this.#running.delete(entry);
    for (const user of entry.unit.users) this.#busy.delete(user);
  }

  /** What must be on disk: everything that waits or runs, as log lines. */
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
