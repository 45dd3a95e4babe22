import { SyncError } from '../../report/sync-error.ts';
import { checkMessage } from '../../store/check-message.ts';
import type { IndexRecord, MailboxMessages, MailboxState } from '../../store/master-store.ts';
import { areTooMany, type LeftOut } from '../compare/left-out.ts';
import { isExpunged } from '../compare/same-record.ts';
import type { MasterSide, Side } from '../compare/was-cleaned-up.ts';
import { type Merge, mergeRecords } from './merge-records.ts';

/** Messages whose files are known to be damaged here. They take no part in a merge. */
export interface KnownDamage {
  /** Damaged messages by UID. */
  leftOut: Map<number, LeftOut>;
  /** A damaged file was met on the way, so all that are to be sent are read before anything else. */
  readAll: boolean;
}

export interface ReadableMerge {
  merge: Merge;
  /** Records that take part in the merge. */
  ours: IndexRecord[];
  leftOut: IndexRecord[];
}

/**
 * The merge of what can be read here. A message that the replica lacks below its LAST_UID may well have been left out before:
 * such are read first, for to renumber one on the master only to find that it cannot be sent would change the master for
 * nothing. What is new above it is mostly sound, and is read when it is sent.
 *
 * @param damage filled in
 * @throws SyncError as `readMessage`, also about one message if there are too many of those
 */
export async function mergeReadable(
  master: Omit<MasterSide, 'records'> & Pick<MailboxState, 'exists' | 'indexVersion'>,
  records: readonly IndexRecord[],
  messages: MailboxMessages,
  replica: Side,
  damage: KnownDamage,
): Promise<ReadableMerge> {
  const readable = (): IndexRecord[] => records.filter(({ uid }) => !damage.leftOut.has(uid));
  let ours = readable();
  let merge = mergeRecords({ ...master, records: ours }, replica);
  const doubtful = merge.replicaNeeds.filter(({ uid }) => damage.readAll || uid <= replica.lastUid);
  if (doubtful.length > 0) {
    const asked = new Set(doubtful.map(({ uid }) => uid));
    const there = new Set(replica.records.map(({ guid }) => guid));
    for (const record of ours) {
      if (!asked.has(record.uid) || there.has(record.guid) || isExpunged(record)) continue;
      const error = await damageOf(messages, record);
      if (!error) continue;
      damage.leftOut.set(record.uid, { record, error });
      if (areTooMany(damage.leftOut.size, master)) throw error.withoutDamage();
    }
    ours = readable();
    merge = mergeRecords({ ...master, records: ours }, replica);
  }
  return { merge, ours, leftOut: records.filter(({ uid }) => damage.leftOut.has(uid)) };
}

async function damageOf(messages: MailboxMessages, record: IndexRecord): Promise<SyncError | undefined> {
  try {
    await checkMessage(messages, record);
    return undefined;
  } catch (caught) {
    if (caught instanceof SyncError && caught.damage) return caught;
    throw caught;
  }
}
