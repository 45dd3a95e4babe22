import type { WhyNoMore } from '../../report/events.ts';
import type { LagView } from './lag.ts';
import type { Rate } from './rate.ts';
import type { Standing } from './standing.ts';

/** Everything that can be told of a run at one moment, as plain data: status, metrics, page and display are made of it. */
export interface RunView {
  standing: Standing;
  server: string;
  /** null = the default one. */
  channel: string | null;
  /** null: not known yet. */
  mode: RunMode | null;
  elapsedMs: number;
  users: UserCounts;
  messages: number;
  octets: number;
  /** In a second lately. */
  rateNow: Rate;
  /** In a second, from the beginning on. */
  rateAverage: Rate;
  /** The part of the work that is done, from 0 to 1; null where there is no end of it. */
  done: number | null;
  /** By octets and messages; null: cannot be told yet. */
  octetsLeft: number | null;
  secondsLeft: number | null;
  connections: ConnectionView[];
  /** How many there may be, and why no more. */
  connectionsMost: { most: number; why: WhyNoMore } | null;
  /** The latest first. */
  failures: FailureView[];
  retriesByCode: Record<string, number>;
  lockWaits: number;
  steering: SteeringView;
  /** null: not in rolling mode. */
  rolling: RollingView | null;
}

export type RunMode = 'all' | 'users' | 'mailboxes' | 'meta' | 'rolling';

/** Users, and groups of mailboxes; in rolling mode `done` and `failed` count pieces of work. */
export interface UserCounts {
  found: number;
  /** There are no others. */
  allFound: boolean;
  waiting: number;
  running: number;
  waitingForLock: number;
  waitingToRetry: number;
  done: number;
  absent: number;
  locked: number;
  failed: number;
  notReached: number;
  /** Without a last word. */
  left: number;
}

export interface ConnectionView {
  connection: string;
  standing: Standing;
  work: UserView[];
}

export interface UserView {
  /** The users, or the group of mailboxes, in words. */
  user: string;
  standing: Standing;
  /** In this state. */
  forMs: number;
  connection: string | null;
  messages: number;
  octets: number;
}

export interface FailureView {
  user: string;
  code: string;
  message: string;
  hint: string | null;
  agoMs: number;
}

export interface SteeringView {
  /** As asked for while it runs; null = as at the start. */
  connections: number | 'auto' | null;
  /** Octets a second. */
  bwlimit: number | null;
  pauses: string[];
  skipped: string[];
}

export interface RollingView {
  linesTaken: number;
  badLines: number;
  /** As of the last report of the daemon; null before the first. */
  backlog: {
    lines: number;
    oldestSeconds: number | null;
    inFlight: number;
    waiting: number;
    locked: number;
    link: 'up' | 'down';
    agoMs: number;
  } | null;
  /** Milliseconds since the epoch. */
  lastSuccess: number | null;
  lag: LagView;
  quarantined: { user: string; failures: number; code: string; message: string }[];
}
