import type { ByteString } from '../byte-string.ts';
import type { ErrorData } from '../report/sync-error.ts';
import { SharedMail, type SharedMailCount } from './shared-mail.ts';

/** The work that a run would do for one user; '' as the user: shared mailboxes. */
export interface UserPlan {
  user: ByteString;
  /** New on the replica, whether they are sent or found there. */
  messages: number;
  /** Octets of messages that the replica lacks. */
  octets: number;
  /** Some of these may be there: finding out would have changed something, or taken too long. */
  octetsAtMost: boolean;
  /** Records of messages that the replica has, sent because of flags and the like. */
  changes: number;
  mailboxesMade: number;
  mailboxesChanged: number;
  renames: { from: ByteString; to: ByteString }[];
  /** Deleted here. */
  deletes: ByteString[];
  /** In the way of -O: nothing proves that they were deleted here. */
  removals: ByteString[];
  conflicts: PlannedMerge[];
  /** Commands for what a user has besides mail. */
  subscriptions: number;
  seen: number;
  quotas: number;
  scripts: number;
  annotations: number;
  /** Everything of the user besides mail is removed. */
  removed: boolean;
  /** Why a run would not do all of it. */
  failure: ErrorData | undefined;
}

/** A mailbox that has changed on both sides. */
export interface PlannedMerge {
  mailbox: ByteString;
  toReplica: Part;
  /** undefined: the master is not written to. */
  toMaster: Part | undefined;
}

/** The share of one side in a merge. */
export interface Part {
  records: number;
  /** Records whose messages the side does not have. */
  messages: number;
  octets: number;
}

export interface PlanTotals
  extends Omit<UserPlan, 'user' | 'renames' | 'deletes' | 'removals' | 'conflicts' | 'removed' | 'failure'> {
  users: number;
  /** For whom nothing would be done. */
  usersUnchanged: number;
  renames: number;
  deletes: number;
  removals: number;
  conflicts: number;
  failures: number;
  shared: SharedMailCount;
}

/** Collects what is planned, user by user. */
export class PlanRecord {
  readonly #users = new Map<ByteString, UserPlan>();
  readonly shared = new SharedMail();
  /** Partitions on which the replica has shown no mailbox yet. */
  readonly unprovenPartitions = new Set<ByteString>();

  user(userid: ByteString): UserPlan {
    let plan = this.#users.get(userid);
    if (!plan) {
      plan = nothingFor(userid);
      this.#users.set(userid, plan);
    }
    return plan;
  }

  message(plan: UserPlan, guid: string, octets: number): void {
    plan.octets += octets;
    this.shared.add(plan.user, guid, octets);
  }

  /** Those for whom something would be done, in the order in which their turn came. */
  get plans(): UserPlan[] {
    return [...this.#users.values()].filter((plan) => !isNothing(plan));
  }

  get totals(): PlanTotals {
    const { user: _user, removed: _removed, failure: _failure, ...nothing } = nothingFor('');
    const totals: PlanTotals = {
      ...nothing,
      renames: 0,
      deletes: 0,
      removals: 0,
      conflicts: 0,
      users: this.#users.size,
      usersUnchanged: 0,
      failures: 0,
      shared: this.shared.count,
    };
    for (const plan of this.#users.values()) {
      if (isNothing(plan)) totals.usersUnchanged += 1;
      for (const key of COUNTED) totals[key] += plan[key];
      for (const key of LISTED) totals[key] += plan[key].length;
      totals.octetsAtMost ||= plan.octetsAtMost;
      if (plan.failure) totals.failures += 1;
    }
    return totals;
  }
}

const COUNTED = [
  'messages',
  'octets',
  'changes',
  'mailboxesMade',
  'mailboxesChanged',
  'subscriptions',
  'seen',
  'quotas',
  'scripts',
  'annotations',
] as const;
const LISTED = ['renames', 'deletes', 'removals', 'conflicts'] as const;

function nothingFor(user: ByteString): UserPlan {
  return {
    user,
    messages: 0,
    octets: 0,
    octetsAtMost: false,
    changes: 0,
    mailboxesMade: 0,
    mailboxesChanged: 0,
    renames: [],
    deletes: [],
    removals: [],
    conflicts: [],
    subscriptions: 0,
    seen: 0,
    quotas: 0,
    scripts: 0,
    annotations: 0,
    removed: false,
    failure: undefined,
  };
}

function isNothing(plan: UserPlan): boolean {
  return (
    COUNTED.every((key) => plan[key] === 0) &&
    LISTED.every((key) => plan[key].length === 0) &&
    !plan.removed &&
    plan.failure === undefined
  );
}
