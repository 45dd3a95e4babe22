import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession, WireMailbox, WireRecord } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import { basicCrc } from '../store/mailbox/checksums.ts';
import type { Part, PlanRecord, UserPlan } from './plan-record.ts';
import type { PlannedMailbox, PlannedReplica } from './planned-replica.ts';

/**
 * A mailbox with more UIDs is not read whole to see whether the replica would find its checksum right: a second or so on
 * the replica, and as much memory here as a merge of it takes.
 */
const MOST_UIDS_COUNTED = 20_000;

/** The state of a GUID on the stage: found on the replica, or sent, and for whom. */
export type Staged = { found: true } | { found: false; sentFor: ByteString | undefined };

interface MailboxCommand {
  session: Pick<ReplicaSession, 'getFullMailbox'>;
  replica: PlannedReplica;
  record: PlanRecord;
  user: UserPlan;
  staged: Map<string, Staged>;
  line: WireMailbox;
  records: Iterable<WireRecord>;
}

/**
 * MAILBOX as it would be taken.
 *
 * @throws SyncError IMAP_SYNC_CHECKSUM (family `refused`) as the replica would, having taken the records all the same
 *   (protocol 8)
 */
export async function planMailbox(command: MailboxCommand): Promise<void> {
  const { replica, user, line } = command;
  const records = [...command.records];
  const before = replica.find(line.name);
  const isOther = before !== undefined && before.mailbox.uniqueid !== line.uniqueid;
  // One that was never used gives way to a mailbox of its name that has another uniqueid.
  if (isOther) replica.remove(line.name);
  const standing = isOther ? undefined : before;
  if (line.intermediate) {
    replica.put({ mailbox: stateAfter(line), nameNow: standing?.nameNow });
    return;
  }
  const part = countRecords(command, records, standing?.mailbox.lastUid ?? 0);
  user.messages += part.messages;
  user.changes += part.records - part.messages;
  replica.count(line.name, standing === undefined, part, user);

  const merged = await mergedRecords(command, records, standing);
  const mailbox = stateAfter(line);
  if (merged === undefined) {
    replica.put({ mailbox, nameNow: standing?.nameNow });
    return;
  }
  const crcBasic = basicCrc(merged.values());
  const isTaken = crcBasic === line.crcBasic;
  const known = isTaken ? undefined : merged;
  replica.put({ mailbox: { ...mailbox, crcBasic }, nameNow: standing?.nameNow, records: known });
  if (isTaken) return;
  throw new SyncError('IMAP_SYNC_CHECKSUM', 'Checksum Failure (as the replica would find)', {
    family: 'refused',
    phase: 'apply',
    mailbox: line.name,
  });
}

function countRecords(
  { record, user, staged }: MailboxCommand,
  records: readonly WireRecord[],
  lastUid: number,
): Part {
  const part: Part = { records: records.length, messages: 0, octets: 0 };
  for (const { uid, guid, size } of records) {
    const found = uid > lastUid ? staged.get(guid) : undefined;
    if (found === undefined) continue;
    part.messages += 1;
    // Once for each user: whether another's copy is on the stage of the same connection is not to be known before.
    if (found.found || found.sentFor === user.user) continue;
    found.sentFor = user.user;
    part.octets += size;
    record.message(user, guid, size);
  }
  return part;
}

/**
 * All records as the replica would have them, where they decide whether it takes the line: messages change that it has
 * already, and how they were there the numbers do not tell. undefined: they do not decide, or cannot be had.
 */
async function mergedRecords(
  { session, line }: MailboxCommand,
  records: readonly WireRecord[],
  standing: PlannedMailbox | undefined,
): Promise<ReadonlyMap<number, WireRecord> | undefined> {
  if (standing?.nameNow === undefined || line.crcBasic === 0 || line.since === undefined) return undefined;
  const { lastUid, crcBasic } = standing.mailbox;
  if (!records.some(({ uid }) => uid <= lastUid) || lastUid > MOST_UIDS_COUNTED) return undefined;
  const merged = new Map<number, WireRecord>();
  if (standing.records) for (const record of standing.records.values()) merged.set(record.uid, record);
  else await session.getFullMailbox(standing.nameNow, (record) => merged.set(record.uid, record));
  // Counted in another way than its server counts, a checksum says nothing.
  if (crcBasic !== 0 && basicCrc(merged.values()) !== crcBasic) return undefined;
  for (const record of records) {
    // What is newer there stays.
    if ((merged.get(record.uid)?.modseq ?? 0) <= record.modseq) merged.set(record.uid, record);
  }
  return new Map([...merged].sort(([a], [b]) => a - b));
}

function stateAfter(line: WireMailbox): ReplicaMailbox {
  const { since: _since, intermediate: _intermediate, local: _local, ...mailbox } = line;
  // Nobody has counted them, and 0 matches anything.
  return { ...mailbox, crcBasic: 0, crcAnnotations: 0 };
}
