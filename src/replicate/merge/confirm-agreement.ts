import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, WireMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, LockedMailbox, MailboxState } from '../../store/master-store.ts';
import { type LocalMailbox, sameChecksums } from '../compare/compare-mailbox.ts';
import { mailboxWithout } from '../compare/left-out.ts';
import { mailboxLine, sinceOf } from '../compare/mailbox-line.ts';
import { withUnreadAsThere } from '../compare/with-unread-as-there.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { tellMaster } from './tell-master.ts';
import { isDoubtful, withCountedChecksums } from './with-counted-checksums.ts';

/**
 * Asks both servers for what they have now: agreement is theirs to state, not ours to compute.
 *
 * @param unwritten the master's side as it was merged, if it did not have to be written to: it is what the replica has now,
 *   whatever becomes of the master meanwhile
 * @param highestmodseq what both were told
 * @param leftOut records of the master's that the replica does not have
 * @returns what the replica has, if the master's side was changed again since: then they cannot agree
 */
export async function confirmAgreement(
  context: EngineContext,
  task: MailboxTask,
  { unwritten, highestmodseq }: { unwritten: LocalMailbox | undefined; highestmodseq: number },
  leftOut: readonly IndexRecord[],
): Promise<ReplicaMailbox | undefined> {
  if (unwritten) {
    const [remote] = await context.session.getMailboxes([task.entry.name]);
    if (remote && agree(mailboxWithout(unwritten, leftOut).state, remote)) return undefined;
  }
  const first = await whatDiffers(context, task, leftOut);
  if (first === undefined) return undefined;
  if (first.state.highestmodseq > highestmodseq) return first.remote;
  if ((await recount(context, task, 'replica', leftOut)) === undefined) return undefined;
  const difference = await recount(context, task, 'master', leftOut);
  if (difference === undefined) return undefined;
  const { state, remote } = difference;
  // Somebody may have changed the mailbox again since: the next attempt tells.
  throw new SyncError(
    'IMAP_SYNC_CHANGED',
    `both sides still differ after they were merged: modseq ${state.highestmodseq}, SYNC_CRC ${state.crcBasic}/${state.crcAnnotations} here; ${remote.highestmodseq}, ${remote.crcBasic}/${remote.crcAnnotations} on the replica`,
    {
      phase: 'compare',
      mailbox: task.entry.name,
      hint: 'run again; if it stays so, run reconstruct on the mailbox on both servers',
      retryable: true,
    },
  );
}

interface Difference {
  state: MailboxState;
  remote: ReplicaMailbox;
  /** The line that would bring the replica to the master's state. */
  line: WireMailbox;
  /** On the master. */
  partition: ByteString | undefined;
}

async function whatDiffers(
  context: EngineContext,
  task: MailboxTask,
  leftOut: readonly IndexRecord[],
): Promise<Difference | undefined> {
  const { name } = task.entry;
  const [remote] = await context.session.getMailboxes([name]);
  const local = await context.store.readMailbox(name, (mailbox) =>
    believed(context, mailbox, remote, leftOut),
  );
  if (local === undefined) return undefined;
  if (remote === undefined) {
    throw new SyncError('IMAP_SYNC_CHANGED', 'the mailbox is gone from the replica since it was merged', {
      phase: 'compare',
      mailbox: name,
      retryable: true,
    });
  }
  const { state } = local;
  if (agree(state, remote)) return undefined;
  const line = mailboxLine(local, remote, { partition: task.partition, local: context.options.local });
  return { state, remote, line, partition: local.entry.partition };
}

/** The master's side, whose checksums are counted where its own server may not be made to do that. */
function believed(
  context: EngineContext,
  mailbox: LockedMailbox,
  remote: ReplicaMailbox | undefined,
  leftOut: readonly IndexRecord[],
): LocalMailbox {
  const stored = withUnreadAsThere(mailbox, remote);
  const expected = mailboxWithout(stored, leftOut);
  if (remote === undefined || sameChecksums(expected.state, remote)) return expected;
  return isDoubtful(context, 'crc-differs-at-same-modseq')
    ? mailboxWithout(withCountedChecksums(mailbox, stored, remote), leftOut)
    : expected;
}

function agree(state: MailboxState, remote: ReplicaMailbox): boolean {
  return sameCounters(state, remote) && sameChecksums(state, remote);
}

function sameCounters(state: MailboxState, remote: ReplicaMailbox): boolean {
  return (
    remote.lastUid === state.lastUid &&
    remote.highestmodseq === state.highestmodseq &&
    remote.uidvalidity === state.uidvalidity
  );
}

/**
 * Has one side count its checksums anew, by naming the other side's: a server that finds its stored ones to differ
 * does so by itself, and keeps what it has counted even if it then refuses (protocol 8). Needed because Cyrus
 * 3.6.1 renames the private annotations of a renamed user but not what they add to the stored checksum.
 *
 * @returns what differs after it
 */
async function recount(
  context: EngineContext,
  task: MailboxTask,
  side: 'master' | 'replica',
  leftOut: readonly IndexRecord[],
): Promise<Difference | undefined> {
  const difference = await whatDiffers(context, task, leftOut);
  if (difference === undefined) return undefined;
  const { state, remote, line, partition } = difference;
  if (!sameCounters(state, remote)) return difference;
  const { crcBasic, crcAnnotations } = remote;
  let apply: () => Promise<void>;
  if (side === 'replica') {
    apply = () => context.session.applyMailbox({ ...line, since: sinceOf(remote) }, []);
  } else {
    if (context.master === undefined || context.options.noCopyback) return difference;
    const { session } = await context.master.connect();
    const counted = { ...line, partition, crcBasic, crcAnnotations, since: sinceOf(state), local: true };
    apply = () => tellMaster(session, state, counted, []);
  }
  try {
    await apply();
  } catch (caught) {
    if (SyncError.from(caught).code !== 'IMAP_SYNC_CHECKSUM') throw caught;
  }
  return await whatDiffers(context, task, leftOut);
}
