import type { ByteString } from '../../byte-string.ts';
import type { WireRecord } from '../../protocol/replica-session.ts';

export function isExpunged(record: WireRecord): boolean {
  return record.flags.includes('\\Expunged');
}

/** Tells whether two records of one message say the same, but for its size. */
export function sameRecord(a: WireRecord, b: WireRecord): boolean {
  return (
    a.modseq === b.modseq &&
    a.lastUpdated === b.lastUpdated &&
    a.internaldate === b.internaldate &&
    sameSet(a.flags, b.flags) &&
    a.annotations.length === b.annotations.length &&
    a.annotations.every((one, i) => {
      const other = b.annotations[i];
      return one.entry === other?.entry && one.userid === other.userid && one.value === other.value;
    })
  );
}

/** User flags come in the order of each side's own flag table. */
function sameSet(a: readonly ByteString[], b: readonly ByteString[]): boolean {
  const there = new Set(b.map((flag) => flag.toLowerCase()));
  return a.length === b.length && a.every((flag) => there.has(flag.toLowerCase()));
}
