import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Database, Key, RootDatabase } from 'lmdb';
import { SyncError } from '../../report/sync-error.ts';
import type { FleetSlice, SliceResult } from '../fleet-slice.ts';
import { ensureRoom } from './ensure-room.ts';
import {
  type Claim,
  type FleetQueue,
  type Gate,
  type GateName,
  gatesOf,
  LOST_TOO_OFTEN,
  type Pairing,
  type QueueRules,
  type SliceRecord,
  type SliceState,
} from './fleet-queue.ts';
import { queueUnavailable } from './queue-unavailable.ts';

/** Octets of address space set aside at first; lmdb doubles it when needed. */
const INITIAL_MAP_OCTETS = 64 * 1024 ** 2;
const MOST_TABLES = 8;
/** The files of lmdb, wherever they are, name all users of a site. The package's types lack the option. */
const FOR_OWNER_ALONE = { permissionsMode: 0o600 };
/** lmdb's flags of a transaction, which the package exports as types only: undone if it throws, on the disk when it returns. */
const ABORTABLE_AND_DURABLE = 1 | 2;
const DISK_HINT =
  'Look whether the disk of that directory is full; whoever is at work goes on, and nothing new begins until it can be written to';
/** Behind all numbers in the order of keys. */
const LAST = Number.MAX_SAFE_INTEGER;

interface Row {
  slice: FleetSlice;
  /** Place in its pairing, which it keeps when it comes back. */
  sequence: number;
  state: SliceState;
  attempts: number;
  losses: number;
  agent?: string;
  result?: SliceResult;
  reason?: string;
}

/** A slice's place in its pairing. */
type Place = [master: string, replica: string, sequence: number];

interface Waiting {
  id: string;
  /** Milliseconds since the epoch. */
  ready: number;
}

interface Lease {
  token: string;
  pairing: Pairing;
  /** Milliseconds since the epoch. */
  until: number;
}

interface GateRow {
  limit: number;
  paused: boolean;
}

/**
 * The queue of one host, in LMDB: several processes share a directory, and each change is one transaction, on the disk before
 * it is acknowledged. There is no server; leases that ran out are noticed by whoever claims next.
 */
export class EmbeddedQueue implements FleetQueue {
  readonly address: string;
  readonly #rules: QueueRules;
  readonly #now: () => number;
  readonly #root: RootDatabase<unknown, Key>;
  readonly #rows: Database<Row, string>;
  readonly #waiting: Database<Waiting, Place>;
  readonly #leases: Database<Lease, string>;
  readonly #gates: Database<GateRow, GateName>;
  readonly #notes: Database<unknown, string>;

