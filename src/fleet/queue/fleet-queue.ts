/**
 * The door of `fleet/queue`. Here is the queue of a fleet, as the rest of the room knows it: slices are added, claimed under a
 * lease, and end as done or as failed. Behind it stands a database that others keep: LMDB on one host, Redis or PostgreSQL
 * under BullMQ between several. It may talk to that database and knows nothing of mail. It promises, and
 * `test/unit/fleet/queue-contract.ts` holds each engine to it: a slice has one holder at a time as far as leases tell, no gate
 * lets in more than its limit, what was acknowledged outlives every process, and a slice that kills its agents ends as failed.
 */

import type { FleetSlice, SliceResult } from '../fleet-slice.ts';

export interface FleetQueue extends AsyncDisposable {
  /** As an operator may read it: no password is in it. */
  readonly address: string;

  /**
   * Adds those whose id is not there yet, behind what waits already.
   *
   * @param afterMs not to be claimed before so long has passed
   * @returns how many were new
   */
  add(slices: readonly FleetSlice[], afterMs?: number): Promise<number>;

  /** @returns the first slice of one of the pairings that may be begun; undefined if there is none now */
  claim(pairings: readonly Pairing[], agent: string): Promise<Claim | undefined>;

  /** Every slice that was ever added, and how it stands. */
  slices(): Promise<SliceRecord[]>;

  /** @returns how many slices of the pairings wait or are under way */
  left(pairings: readonly Pairing[]): Promise<number>;

  /** @param names left out: all of them */
  gates(names?: readonly GateName[]): Promise<Gate[]>;
  /** So many slices at a time from now on; those that are held stay. */
  limit(gate: GateName, most: number): Promise<void>;
  pause(gate: GateName): Promise<void>;
  resume(gate: GateName): Promise<void>;

  /** Keeps a small value for all who know the fleet, over what had the key before. @param key KIND/NAME */
  note(key: string, value: unknown): Promise<void>;
  /** @returns the value of that key; undefined: there is none */
  noted(key: string): Promise<unknown>;
  /** @param prefix a whole kind, and maybe more: whoever asks for one pays nothing for the others */
  notes(prefix: string): Promise<Map<string, unknown>>;
  forget(key: string): Promise<void>;
}

/** Slices of one master for one replica. */
export interface Pairing {
  master: string;
  replica: string;
}

/** A slice passes the gates of its master and of its replica, and holds one place of each while it is claimed. */
export type GateName = `master/${string}` | `replica/${string}`;

export interface Gate {
  name: GateName;
  limit: number;
  paused: boolean;
  held: number;
}

/** A slice that an agent holds. All of it answers false once the lease has gone to nobody or to somebody else. */
export interface Claim {
  readonly slice: FleetSlice;
  /** From 1. */
  readonly attempt: number;
  /** Holds on to it for another lease. */
  renew(): Promise<boolean>;
  /** It is done, for good. */
  finish(result: SliceResult): Promise<boolean>;
  /** It could not be done: it waits for another attempt, or is failed after the last. */
  fail(reason: string): Promise<boolean>;
  /** Gives it back as if it had never been claimed. */
  release(): Promise<boolean>;
}

export type SliceState = 'waiting' | 'active' | 'done' | 'failed';

export interface SliceRecord {
  slice: FleetSlice;
  state: SliceState;
  /** Who has it, or had it last. */
  agent: string | undefined;
  result: SliceResult | undefined;
  /** Why it failed. */
  reason: string | undefined;
}

export interface QueueRules {
  /** Milliseconds after which a slice that is not renewed goes to somebody else. */
  leaseMs: number;
  /** A slice that could not be done so often is failed. */
  attempts: number;
  /** Milliseconds between two of them. */
  retryMs: number;
  /** A slice whose agents were lost more often than that is failed: it may be what kills them. */
  losses: number;
  /** Milliseconds after which a server that does not answer is taken not to. */
  patienceMs: number;
}

/** `make`: what is not there is made. `find`: nothing is left behind where there is none. */
export type Opening = 'make' | 'find';

export const DEFAULT_RULES: QueueRules = {
  // Longer than any pause of a live process, and short enough for a slice of an agent that died to start again soon.
  leaseMs: 30_000,
  attempts: 5,
  retryMs: 60_000,
  losses: 3,
  // A server that is flushing its disk answers sooner.
  patienceMs: 10_000,
};

/** Told of a slice whose agents were lost too often. */
export const LOST_TOO_OFTEN = 'its agents were lost too often';

export function gatesOf({ master, replica }: Pairing): [GateName, GateName] {
  return [`master/${master}`, `replica/${replica}`];
}
