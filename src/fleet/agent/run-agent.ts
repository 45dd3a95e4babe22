/**
 * The door of `fleet/agent`. Here slices are taken off the queue one after the other, each is given to whoever runs it, and what
 * became of its users goes back. It touches the queue alone. It promises that a lease is renewed as long as the work goes on,
 * that the work is ended once the lease is lost, that a slice is given back on request, and that a queue which is away
 * disturbs nobody at work.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type { ReportEntry } from '../../report/document/report-entry.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import { contentOf } from '../content-of.ts';
import { type AgentNote, type FleetTerms, noteKey, readFleetTerms } from '../fleet-notes.ts';
import type { FleetSlice, SliceResult, UserResult } from '../fleet-slice.ts';
import { isWithin } from '../planner/hours.ts';
import type { Master, Replica } from '../planner/inventory.ts';
import { type Claim, type FleetQueue, gatesOf, type Pairing } from '../queue/fleet-queue.ts';
import { SidesAway } from './sides-away.ts';
import { userResult } from './user-result.ts';

/** Milliseconds between two questions to a queue that has nothing to give. */
const ASK = { least: 200, most: 3_000 };
/** Milliseconds between two signs of life: several before an agent is called lost. */
const SIGN_EVERY_MS = 20_000;
const MS_PER_SECOND = 1_000;
const STOPPED_WITHOUT_QUEUE = 'told to stop while the queue is away';
/** A round adds this to the name of a slice. */
const ROUND = /\+[0-9]+\.[0-9a-f]+$/;

/** Everything that the run of one slice may take. */
export interface SliceTerms {
  master: Master;
  replica: Replica;
  /** Its share of what the replica allows. */
  connections: number | undefined;
  octetsPerSecond: number | undefined;
}

export interface SliceRun {
  /** By userid, as the slice names them. */
  entries: ReadonlyMap<string, ReportEntry>;
  /** Why it ended before its work was done. */
  endedBy: ErrorData | undefined;
}

export interface AgentOptions {
  name: string;
  host: string;
  pid: number;
  /** Masters whose files it reads; undefined: it reads servers. */
  masters: readonly string[] | undefined;
  /** Ends when nothing is left that it could do. */
  untilDone: boolean;
  /** For so long, too, users whom a slice left undone are left alone: whoever was stopped while it had them has noticed by then. */
  leaseMs: number;
}

export interface AgentParts {
  queue: FleetQueue;
  /** @param signal aborted: end politely, with what is done by then */
  runSlice(slice: FleetSlice, terms: SliceTerms, signal: AbortSignal): Promise<SliceRun>;
  tell(event: AgentEvent): void;
}

export type AgentEvent =
  | { kind: 'begins'; slice: FleetSlice; attempt: number }
  | { kind: 'ends'; slice: FleetSlice; result: SliceResult }
  | { kind: 'lost'; slice: FleetSlice }
  | { kind: 'gives-back'; slice: FleetSlice; why: string }
  | { kind: 'fails'; slice: FleetSlice; why: string }
  | { kind: 'queue-away'; error: ErrorData }
  | { kind: 'queue-back' };

/** Works until it is told to stop, or, where that is wanted, until nothing is left. */
export async function runAgent(options: AgentOptions, parts: AgentParts, signal: AbortSignal): Promise<void> {
  await new Agent(options, parts, signal).work();
}

class Agent {
  readonly #options: AgentOptions;
  readonly #parts: AgentParts;
  readonly #signal: AbortSignal;
  readonly #since = Date.now();
  readonly #away = new SidesAway();
  #signed: { slice: string | undefined; at: number } = { slice: undefined, at: Number.NEGATIVE_INFINITY };
  #turn = 0;
  #isAway = false;

  constructor(options: AgentOptions, parts: AgentParts, signal: AbortSignal) {
    this.#options = options;
    this.#parts = parts;
    this.#signal = signal;
  }

