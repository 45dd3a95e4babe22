import type { ByteString } from '../../byte-string.ts';
import type { WireAnnotation } from '../../protocol/replica-session.ts';
import { CREATEDMODSEQ, INTERNALDATE_NSEC, SAVEDATE } from '../../store/mailbox/virtual-annotations.ts';
import { MOST_CHANGES, MOST_SECONDS_AHEAD } from './senseless-jump.ts';

const MOST_NANOSECONDS = 999_999_999;

/**
 * Finds an annotation of a mailbox or a message that carries a counter or a time which no use explains: a server takes fields
 * of its index as annotations, and keeps what it is told.
 *
 * @param highestmodseq of the mailbox here
 * @param nowSeconds since the epoch, by this host's clock
 * @returns undefined if all are within reason
 */
export function senselessAnnotation(
  highestmodseq: number,
  annotations: readonly WireAnnotation[],
  nowSeconds: number,
): { field: string; theirs: ByteString; most: number } | undefined {
  const mostModseq = highestmodseq + MOST_CHANGES;
  const limits = new Map<ByteString, number>([
    [CREATEDMODSEQ, mostModseq],
    [SAVEDATE, Math.floor(nowSeconds) + MOST_SECONDS_AHEAD],
    [INTERNALDATE_NSEC, MOST_NANOSECONDS],
  ]);
  for (const { entry, modseq, value } of annotations) {
    if (modseq > mostModseq) return { field: `MODSEQ of ${entry}`, theirs: String(modseq), most: mostModseq };
    const most = limits.get(entry);
    if (most !== undefined && !isAtMost(value, most)) return { field: entry, theirs: value, most };
  }
  return undefined;
}

function isAtMost(value: ByteString, most: number): boolean {
  return /^\d+$/.test(value) && Number(value) <= most;
}
