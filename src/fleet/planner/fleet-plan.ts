import type { FleetSlice } from '../fleet-slice.ts';
import type { Master, Replica } from './inventory.ts';

export const PLAN_SCHEMA = 'cyrus-sync-fleet-plan';
/** Raised by what makes a reader wrong; new fields do not. */
export const PLAN_VERSION = 1;

/** Says who is moved where, in which order: to be reviewed, kept, and started. Plain data. */
export interface FleetPlan {
  schema: typeof PLAN_SCHEMA;
  version: typeof PLAN_VERSION;
  fleet: string;
  masters: readonly Master[];
  replicas: readonly Replica[];
  waves: readonly PlannedWave[];
  /** Who is in no slice, and why. */
  unfit: readonly Unfit[];
  users: number;
  messages: number;
  octets: number;
  /** From the first slice to the last, if there are agents for every place of every gate. */
  seconds: number;
}

export interface PlannedWave {
  name: string;
  users: number;
  messages: number;
  octets: number;
  seconds: number;
  slices: readonly FleetSlice[];
}

export interface Unfit {
  user: string;
  master: string | null;
  reason: UnfitReason;
  /** Says what would help, or where else it is. */
  detail: string;
}

/**
 * `no-wave`: no rule names the user. `no-room`: no replica that the rule names has space left. `unknown`: a list names the user,
 * and no master has it. `twice`: it is in the lists of masters more than once. `too-long`: it takes longer than the hours of a day.
 */
export type UnfitReason = 'no-wave' | 'no-room' | 'unknown' | 'twice' | 'too-long';