  async work(): Promise<void> {
    let pauseMs = ASK.least;
    while (!this.#signal.aborted) {
      const step = await this.#patiently(() => this.#next());
      if (step === 'nothing-left' && this.#options.untilDone) break;
      if (step === 'worked') {
        pauseMs = ASK.least;
        continue;
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, ASK.most);
    }
    await this.#withinPatience(() => this.#parts.queue.forget(noteKey('agent', this.#options.name)));
  }

  async #next(): Promise<'worked' | 'waits' | 'nothing-left'> {
    const { queue } = this.#parts;
    const notes = await readFleetTerms(queue, this.#options.masters);
    await this.#sign(undefined);
    const pairings = this.#pairings(notes);
    const now = new Date();
    const open = pairings.filter((pairing) => {
      const { master, replica } = pairing;
      const isOpen =
        isWithin(notes.masters.get(master)?.hours, now) && isWithin(notes.replicas.get(replica)?.hours, now);
      return isOpen && !this.#away.isAvoided(pairing);
    });
    const claim = await queue.claim(this.#inTurn(open), this.#options.name);
    if (claim) {
      await this.#do(claim, notes);
      return 'worked';
    }
    return this.#options.untilDone && (await queue.left(pairings)) === 0 ? 'nothing-left' : 'waits';
  }

  #pairings({ masters, replicas }: FleetTerms): Pairing[] {
    const { masters: own } = this.#options;
    const mine = [...masters.values()].filter((master) =>
      own === undefined ? master.server !== undefined : own.includes(master.name),
    );
    return mine.flatMap((master) =>
      [...replicas.keys()].map((replica) => ({ master: master.name, replica })),
    );
  }

  /** Agents that begin with different pairings do not wait for each other at the same gate. */
  #inTurn(pairings: readonly Pairing[]): Pairing[] {
    this.#turn += 1;
    const first = this.#turn % Math.max(1, pairings.length);
    return [...pairings.slice(first), ...pairings.slice(0, first)];
  }

  async #do(claim: Claim, notes: FleetTerms): Promise<void> {
    const { tell, runSlice } = this.#parts;
    const { slice } = claim;
    const isCancelled = (user: string): boolean =>
      notes.cancelledUsers.has(user) || notes.cancelledWaves.has(slice.wave);
    const users = slice.users.filter((user) => !isCancelled(user));
    const began = Date.now();
    tell({ kind: 'begins', slice, attempt: claim.attempt });
    await using lease = new Lease(claim, this.#options.leaseMs, this.#signal, () => this.#sign(slice));
    // Under the lease: a queue that is away for a moment costs the slice nothing.
    const terms = await this.#patiently(() => this.#termsOf(slice, notes));
    if (terms === undefined) return await this.#giveBack(claim, STOPPED_WITHOUT_QUEUE);
    if (terms === 'unknown') {
      return await this.#fail(claim, 'the fleet has no such master or replica any more');
    }
    if (lease.isLost) return tell({ kind: 'lost', slice });
    const none: SliceRun = { entries: new Map(), endedBy: undefined };
    const run = users.length === 0 ? none : await this.#run({ ...slice, users }, terms, lease, runSlice);
    if (lease.isLost) return tell({ kind: 'lost', slice });
    const { endedBy } = run;
    const isWhole = users.every((user) => (run.entries.get(user)?.status ?? 'not-reached') !== 'not-reached');
    if (!isWhole && this.#signal.aborted) return await this.#giveBack(claim, 'told to stop');
    if (!isWhole && endedBy) {
      if (!this.#away.take(endedBy, slice)) return await this.#fail(claim, reasonOf(endedBy));
      return await this.#giveBack(claim, reasonOf(endedBy));
    }
    this.#away.reached(slice);
    const results = slice.users.map((user) =>
      isCancelled(user) ? cancelled(user) : userResult(user, run.entries.get(user), roundOf(slice)),
    );
    const result: SliceResult = { agent: this.#options.name, began, ended: Date.now(), users: results };
    const isAdded = await this.#patiently(async () => {
      await this.#addNextRound(slice, results);
      return true;
    });
    // Told to stop while the queue is away: it may be back for the next word, and a slice that was finished then would
    // have left its users without a next round.
    if (!isAdded) return await this.#giveBack(claim, STOPPED_WITHOUT_QUEUE);
    const kept = await this.#patiently(() => claim.finish(result));
    tell(kept ? { kind: 'ends', slice, result } : { kind: 'lost', slice });
  }

  async #run(
    slice: FleetSlice,
    terms: SliceTerms,
    lease: Lease,
    runSlice: AgentParts['runSlice'],
  ): Promise<SliceRun> {
    try {
      return await runSlice(slice, terms, lease.signal);
    } catch (caught) {
      return { entries: new Map(), endedBy: SyncError.from(caught).toData() };
    }
  }

