import { type ByteString, textFromBytes } from '../byte-string.ts';
import { spellNames } from '../report/name-in-text.ts';
import { isPrintable, printableBytes } from '../report/printable.ts';
import type { SpellMailbox } from '../report/spell-mailbox.ts';
import type { PlanSummary } from './plan-lines.ts';
import type { UserPlan } from './plan-record.ts';

/** A reader of one version understands all that is said in it; fields may be added within a version. */
const VERSION = 1;

/** A plan for programs: names are UTF-8, mailboxes as an administrator types them. */
export function planJson(plans: readonly UserPlan[], summary: PlanSummary, spell: SpellMailbox): object {
  const mailbox = (name: ByteString): string => text(spell(name));
  const users = plans.map((plan) => ({
    ...plan,
    user: plan.user === '' ? null : text(plan.user),
    renames: plan.renames.map(({ from, to }) => ({ from: mailbox(from), to: mailbox(to) })),
    deletes: plan.deletes.map(mailbox),
    removals: plan.removals.map(mailbox),
    conflicts: plan.conflicts.map((merge) => ({
      ...merge,
      mailbox: mailbox(merge.mailbox),
      toMaster: merge.toMaster ?? null,
    })),
    failure: plan.failure
      ? {
          code: plan.failure.code,
          message: text(spellNames(plan.failure.message, spell)),
          mailbox: plan.failure.mailbox === undefined ? null : mailbox(plan.failure.mailbox),
          hint: plan.failure.hint === undefined ? null : spellNames(plan.failure.hint, spell),
        }
      : null,
  }));
  return {
    schema: 'cyrus-sync-plan',
    version: VERSION,
    users,
    totals: summary.totals,
    unprovenPartitions: summary.unprovenPartitions.map(text),
    estimateSeconds: summary.estimateSeconds ?? null,
    complete: summary.complete,
  };
}

function text(bytes: ByteString): string {
  const decoded = textFromBytes(bytes);
  return isPrintable(decoded) ? decoded : printableBytes(bytes);
}
