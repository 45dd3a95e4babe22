import { randomUUID } from 'node:crypto';
import type { IQueueBackend, Job, JobType, Queue, Worker } from 'bullmq';
import type { FleetSlice, SliceResult } from '../fleet-slice.ts';
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

/** A database that BullMQ knows how to use, opened and found to be fit. */
export interface JobStore extends AsyncDisposable {
  /** Without a password. */
  address: string;
  bullmq: typeof import('bullmq');
  /** Over one connection for all queues: a fleet has hundreds. */
  backendOf(queue: string, kind: QueueKind): IQueueBackend;
}

/** A slice may be lost a few times; the places of a gate for ever. */
export type QueueKind = 'slices' | 'places';

type JobQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend>;
type JobTaker = Worker<unknown, unknown, string, IQueueBackend>;
type SliceJob = Job<FleetSlice, SliceResult>;
type Place = Job<null, null>;

interface Note {
  key: string;
  value: unknown;
}

/** States of BullMQ, in the order in which a slice passes them: one that moves on meanwhile is seen twice rather than never. */
const STATES: readonly [JobType, SliceState][] = [
  ['delayed', 'waiting'],
  ['waiting', 'waiting'],
  ['active', 'active'],
  ['failed', 'failed'],
  ['completed', 'done'],
];
/** Looks at all slices, of which the first is nearly always enough. */
const MOST_LOOKS = 5;
const LEFT = STATES.filter(([, state]) => state === 'waiting' || state === 'active').map(([type]) => type);
/** Notes of this file alone: which queues there are, as nobody can be asked that. */
const GATES = '.gate/';
const PAIRINGS = '.pairing/';

/**
 * The queue of a fleet in BullMQ. A pairing is a queue whose jobs are slices; a gate is a queue whose jobs are the places behind
 * it, with BullMQ's own global limit and pause. Whoever claims takes a place of each gate first, then a slice, all under
 * BullMQ's locks with one token: should the agent die, all of them come back. Notes are jobs that nobody works at.
 */
export class BullmqQueue implements FleetQueue {
  readonly address: string;
  readonly #store: JobStore;
  readonly #fleet: string;
  readonly #rules: QueueRules;
  readonly #queues = new Map<string, JobQueue>();
  readonly #workers = new Map<string, JobTaker>();

  constructor(store: JobStore, fleet: string, rules: QueueRules) {
    this.address = store.address;
    this.#store = store;
    this.#fleet = fleet;
    this.#rules = rules;
  }

  async add(slices: readonly FleetSlice[], afterMs = 0): Promise<number> {
    return await this.#ask(async () => {
      let added = 0;
      for (const name of new Set(slices.map(pairingName))) {
        const ofPairing = slices.filter((slice) => pairingName(slice) === name);
        await this.#setNote(`${PAIRINGS}${name}`, true);
        const queue = this.#queue(name, 'slices');
        const before = await this.#jobsThere(queue);
        await queue.addBulk(
          ofPairing.map((slice) => ({
            name: 'slice',
            data: slice,
            opts: {
              jobId: encodeURIComponent(slice.id),
              attempts: this.#rules.attempts,
              backoff: { type: 'fixed', delay: this.#rules.retryMs },
              ...(afterMs > 0 && { delay: afterMs }),
            },
          })),
        );
        added += (await this.#jobsThere(queue)) - before;
      }
      return added;
    });
  }

