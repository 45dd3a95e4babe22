import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { Slabs } from './slabs.ts';
import { type UploadTurn, UploadTurns } from './upload-turns.ts';

/**
 * Messages staged on the replica before the stage is dropped. The stage is a directory of files on its spool and a
 * table in its memory; the C client resets both between users of a rolling run and never in a bulk run. Several steps of
 * a very large mailbox fit, so that one can be uploaded while the replica works on the one before.
 */
const RESTART_AFTER_MESSAGES = 32_768;

/** Records being prepared at once on one connection: bounds this thread's memory, about 1 KiB each. */
const BUDGET_RECORDS = 16_384;

/** A mailbox is given a budget of at least this many records, which also bounds how many are open at once. */
export const LEAST_BUDGET_RECORDS = 256;

/** Shared by all connections of this thread. */
const SLABS = new Slabs();

/**
 * The replica's stage for this connection: the messages that it holds, and who relies on them.
 *
 * Invariant: a GUID listed here is staged from the moment its promise resolves until RESTART, and RESTART is sent only
 * while nobody holds the stage. Sending MAILBOX for a GUID that is not staged makes the replica's server abort
 * (protocol 10.3), so whoever sends MAILBOX holds the stage from before its first look until the answer.
 */
export class Stage {
  readonly slabs: Slabs;
  readonly #session: ReplicaSession;
  readonly #mostStaged: number;
  /** By partition, then by GUID. */
  readonly #staged = new Map<ByteString, Map<string, Promise<void>>>();
  #holders = 0;
  #waiting: (() => void)[] = [];
  #weight = 0;
  #weightQueue: { weight: number; start: () => void }[] = [];
  readonly #turns = new UploadTurns();
  #claims = 0;

  /** @param mostStaged messages after which the stage is dropped; simulations reach fewer */
  constructor(session: ReplicaSession, mostStaged = RESTART_AFTER_MESSAGES, slabs = SLABS) {
    this.#session = session;
    this.#mostStaged = mostStaged;
    this.slabs = slabs;
  }

  /** Waits while a RESTART is due, then relies on the stage until disposed. One per job. */
  async hold(): Promise<Disposable> {
    while (this.#restartDue && this.#holders > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#restartDue) this.#restart();
    this.#holders++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (--this.#holders > 0) return;
        if (this.#restartDue) this.#restart();
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const wake of waiting) wake();
      },
    };
  }

  /** Waits its turn to prepare that many records. Turns come in order of asking, so that an earlier mailbox never starves. */
  async budget(records: number): Promise<Disposable> {
    const weight = Math.min(Math.max(records, 1), BUDGET_RECORDS);
    if (this.#weightQueue.length > 0 || this.#weight + weight > BUDGET_RECORDS) {
      await new Promise<void>((start) => this.#weightQueue.push({ weight, start }));
    } else {
      this.#weight += weight;
    }
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        this.#weight -= weight;
        for (let next = this.#weightQueue[0]; next; next = this.#weightQueue[0]) {
          if (this.#weight + next.weight > BUDGET_RECORDS) break;
          this.#weightQueue.shift();
          this.#weight += next.weight;
          next.start();
        }
      },
    };
  }

  /** @returns what waits for a turn to send messages; within a job whoever asked for this first is first */
  uploadTurns(job: string): () => Promise<UploadTurn> {
    this.#claims += 1;
    const seat = { job, place: this.#claims };
    return () => this.#turns.take(seat);
  }

  /** The promise that resolves when this GUID is on the replica's stage; undefined if nobody has begun to send it. */
  find(partition: ByteString, guid: string): Promise<void> | undefined {
    return this.#staged.get(partition)?.get(guid);
  }

  /** Notes that these GUIDs are, or with `done` will be, staged. A failure takes them off again. */
  add(partition: ByteString, guids: readonly string[], done: Promise<void> = Promise.resolve()): void {
    const staged = this.#staged.get(partition) ?? new Map<string, Promise<void>>();
    this.#staged.set(partition, staged);
    for (const guid of guids) staged.set(guid, done);
    done.catch(() => {
      for (const guid of guids) if (staged.get(guid) === done) staged.delete(guid);
    });
  }

  get #restartDue(): boolean {
    let messages = 0;
    for (const staged of this.#staged.values()) messages += staged.size;
    return messages >= this.#mostStaged;
  }

  #restart(): void {
    this.#staged.clear();
    // Answers come in order, so what follows needs no waiting. A broken link is reported by what follows.
    this.#session.restart().catch(() => undefined);
  }
}
