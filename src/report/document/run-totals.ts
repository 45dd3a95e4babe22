import type { SyncEvent, WhyNoMore } from '../events.ts';
import { GRADES, type Grade, type SettledStatus } from '../grade.ts';
import { printable } from '../printable.ts';
import type { ReportEntry } from './report-entry.ts';

/** A run in numbers, as far as it has come. */
export interface RunTotals {
  server: string | null;
  mode: 'all' | 'users' | 'mailboxes' | 'meta' | null;
  /** At most. */
  connections: number;
  /** That were up at one time, and why no more; null until the end. */
  connectionsUsed: number | null;
  connectionsWhy: WhyNoMore | null;
  /** Users (and groups of mailboxes) found so far; `allFound`: there are no others. */
  usersFound: number;
  allFound: boolean;
  /** Users and mailboxes that only the replica has were looked for; null: that was not asked for, or not yet done. */
  replicaListed: boolean | null;
  stoppedBy: 'signal' | 'max-errors' | 'max-duration' | 'skip' | null;
  seconds: number;
  users: Record<SettledStatus, number>;
  grades: Record<Grade, number>;
  mailboxesUpdated: number;
  messages: number;
  octets: number;
  attempts: number;
  lockWaits: number;
  damagedMessages: number;
  differences: number;
}

export function noTotals(): RunTotals {
  return {
    server: null,
    mode: null,
    connections: 0,
    connectionsUsed: null,
    connectionsWhy: null,
    usersFound: 0,
    allFound: false,
    replicaListed: null,
    stoppedBy: null,
    seconds: 0,
    users: { replicated: 0, absent: 0, locked: 0, failed: 0, 'not-reached': 0 },
    grades: Object.fromEntries(GRADES.map((grade) => [grade, 0])) as Record<Grade, number>,
    mailboxesUpdated: 0,
    messages: 0,
    octets: 0,
    attempts: 0,
    lockWaits: 0,
    damagedMessages: 0,
    differences: 0,
  };
}

/** The part of an entry that totals are made of. */
export type Countable = Pick<
  ReportEntry,
  'status' | 'grade' | 'mailboxesUpdated' | 'messages' | 'octets' | 'attempts' | 'lockWaits'
> &
  Pick<ReportEntry, 'damagedMessages' | 'differences'>;

/** Adds one user to the totals, or, with -1, takes one back who has another last word now. */
export function addEntry(totals: RunTotals, entry: Countable, sign: 1 | -1 = 1): void {
  totals.users[entry.status] += sign;
  if (entry.grade !== null) totals.grades[entry.grade] += sign;
  totals.mailboxesUpdated += sign * entry.mailboxesUpdated;
  totals.messages += sign * entry.messages;
  totals.octets += sign * entry.octets;
  totals.attempts += sign * entry.attempts;
  totals.lockWaits += sign * entry.lockWaits;
  totals.damagedMessages += sign * entry.damagedMessages;
  totals.differences += sign * entry.differences;
}

/** The totals that events tell of the run as a whole. */
export function noteRun(totals: RunTotals, event: SyncEvent): void {
  if (event.kind === 'run:start') {
    totals.server = printable(event.server);
    totals.mode = event.mode;
    totals.connections = event.connections;
  } else if (event.kind === 'run:discovered') {
    totals.usersFound = event.users;
    totals.allFound = event.complete;
  } else if (event.kind === 'verify:listed') {
    totals.replicaListed = event.listing === 'asked';
  } else if (event.kind === 'run:end') {
    totals.allFound = event.summary.allFound;
    totals.stoppedBy = event.summary.stoppedBy ?? null;
    totals.connectionsUsed = event.summary.connections.most;
    totals.connectionsWhy = event.summary.connections.why;
    totals.seconds = Math.round(event.summary.elapsedMs) / 1_000;
  }
}
