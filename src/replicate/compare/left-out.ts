import type { WireMailbox } from '../../protocol/replica-session.ts';
import type { SyncError } from '../../report/sync-error.ts';
import { basicCrc } from '../../store/mailbox/checksums.ts';
import type { IndexRecord, MailboxState } from '../../store/master-store.ts';
import type { LocalMailbox } from './compare-mailbox.ts';

/**
 * A message that is not sent, because its file here is not what the index says. A server ends at a live record whose
 * message it was not given (protocol 10.3), and what it is told of an expunged one it never forgets, so the record is left
 * out whole: nothing is claimed of it. When its file is back, a merge gives it to the replica under a new UID, as it does
 * with every message that a replica lacks below its LAST_UID; when reconstruct has removed it, there is nothing to do.
 */
export interface LeftOut {
  record: IndexRecord;
  /** Its `damage` says what is wrong with that message alone. */
  error: SyncError;
}

/** So few are damage, however small the mailbox is. */
const FEW = 16;
/** More than one in so many live messages looks like a disk that is not there. */
const ONE_IN = 10;

/** From this index version on every record has annotations, by which a mailbox with messages is told from an empty one. */
const COUNTED_BY_ANNOTATIONS = 13;

/**
 * Tells whether so many files are damaged that the mailbox must not be sent without them: should they be back tomorrow, each of
 * them would get a new UID. Nor where nothing would be left of it and no checksum told that anything is missing: the next
 * run would find both sides to agree.
 */
export function areTooMany(
  leftOut: number,
  { exists = 0, indexVersion }: Pick<MailboxState, 'exists' | 'indexVersion'>,
): boolean {
  if (leftOut >= exists && indexVersion < COUNTED_BY_ANNOTATIONS) return true;
  return leftOut > FEW && leftOut * ONE_IN > exists;
}

/**
 * The checksums that the replica has when these are left out. That of annotations is not told, since releases differ in how
 * they count them; 0 stays what it is, "not known".
 */
export function lineWithout(line: WireMailbox, records: readonly IndexRecord[]): WireMailbox {
  if (records.length === 0) return line;
  const crcBasic = line.crcBasic === 0 ? 0 : (line.crcBasic ^ basicCrc(records)) >>> 0;
  return { ...line, crcBasic, crcAnnotations: undefined };
}

/** The master's side as the replica is to have it. */
export function mailboxWithout<Mailbox extends LocalMailbox>(
  local: Mailbox,
  records: readonly IndexRecord[],
): Mailbox {
  if (records.length === 0) return local;
  const { crcBasic } = local.state;
  const state: MailboxState = {
    ...local.state,
    crcBasic: crcBasic === 0 ? 0 : (crcBasic ^ basicCrc(records)) >>> 0,
    crcAnnotations: 0,
  };
  return { ...local, state };
}