  async #giveBack(claim: Claim, why: string): Promise<void> {
    this.#parts.tell({ kind: 'gives-back', slice: claim.slice, why });
    await this.#withinPatience(() => claim.release());
  }

  async #fail(claim: Claim, why: string): Promise<void> {
    this.#parts.tell({ kind: 'fails', slice: claim.slice, why });
    await this.#patiently(() => claim.fail(why));
  }

  async #addNextRound(slice: FleetSlice, results: readonly UserResult[]): Promise<void> {
    const users = results.filter(({ outcome }) => outcome === 'again').map(({ user }) => user);
    if (users.length === 0) return;
    const share = users.length / slice.users.length;
    const next: FleetSlice = {
      ...slice,
      // Before this one is finished: should the agent die in between, whoever has the slice next adds the same, which changes
      // nothing, or another one, if other users are left then.
      id: `${slice.id.replace(ROUND, '')}+${slice.round}.${contentOf(users)}`,
      ...{ users, round: slice.round + 1 },
      messages: Math.round(slice.messages * share),
      octets: Math.round(slice.octets * share),
      seconds: Math.round(slice.seconds * share),
    };
    await this.#parts.queue.add([next], this.#options.leaseMs);
  }

  async #termsOf(slice: FleetSlice, notes: FleetTerms): Promise<SliceTerms | 'unknown'> {
    const master = notes.masters.get(slice.master);
    const replica = notes.replicas.get(slice.replica);
    if (master === undefined || replica === undefined) return 'unknown';
    const [, gate] = gatesOf(slice);
    const limit = (await this.#parts.queue.gates([gate]))[0]?.limit;
    const sides = Math.max(1, limit ?? replica.slices);
    const share = (of: number | undefined): number | undefined =>
      of === undefined ? undefined : Math.max(1, Math.floor(of / sides));
    return {
      ...{ master, replica },
      connections: share(replica.connections),
      octetsPerSecond: share(replica.octetsPerSecond),
    };
  }

  /** Says that it lives, and at what it is; whoever waits says so less often than it asks. */
  async #sign(slice: FleetSlice | undefined): Promise<void> {
    const now = Date.now();
    if (slice?.id === this.#signed.slice && now - this.#signed.at < SIGN_EVERY_MS) return;
    this.#signed = { slice: slice?.id, at: now };
    const { name, host, pid, masters } = this.#options;
    const note: AgentNote = {
      ...{ name, host, pid, since: this.#since, seen: now, masters: masters ?? null },
      ...{ slice: slice?.id ?? null, wave: slice?.wave ?? null },
    };
    await this.#parts.queue.note(noteKey('agent', name), note);
  }

  /** Asks until the queue answers. */
  async #patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        const answer = await work();
        if (this.#isAway) this.#parts.tell({ kind: 'queue-back' });
        this.#isAway = false;
        return answer;
      } catch (caught) {
        const error = SyncError.from(caught);
        if (error.code !== 'QUEUE_UNAVAILABLE') throw caught;
        if (!this.#isAway) this.#parts.tell({ kind: 'queue-away', error: error.toData() });
        this.#isAway = true;
        if (this.#signal.aborted) return undefined;
        await this.#pause(MS_PER_SECOND);
      }
    }
  }

  /** Asks once: at the end of an agent a queue that is away finds out by itself. */
  async #withinPatience(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (caught) {
      if (SyncError.from(caught).code !== 'QUEUE_UNAVAILABLE') throw caught;
    }
  }

  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#signal }).catch(() => {
      // The one thing that ends it early is the signal, which is looked at next.
    });
  }
}

/** Renews a claim until it is disposed of; its signal is aborted once the claim is lost, or the agent is to stop. */
class Lease implements AsyncDisposable {
  readonly #ended = new AbortController();
  readonly #lost = new AbortController();
  readonly #renewing: Promise<void>;
  readonly signal: AbortSignal;

  constructor(claim: Claim, leaseMs: number, stop: AbortSignal, sign: () => Promise<void>) {
    this.signal = AbortSignal.any([stop, this.#lost.signal]);
    // Two may get lost before the lease does.
    this.#renewing = this.#renew(claim, leaseMs / 3, sign);
    // Whoever disposes of it is told why; until then nobody else hears of it, and Node would end the process.
    this.#renewing.catch(() => this.#lost.abort());
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  async #renew(claim: Claim, everyMs: number, sign: () => Promise<void>): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        const kept = await claim.renew();
        if (signal.aborted) return;
        if (!kept) {
          this.#lost.abort();
          return;
        }
        await sign();
      } catch (caught) {
        // Whoever cannot be asked gives the slice to nobody else.
        if (SyncError.from(caught).code !== 'QUEUE_UNAVAILABLE') throw caught;
      }
      await wait(everyMs, undefined, { signal }).catch(() => {
        // Looked at next.
      });
    }
  }

  /** @throws whatever kept it from being renewed, where that was not that the queue is away */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#renewing;
  }
}

/** Whoever was retried has all rounds before them again. */
function roundOf({ round, roundsBefore = 0 }: FleetSlice): number {
  return round - roundsBefore;
}

function reasonOf({ code, message }: ErrorData): string {
  return `${code}: ${message}`;
}

function cancelled(user: string): UserResult {
  return { user, outcome: 'cancelled', grade: null, messages: 0, octets: 0, seconds: 0, error: null };
}