  async claim(pairings: readonly Pairing[], agent: string): Promise<Claim | undefined> {
    return await this.#ask(async () => {
      for (const pairing of pairings) {
        const claim = await this.#claimOf(pairing, agent);
        if (claim) return claim;
      }
      return undefined;
    });
  }

  async slices(): Promise<SliceRecord[]> {
    return await this.#ask(async () => {
      const pairings = [...(await this.#notesOf(PAIRINGS)).keys()];
      const found = await Promise.all(
        pairings.map((name) => this.#recordsOf(this.#queue(name.slice(PAIRINGS.length), 'slices'))),
      );
      return found.flat();
    });
  }

  async left(pairings: readonly Pairing[]): Promise<number> {
    return await this.#ask(async () => {
      const counts = await Promise.all(
        pairings.map((pairing) => this.#queue(pairingName(pairing), 'slices').getJobCountByTypes(...LEFT)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    });
  }

  async gates(names?: readonly GateName[]): Promise<Gate[]> {
    return await this.#ask(async () => {
      const asked =
        names ?? [...(await this.#notesOf(GATES)).keys()].map((key) => asGate(key.slice(GATES.length)));
      const gates = await Promise.all(
        asked.map(async (name) => {
          const queue = this.#queue(gateQueue(name), 'places');
          await queue.getBackend().moveStalledJobsToWait();
          const [limit, paused, held] = await Promise.all([
            queue.getGlobalConcurrency(),
            queue.isPaused(),
            queue.getActiveCount(),
          ]);
          return limit === null ? undefined : { name, limit, paused, held };
        }),
      );
      return gates.filter((gate) => gate !== undefined);
    });
  }

  async limit(gate: GateName, most: number): Promise<void> {
    await this.#ask(async () => {
      const queue = this.#queue(gateQueue(gate), 'places');
      await queue.addBulk(
        Array.from({ length: most }, (_, at) => ({
          name: 'place',
          data: null,
          opts: { jobId: `place-${at + 1}` },
        })),
      );
      await queue.setGlobalConcurrency(most);
      // This comes last: a gate at whose making somebody died is not known, so that the next start makes it.
      await this.#setNote(`${GATES}${gate}`, true);
    });
  }

  async pause(gate: GateName): Promise<void> {
    await this.#ask(() => this.#queue(gateQueue(gate), 'places').pause());
  }

  async resume(gate: GateName): Promise<void> {
    await this.#ask(() => this.#queue(gateQueue(gate), 'places').resume());
  }

  async note(key: string, value: unknown): Promise<void> {
    await this.#ask(() => this.#setNote(key, value));
  }

  async noted(key: string): Promise<unknown> {
    const job = await this.#ask(() => this.#notesQueue(key).getJob(encodeURIComponent(key)));
    return (job as Job<Note> | undefined)?.data.value;
  }

  async notes(prefix: string): Promise<Map<string, unknown>> {
    return await this.#ask(() => this.#notesOf(prefix));
  }

  async forget(key: string): Promise<void> {
    await this.#ask(() => this.#notesQueue(key).remove(encodeURIComponent(key)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  async #claimOf(pairing: Pairing, agent: string): Promise<Claim | undefined> {
    const worker = this.#worker(pairingName(pairing), 'slices');
    await worker.getBackend().moveStalledJobsToWait();
    const { waiting = 0, delayed = 0 } = await this.#queue(pairingName(pairing), 'slices').getJobCounts(
      'waiting',
      'delayed',
    );
    if (waiting + delayed === 0) return undefined;
    const token = `${agent} ${randomUUID()}`;
    const places: Place[] = [];
    for (const gate of gatesOf(pairing)) {
      const place = await this.#take<Place>(gateQueue(gate), 'places', token);
      if (place === undefined) {
        await giveBack(places, token);
        return undefined;
      }
      places.push(place);
    }
    const job = await this.#take<SliceJob>(pairingName(pairing), 'slices', token);
    if (job?.deferredFailure !== undefined && job.deferredFailure !== '') {
      await isHeld(job.moveToFailed(new this.#store.bullmq.UnrecoverableError(LOST_TOO_OFTEN), token, false));
      await giveBack(places, token);
      return await this.#claimOf(pairing, agent);
    }
    if (job === undefined) {
      await giveBack(places, token);
      return undefined;
    }
    return this.#heldBy(job, places, token);
  }

  #heldBy(job: SliceJob, places: readonly Place[], token: string): Claim {
    const { leaseMs } = this.#rules;
    const end = async (work: () => Promise<unknown>): Promise<boolean> =>
      await this.#ask(async () => {
        // On PostgreSQL a job that is somebody else's by now is put back without a word of refusal, and not put back.
        const held = (await job.extendLock(token, leaseMs)) > 0 && (await isHeld(work()));
        await giveBack(places, token);
        return held;
      });
    return {
      slice: job.data,
      attempt: job.attemptsMade + 1,
      renew: () =>
        this.#ask(async () => {
          const kept = await Promise.all([job, ...places].map((each) => each.extendLock(token, leaseMs)));
          return kept.every((each) => each > 0);
        }),
      finish: (result) => end(() => job.moveToCompleted(result, token, false)),
      fail: (reason) => end(() => job.moveToFailed(new Error(reason), token, false)),
      release: () => end(() => job.moveToWait(token)),
    };
  }

  async #take<J>(name: string, kind: QueueKind, token: string): Promise<J | undefined> {
    const worker = this.#worker(name, kind);
    const [job] = [await worker.getNextJob(token, { block: false })];
    if (job !== undefined || kind === 'slices') return job as J | undefined;
    // Somebody who died may have the place.
    await worker.getBackend().moveStalledJobsToWait();
    return (await worker.getNextJob(token, { block: false })) as J | undefined;
  }

  /** A slice that is given back between two of the questions is in no answer, so that they are asked again until none is missing. */
  async #recordsOf(queue: JobQueue): Promise<SliceRecord[]> {
    const found = new Map<string, SliceRecord>();
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      const there = await this.#jobsThere(queue);
      await this.#findRecords(queue, found);
      if (found.size >= there) break;
    }
    return [...found.values()];
  }

  async #findRecords(queue: JobQueue, found: Map<string, SliceRecord>): Promise<void> {
    for (const [type, state] of STATES) {
      for (const job of (await queue.getJobs([type], 0, -1, true)) as SliceJob[]) {
        found.set(job.data.id, {
          slice: job.data,
          state,
          agent: state === 'done' ? job.returnvalue?.agent : undefined,
          result: state === 'done' ? job.returnvalue : undefined,
          reason: job.failedReason === '' ? undefined : job.failedReason,
        });
      }
    }
  }

  async #jobsThere(queue: JobQueue): Promise<number> {
    return await queue.getJobCountByTypes(...STATES.map(([type]) => type));
  }

  /** Each kind has one of its own: an agent that asks for replicas is not told of all other agents. */
  #notesQueue(key: string): JobQueue {
    return this.#queue(`notes/${key.split('/', 1)[0]}`, 'slices');
  }

  async #setNote(key: string, value: unknown): Promise<void> {
    const jobId = encodeURIComponent(key);
    const data: Note = { key, value };
    const job = await this.#notesQueue(key).add('note', data, { jobId });
    await job.updateData(data);
  }

  async #notesOf(prefix: string): Promise<Map<string, unknown>> {
    const jobs = (await this.#notesQueue(prefix).getJobs(['waiting'], 0, -1)) as Job<Note>[];
    return new Map(
      jobs.filter(({ data }) => data.key.startsWith(prefix)).map(({ data }) => [data.key, data.value]),
    );
  }

  #queue(name: string, kind: QueueKind): JobQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new this.#store.bullmq.Queue<
      unknown,
      unknown,
      string,
      unknown,
      unknown,
      string,
      IQueueBackend
    >(`${this.#fleet}/${name}`, { connection: {}, skipMetasUpdate: true }, this.#backend(kind));
    this.#queues.set(name, queue);
    return queue;
  }

  /** It has no processor: jobs are taken one by one. */
  #worker(name: string, kind: QueueKind): JobTaker {
    const known = this.#workers.get(name);
    const worker =
      known ??
      new this.#store.bullmq.Worker<unknown, unknown, string, IQueueBackend>(
        `${this.#fleet}/${name}`,
        null,
        { connection: {}, autorun: false, lockDuration: this.#rules.leaseMs },
        this.#backend(kind),
      );
    this.#workers.set(name, worker);
    return worker;
  }

  #backend(kind: QueueKind) {
    return (queue: string): IQueueBackend => this.#store.backendOf(queue, kind);
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (caught) {
      throw queueUnavailable(this.address, caught);
    }
  }
}

/** BullMQ refuses with a number below zero where the job is no longer this token's: the lease has run out. */
async function isHeld(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && Number(caught.code) < 0) return false;
    throw caught;
  }
}

async function giveBack(places: readonly Place[], token: string): Promise<void> {
  for (const place of places) await isHeld(place.moveToWait(token));
}

function pairingName({ master, replica }: Pairing): string {
  return `pairing/${master}/${replica}`;
}

function gateQueue(gate: GateName): string {
  return `gate/${gate}`;
}

function asGate(name: string): GateName {
  return name.startsWith('master/') ? `master/${name.slice(7)}` : `replica/${name.slice(8)}`;
}