  /**
   * @param directory made if it is not there
   * @throws SyncError IO
   */
  static async open(directory: string, rules: QueueRules, now = Date.now): Promise<EmbeddedQueue> {
    const { open } = await import('lmdb');
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      ensureRoom(directory);
      const root = open<unknown, Key>({
        path: directory,
        maxDbs: MOST_TABLES,
        mapSize: INITIAL_MAP_OCTETS,
        noSubdir: false,
        ...FOR_OWNER_ALONE,
        overlappingSync: false,
      });
      return new EmbeddedQueue(directory, root, rules, now);
    } catch (caught) {
      throw new SyncError('IO', `${directory}: cannot open the queue: ${SyncError.from(caught).message}`, {
        phase: 'start',
        hint: 'It must be a directory that Cyrus’s user may write to; --queue names another',
        cause: caught,
      });
    }
  }

  private constructor(
    directory: string,
    root: RootDatabase<unknown, Key>,
    rules: QueueRules,
    now: () => number,
  ) {
    this.address = directory;
    this.#root = root;
    this.#rules = rules;
    this.#now = now;
    const table = <V, K extends Key>(name: string) => root.openDB<V, K>({ name, cache: false });
    this.#rows = table('slices');
    this.#waiting = table('waiting');
    this.#leases = table('leases');
    this.#gates = table('gates');
    this.#notes = table('notes');
  }

  async add(slices: readonly FleetSlice[], afterMs = 0): Promise<number> {
    return this.#change(() => {
      let sequence = this.#lastSequence();
      let added = 0;
      for (const slice of slices) {
        if (this.#rows.doesExist(slice.id)) continue;
        sequence += 1;
        added += 1;
        const row: Row = { slice, sequence, state: 'waiting', attempts: 0, losses: 0 };
        this.#wait(row, this.#now() + afterMs);
      }
      this.#notes.putSync(SEQUENCE_NOTE, sequence);
      return added;
    });
  }

  async claim(pairings: readonly Pairing[], agent: string): Promise<Claim | undefined> {
    return this.#change(() => {
      this.#takeBackLost();
      const held = this.#held();
      let first: { key: Place; id: string } | undefined;
      for (const pairing of pairings) {
        if (!gatesOf(pairing).every((gate) => this.#isOpen(gate, held))) continue;
        const next = this.#firstReady(pairing);
        if (next && (first === undefined || next.key[2] < first.key[2])) first = next;
      }
      const row = first && this.#rows.get(first.id);
      if (first === undefined || row === undefined) return undefined;
      const token = randomUUID();
      this.#waiting.removeSync(first.key);
      this.#rows.putSync(first.id, { ...row, state: 'active', agent });
      const { master, replica } = row.slice;
      this.#leases.putSync(first.id, { token, pairing: { master, replica }, until: this.#leaseEnd() });
      return this.#claimOf(row, token);
    });
  }

  async slices(): Promise<SliceRecord[]> {
    return this.#change(() =>
      [...this.#rows.getRange()]
        .map(({ value }) => value)
        .sort((one, other) => one.sequence - other.sequence)
        .map(({ slice, state, agent, result, reason }) => ({ slice, state, agent, result, reason })),
    );
  }

  async left(pairings: readonly Pairing[]): Promise<number> {
    const isMeant = ({ master, replica }: Pairing): boolean =>
      pairings.some((pairing) => pairing.master === master && pairing.replica === replica);
    return this.#change(() => {
      let count = 0;
      for (const pairing of pairings) {
        const { start, end } = rangeOf(pairing);
        count += this.#waiting.getKeysCount({ start, end });
      }
      for (const { value } of this.#leases.getRange()) if (isMeant(value.pairing)) count += 1;
      return count;
    });
  }

  async gates(names?: readonly GateName[]): Promise<Gate[]> {
    return this.#change(() => {
      const held = this.#held();
      const all = [...this.#gates.getRange()].filter(({ key }) => names?.includes(key) ?? true);
      return all.map(({ key, value }) => ({
        name: key,
        ...value,
        held: held.get(key) ?? 0,
      }));
    });
  }

  async limit(gate: GateName, most: number): Promise<void> {
    this.#change(() => this.#gates.putSync(gate, { ...this.#gate(gate), limit: most }));
  }

  async pause(gate: GateName): Promise<void> {
    this.#change(() => this.#gates.putSync(gate, { ...this.#gate(gate), paused: true }));
  }

  async resume(gate: GateName): Promise<void> {
    this.#change(() => this.#gates.putSync(gate, { ...this.#gate(gate), paused: false }));
  }

  async note(key: string, value: unknown): Promise<void> {
    this.#change(() => this.#notes.putSync(key, value));
  }

  async noted(key: string): Promise<unknown> {
    return this.#change(() => this.#notes.get(key));
  }

  async notes(prefix: string): Promise<Map<string, unknown>> {
    return this.#change(() => {
      const found = new Map<string, unknown>();
      for (const { key, value } of this.#notes.getRange({ start: prefix })) {
        if (!key.startsWith(prefix)) break;
        if (key !== SEQUENCE_NOTE) found.set(key, value);
      }
      return found;
    });
  }

  async forget(key: string): Promise<void> {
    this.#change(() => this.#notes.removeSync(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }

  #claimOf(row: Row, token: string): Claim {
    const { slice } = row;
    const whileHeld = async (work: (current: Row) => void): Promise<boolean> =>
      this.#change(() => {
        const current = this.#rows.get(slice.id);
        if (current === undefined || this.#leases.get(slice.id)?.token !== token) return false;
        work(current);
        return true;
      });
    return {
      slice,
      attempt: row.attempts + 1,
      renew: () =>
        whileHeld(() => {
          const { master, replica } = slice;
          this.#leases.putSync(slice.id, { token, pairing: { master, replica }, until: this.#leaseEnd() });
        }),
      finish: (result) =>
        whileHeld((current) => {
          this.#leases.removeSync(slice.id);
          this.#rows.putSync(slice.id, { ...current, state: 'done', result });
        }),
      fail: (reason) =>
        whileHeld((current) => {
          this.#leases.removeSync(slice.id);
          const attempts = current.attempts + 1;
          const after = { ...current, attempts, reason };
          if (attempts >= this.#rules.attempts) this.#rows.putSync(slice.id, { ...after, state: 'failed' });
          else this.#wait(after, this.#now() + this.#rules.retryMs);
        }),
      release: () =>
        whileHeld((current) => {
          this.#leases.removeSync(slice.id);
          this.#wait(current, this.#now());
        }),
    };
  }

  /** A lease that ran out: its agent is dead, or stopped for so long that it has to be taken for dead. */
  #takeBackLost(): void {
    const now = this.#now();
    for (const { key, value } of [...this.#leases.getRange()]) {
      if (value.until > now) continue;
      this.#leases.removeSync(key);
      const row = this.#rows.get(key);
      if (row === undefined) continue;
      const losses = row.losses + 1;
      if (losses > this.#rules.losses)
        this.#rows.putSync(key, { ...row, losses, state: 'failed', reason: LOST_TOO_OFTEN });
      else this.#wait({ ...row, losses }, now);
    }
  }

  #wait(row: Row, ready: number): void {
    this.#rows.putSync(row.slice.id, { ...row, state: 'waiting' });
    this.#waiting.putSync(placeOf(row), { id: row.slice.id, ready });
  }

  #firstReady(pairing: Pairing): { key: Place; id: string } | undefined {
    const now = this.#now();
    for (const { key, value } of this.#waiting.getRange(rangeOf(pairing))) {
      if (value.ready <= now) return { key, id: value.id };
    }
    return undefined;
  }

  #held(): Map<GateName, number> {
    const held = new Map<GateName, number>();
    for (const { value } of this.#leases.getRange()) {
      for (const gate of gatesOf(value.pairing)) held.set(gate, (held.get(gate) ?? 0) + 1);
    }
    return held;
  }

  #isOpen(gate: GateName, held: ReadonlyMap<GateName, number>): boolean {
    const { limit, paused } = this.#gate(gate);
    return !paused && (held.get(gate) ?? 0) < limit;
  }

  #gate(gate: GateName): GateRow {
    return this.#gates.get(gate) ?? { limit: 1, paused: false };
  }

  #lastSequence(): number {
    const last = this.#notes.get(SEQUENCE_NOTE);
    return typeof last === 'number' ? last : 0;
  }

  #leaseEnd(): number {
    return this.#now() + this.#rules.leaseMs;
  }

  /** @throws SyncError QUEUE_UNAVAILABLE if the disk does not take it: nothing of the change is there then */
  #change<T>(work: () => T): T {
    try {
      return this.#root.transactionSync(work, ABORTABLE_AND_DURABLE);
    } catch (caught) {
      // Whatever lmdb says of the file has a number; all else is a mistake in here.
      if (!(caught instanceof Error && 'code' in caught && typeof caught.code === 'number')) throw caught;
      throw queueUnavailable(this.address, caught, DISK_HINT);
    }
  }
}

/** Its own place among the notes, which nobody else is shown. */
const SEQUENCE_NOTE = '.sequence';

function placeOf({ slice, sequence }: Row): Place {
  return [slice.master, slice.replica, sequence];
}

function rangeOf({ master, replica }: Pairing): { start: Place; end: Place } {
  return { start: [master, replica, 0], end: [master, replica, LAST] };
}
