import type { ByteString } from '../byte-string.ts';
import { type Fault, mendMailbox } from '../replicate/engine.ts';
import type { Difference, DifferenceKind } from '../report/difference.ts';
import { SyncError } from '../report/sync-error.ts';
import type { VerifyParts } from './verify-job.ts';

/** Kinds of one message that a replica takes a correction of. */
const CORRECTABLE: ReadonlySet<DifferenceKind> = new Set<DifferenceKind>([
  ...(['flags', 'internaldate', 'modseq', 'last-updated', 'message-annotation'] as const),
]);

/**
 * Mends mailboxes of which only single messages differ: what a run compares is equal there, so that it finds nothing to do.
 * One that must not be mended is told, with the reason.
 *
 * @returns whether anything was changed on the replica, which a run then has to bring in line
 */
export async function mend({ context }: VerifyParts, differences: readonly Difference[]): Promise<boolean> {
  let mended = false;
  for (const [name, found] of byMailbox(differences)) {
    const entry = context.store.lookup(name);
    if (!entry || found.some(({ uid }) => uid === undefined)) continue;
    try {
      await mendMailbox(context, entry, faultOf(found));
      mended = true;
    } catch (caught) {
      const error = SyncError.from(caught);
      if (error.family === 'link' || error.retryable) throw error;
      context.emit({ kind: 'verify:unmended', user: entry.userid ?? '', name, error: error.toData() });
    }
  }
  return mended;
}

function byMailbox(differences: readonly Difference[]): Map<ByteString, Difference[]> {
  const mailboxes = new Map<ByteString, Difference[]>();
  for (const difference of differences) {
    if (difference.mailbox === undefined) continue;
    const known = mailboxes.get(difference.mailbox);
    if (known) known.push(difference);
    else mailboxes.set(difference.mailbox, [difference]);
  }
  return mailboxes;
}

function faultOf(differences: readonly Difference[]): Fault {
  if (!differences.every(({ kind }) => CORRECTABLE.has(kind))) return {};
  return { records: new Set(differences.map(({ uid = 0 }) => uid)) };
}
