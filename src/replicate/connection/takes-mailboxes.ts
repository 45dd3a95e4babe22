import { createHash } from 'node:crypto';
import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSession, WireMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import { emptyMailbox } from '../compare/mailbox-line.ts';

/** Characters of a uniqueid that Cyrus makes, and of a digest that is short enough for a name. */
const UNIQUEID_LENGTH = 24;
const DIGEST_LENGTH = 12;

export type ProbedSession = Pick<ReplicaSession, 'applyMailbox' | 'applyUnmailbox'>;

/**
 * Finds out whether the replica can put a mailbox on a partition, by making one that nobody can have anything against:
 * empty, in the namespace of deleted mailboxes, readable by nobody, and removed again. Its name is derived from the
 * partition's, so that clients that try at the same time do not take one partition for another.
 *
 * @throws SyncError if the link breaks
 */
export async function takesMailboxes(session: ProbedSession, partition: ByteString): Promise<boolean> {
  const line = probeLine(partition);
  if (!(await accepted(session.applyMailbox(line, [])))) return false;
  // Somebody else's probe of the same partition may have removed it already.
  await accepted(session.applyUnmailbox(line.name, true));
  return true;
}

function probeLine(partition: ByteString): WireMailbox {
  const digest = createHash('sha256').update(partition, 'latin1').digest('hex');
  return emptyMailbox({
    // The last component is the time of deletion: long ago, should it ever be left to cyr_expire.
    name: `DELETED.user.cyrus-sync-probe.${digest.slice(0, DIGEST_LENGTH)}.10000000`,
    uniqueid: digest.slice(-UNIQUEID_LENGTH),
    partition,
  });
}

async function accepted(command: Promise<void>): Promise<boolean> {
  try {
    await command;
    return true;
  } catch (caught) {
    if (SyncError.from(caught).family !== 'refused') throw caught;
    return false;
  }
}
