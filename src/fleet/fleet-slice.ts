/**
 * The door of `fleet`. Here users are moved between many masters and many replicas: a plan cuts them into slices, a queue hands
 * these out, agents take them, and the state of the fleet is told from what they leave there. It knows reports and grades;
 * how one slice is replicated is given to it as a function, so that it touches neither mail nor connections. It promises that a
 * wave is called done only when all its users are proven identical.
 */

import type { EntryError } from '../report/document/report-entry.ts';
import type { Grade } from '../report/grade.ts';

/** Users of one master for one replica that an agent takes together: one run, verified. Plain data. */
export interface FleetSlice {
  /** The only one in its fleet; `contentOf` its users is a part of that. */
  id: string;
  wave: string;
  master: string;
  replica: string;
  users: readonly string[];
  /** From 1; users whom a slice leaves undone come again in one of the next round. */
  round: number;
  /** Rounds before the operator had them come again: those that count are after it. None: all do. */
  roundsBefore?: number;
  /** Estimates of the plan. */
  messages: number;
  octets: number;
  seconds: number;
}

export interface SliceResult {
  agent: string;
  /** Milliseconds since the epoch. */
  began: number;
  ended: number;
  users: readonly UserResult[];
}

/** A user after a slice. */
export interface UserResult {
  user: string;
  outcome: Outcome;
  grade: Grade | null;
  messages: number;
  octets: number;
  seconds: number;
  error: Pick<EntryError, 'code' | 'message' | 'hint' | 'mailbox'> | null;
}

/**
 * `proven`: compared after the work, and identical. `again`: comes again in the next round. `needs-person`: another
 * attempt would end as this one. `cancelled`: taken out by the operator before it was begun.
 */
export type Outcome = 'proven' | 'again' | 'needs-person' | 'cancelled';
