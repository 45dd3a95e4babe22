import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession, WireRecord } from '../../protocol/replica-session.ts';
import type { IndexRecord, LockedMailbox } from '../../store/master-store.ts';

/** These read whole lists, for comparisons that need both: one mailbox of each side is in memory at a time. */

export function masterRecords(mailbox: LockedMailbox): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages()) for (let i = 0; i < page.count; i++) records.push(page.record(i));
  return records;
}

export async function replicaRecords(
  session: ReplicaSession,
  name: ByteString,
): Promise<{ remote: ReplicaMailbox; records: WireRecord[] }> {
  const records: WireRecord[] = [];
  const remote = await session.getFullMailbox(name, (record) => records.push(record));
  return { remote, records };
}
