import { createHash } from 'node:crypto';
import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession, WireMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, MailboxMessages } from '../../store/master-store.ts';
import { type LocalMailbox, sameAnnotations } from '../compare/compare-mailbox.ts';
import { mailboxLine, sinceOf } from '../compare/mailbox-line.ts';
import { isExpunged } from '../compare/same-record.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import type { Stage } from '../connection/stage.ts';
import type { Merge, MessageSource } from './merge-records.ts';
import { type ReadMessage, stageSide } from './stage-side.ts';
import { tellMaster } from './tell-master.ts';
import { unlessOvertaken } from './unless-overtaken.ts';

/** Both sides as they were looked at, and what each is to become. */
export interface DecidedMerge {
  local: LocalMailbox & { messages: MailboxMessages };
  remote: ReplicaMailbox;
  merge: Merge;
  /** Records of the master that take part. */
  ours: readonly IndexRecord[];
  theirs: readonly MessageSource[];
}

/**
 * Gives each side of a decided merge what it lacks, as a rule the replica first. What a side needs is staged before it is
 * changed, and what the master needs before the replica, which may remove it at once, is told to expunge.
 *
 * @param master its own server; undefined if it has not to change, or may not
 * @param overtaken the master is written to before the replica is waited for
 * @throws SyncError IMAP_SYNC_CHANGED if either side was changed since it was looked at; MESSAGE_UNREADABLE
 */
export async function applyMerge(
  { session, stage, options }: EngineContext,
  task: MailboxTask,
  { local, remote, merge, ours, theirs }: DecidedMerge,
  master: { session: ReplicaSession; stage: Stage } | undefined,
  overtaken: boolean,
): Promise<void> {
  const line = mergedLine(local, remote, merge, task.partition, options.local);
  const recordOf = new Map(ours.map((record) => [record.uid, record]));
  const readMaster: ReadMessage = async ({ uid }) => {
    const record = recordOf.get(uid);
    if (!record) throw new SyncError('BUG', `no record of message ${uid}`, { mailbox: line.name });
    return await local.messages.readMessage(record);
  };
  const readReplica: ReadMessage = (message) => fetchChecked(session, remote, message);

  const masterLine = { ...line, partition: local.entry.partition, since: sinceOf(local.state), local: true };
  // First, because what the replica is told to expunge it may remove at once.
  using forMaster =
    master &&
    (await stageSide({
      ...master,
      line: masterLine,
      records: merge.toMaster,
      lastUid: local.state.lastUid,
      sources: [
        { messages: merge.masterNeeds, read: readReplica },
        { messages: ours, read: readMaster },
      ],
      tell: (line, records) => tellMaster(master.session, local.state, line, records),
    }));
  const applyToMaster = async (changes: Partial<WireMailbox>): Promise<void> => {
    if (forMaster) await unlessOvertaken(forMaster.apply(changes), ['IMAP_SYNC_CHECKSUM']);
  };
  // What the replica counts by itself, the master can be told only afterwards.
  const masterFirst = overtaken && sameAnnotations(line.annotations, remote.annotations);
  if (masterFirst) await applyToMaster({});
  using forReplica = await stageSide({
    session,
    stage,
    line: { ...line, partition: task.partition, since: sinceOf(remote) },
    records: merge.toReplica,
    lastUid: remote.lastUid,
    sources: [
      { messages: merge.replicaNeeds, read: readMaster },
      { messages: theirs, read: readReplica },
    ],
    // So that they can be restored there as well; elsewhere they are not looked for.
    restorable: {
      messages: ours.filter((record) => isExpunged(record) && !record.unlinked),
      read: readMaster,
    },
    tell: (line, records) => session.applyMailbox(line, records),
  });
  await unlessOvertaken(forReplica.apply(), ['IMAP_SYNC_CHECKSUM']);
  if (!masterFirst) await applyToMaster({ foldermodseq: await foldermodseqNow(session, line, remote) });
}

/** A replica whose mailbox annotations were changed has counted that, past what it was told. */
async function foldermodseqNow(
  session: ReplicaSession,
  line: WireMailbox,
  before: ReplicaMailbox,
): Promise<number> {
  if (sameAnnotations(line.annotations, before.annotations)) return line.foldermodseq;
  const [now] = await session.getMailboxes([line.name]);
  return Math.max(line.foldermodseq, now?.foldermodseq ?? 0);
}

/** The merged mailbox; partition and SINCE are each side's own. Checksums are left out: each side reports its own after. */
function mergedLine(
  local: LocalMailbox,
  remote: ReplicaMailbox,
  merge: Merge,
  partition: ByteString,
  localOnly: boolean,
): WireMailbox {
  const { state } = local;
  const line = mailboxLine(local, remote, { partition, local: localOnly });
  const replicaAhead = remote.highestmodseq > state.highestmodseq;
  const conversations = state.xconvmodseq !== 0 || remote.xconvmodseq !== 0;
  return {
    ...line,
    crcBasic: 0,
    crcAnnotations: undefined,
    lastUid: merge.lastUid,
    highestmodseq: merge.highestmodseq,
    uidvalidity: Math.max(state.uidvalidity, remote.uidvalidity),
    pop3LastLogin: Math.max(state.pop3LastLogin, remote.pop3LastLogin),
    lastAppenddate: Math.max(state.lastAppenddate, remote.lastAppenddate),
    xconvmodseq: conversations ? Math.max(state.xconvmodseq, remote.xconvmodseq, merge.highestmodseq) : 0,
    annotations: replicaAhead ? remote.annotations : [...local.annotations],
  };
}

async function fetchChecked(
  session: ReplicaSession,
  { name, partition, uniqueid }: ReplicaMailbox,
  { guid, size, uid }: MessageSource,
): Promise<Buffer> {
  const fetched = session.fetchMessage({ mailbox: name, partition: partition ?? '', uniqueid, guid, uid });
  const content = await unlessOvertaken(fetched, ['IMAP_MAILBOX_NONEXISTENT']);
  const hash = createHash('sha1').update(content).digest('hex');
  if (hash === guid && content.length === size) return content;
  throw new SyncError(
    'MESSAGE_UNREADABLE',
    `message ${uid} of the replica is not what its record says: SHA-1 ${hash} of ${content.length} octets, expected ${guid} of ${size}`,
    { phase: 'upload', mailbox: name, hint: 'run reconstruct on the mailbox on the replica' },
  );
}
