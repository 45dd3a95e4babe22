import type { ByteString } from '../byte-string.ts';
import { reasonWithHint } from '../report/reasons.ts';
import type { SpellMailbox } from '../report/spell-mailbox.ts';
import type { Part, PlanTotals, UserPlan } from './plan-record.ts';

/** A plan as it is shown. */
export interface PlanSummary {
  totals: PlanTotals;
  unprovenPartitions: readonly ByteString[];
  /** undefined: nobody knows the pace. */
  estimateSeconds: number | undefined;
  /** Everybody was found and looked at. */
  complete: boolean;
}

/** The plan for one user: a line, and one for each folder that would be renamed, removed or merged. */
export function userLines(plan: UserPlan, spell: SpellMailbox): ByteString[] {
  const { user, renames, deletes, removals, conflicts, failure } = plan;
  const name = user === '' ? 'shared mailboxes' : user;
  const lines = [`${name}: ${counts({ ...plan, renames: renames.length, ...lengths(plan) }).join(', ')}`];
  for (const { from, to } of renames) lines.push(`  rename ${spell(from)} to ${spell(to)}`);
  for (const each of deletes) lines.push(`  delete ${spell(each)}`);
  for (const each of removals) lines.push(`  remove ${spell(each)} (only the replica has it)`);
  for (const { mailbox, toReplica, toMaster } of conflicts) {
    const back = toMaster === undefined ? '' : `, ${partWords(toMaster)} to this server`;
    lines.push(`  merge ${spell(mailbox)}: ${partWords(toReplica)} to the replica${back}`);
  }
  if (plan.removed) lines.push('  remove what is left of the user');
  if (failure) lines.push(`  would fail: ${reasonWithHint(failure, spell)}`);
  return lines;
}

/** The sum, for people. */
export function summaryLines({
  totals,
  unprovenPartitions,
  estimateSeconds,
  complete,
}: PlanSummary): ByteString[] {
  const { users, usersUnchanged, shared, failures } = totals;
  const busy = users - usersUnchanged;
  const lines = [`${busy} of ${users} users${complete ? '' : ' looked at'}: ${counts(totals).join(', ')}`];
  if (failures > 0) lines.push(`${failures} users would fail`);
  if (totals.octetsAtMost) lines.push('octets are an upper bound: the replica may have some of the messages');
  if (shared.messages > 0) {
    const how = shared.oneIn === 1 ? '' : ` (estimated from one message in ${shared.oneIn})`;
    lines.push(
      `shared by several users: ${shared.messages} messages, ${megabytes(shared.octets)}${how}: sent once for each connection, so that up to this much is saved`,
    );
  }
  for (const partition of unprovenPartitions) {
    lines.push(`partition ${partition}: not proven on the replica (cyrus-sync check --probe finds out)`);
  }
  if (estimateSeconds === undefined) {
    lines.push('time: not known; give --rate, --message-rate, or --rate-from with the report of a run');
  } else {
    lines.push(`time: about ${duration(estimateSeconds)}`);
  }
  return lines;
}

type Counts = Omit<PlanTotals, 'users' | 'usersUnchanged' | 'failures' | 'shared'>;

function lengths({
  deletes,
  removals,
  conflicts,
}: UserPlan): Pick<Counts, 'deletes' | 'removals' | 'conflicts'> {
  return { deletes: deletes.length, removals: removals.length, conflicts: conflicts.length };
}

function counts(plan: Counts): string[] {
  const words = [
    `${plan.messages} messages`,
    `${plan.octetsAtMost ? 'at most ' : ''}${megabytes(plan.octets)}`,
  ];
  const rest: [number, string][] = [
    [plan.changes, 'changed records'],
    [plan.mailboxesMade, 'mailboxes made'],
    [plan.mailboxesChanged, 'mailboxes changed'],
    [plan.renames, 'renames'],
    [plan.deletes, 'mailboxes deleted'],
    [plan.removals, 'mailboxes removed'],
    [plan.conflicts, 'conflicts merged'],
    [plan.subscriptions, 'subscriptions'],
    [plan.seen, 'seen states'],
    [plan.quotas, 'quotas'],
    [plan.scripts, 'script commands'],
    [plan.annotations, 'annotations'],
  ];
  for (const [count, what] of rest) if (count > 0) words.push(`${count} ${what}`);
  return words;
}

function partWords({ records, messages, octets }: Part): string {
  return `${records} records (${messages} messages, ${megabytes(octets)})`;
}

function megabytes(octets: number): string {
  return `${(octets / 1e6).toFixed(octets < 1e7 ? 3 : 1)} MB`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}
