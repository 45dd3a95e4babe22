import type { ByteString } from '../byte-string.ts';
import { type EngineContext, type Fault, forgetQuotaRoots, mendMailbox } from '../replicate/engine.ts';
import type { Difference, DifferenceKind } from '../report/difference.ts';
import { SyncError } from '../report/sync-error.ts';
import type { VerifyParts } from './judge.ts';

/** Kinds of one message that a replica takes a correction of. */
const CORRECTABLE: ReadonlySet<DifferenceKind> = new Set<DifferenceKind>([
  ...(['flags', 'internaldate', 'modseq', 'last-updated', 'message-annotation'] as const),
]);

/**
 * Mends mailboxes of which only single messages differ, and quota roots: what a run compares is equal there, so that it finds
 * nothing to do. A mailbox that must not be mended is told, with the reason.
 *
 * @returns whether anything was changed on the replica, which a run then has to bring in line
 */
export async function mend({ context }: VerifyParts, differences: readonly Difference[]): Promise<boolean> {
  const isOfRoots = ({ kind }: Difference): boolean => kind === 'quota-root';
  let mended = await mendQuotaRoots(context, differences.filter(isOfRoots));
  for (const [name, found] of byMailbox(differences.filter((each) => !isOfRoots(each)))) {
    const entry = context.store.lookup(name);
    if (!entry || !found.every(({ uid }) => uid !== undefined)) continue;
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

/** @returns whether there were any */
async function mendQuotaRoots(context: EngineContext, differences: readonly Difference[]): Promise<boolean> {
  const roots = new Set<ByteString>();
  for (const { master, replica } of differences) {
    if (master !== undefined) roots.add(String(master));
    if (replica !== undefined) roots.add(String(replica));
  }
  const [first] = differences;
  if (first) await forgetQuotaRoots(context, first.user, roots);
  return first !== undefined;
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
