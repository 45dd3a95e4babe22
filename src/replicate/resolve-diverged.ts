import { createHash } from 'node:crypto';
import type { ByteString } from '../byte-string.ts';
import type {
  MessageUpload,
  ReplicaMailbox,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { IndexRecord, MailboxState, MessageContent } from '../store/master-store.ts';
import { type DivergedReason, type LocalMailbox, sameAnnotations, sameChecksums } from './compare-mailbox.ts';
import type { EngineContext } from './engine.ts';
import { mailboxLine } from './mailbox-line.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { decisionNotices, divergedNotice } from './merge-notices.ts';
import { type Merge, type MessageSource, mergeRecords } from './merge-records.ts';
import type { Stage } from './stage.ts';

/** Both sides may be written to while the merge is under way: look again, but not for ever. */
const ATTEMPTS = 4;

/**
 * Brings a mailbox that has diverged to agreement: both record lists are merged by the decision table, then each side
 * gets what it lacks as an ordinary forward delta, the replica first, the master through its own server.
 *
 * Safe to interrupt anywhere: a message is on a side before the record that names it, nothing is removed before its
 * replacement is there, and the merge recognises what an earlier attempt has done. A change made by someone else in
 * between is noticed by SINCE on either side and makes it start over.
 *
 * @throws SyncError CONFLICT if the master would have to be written to and may not be, or if both sides still differ
 */
export async function resolveDiverged(
  context: EngineContext,
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
): Promise<void> {
  context.emit(divergedNotice(task.entry.name, reason, detail));
  for (let attempt = 1; ; attempt++) {
    try {
      return await mergeOnce(context, task, reason, detail);
    } catch (caught) {
      const error = SyncError.from(caught);
      if (error.code !== 'IMAP_SYNC_CHANGED' || attempt === ATTEMPTS) throw error;
    }
  }
}

async function mergeOnce(
  context: EngineContext,
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
): Promise<void> {
  const { session, stage, options } = context;
  const { name } = task.entry;
  context.emit({ kind: 'command:fullmailbox', name });
  const theirs: WireRecord[] = [];
  const remote = await session.getFullMailbox(name, (record) => theirs.push(record));

  using mailbox = await context.store.openMailbox(name);
  if (mailbox === undefined) return;
  const ours: IndexRecord[] = [];
  for (const page of mailbox.pages()) for (let i = 0; i < page.count; i++) ours.push(page.record(i));
  mailbox.releaseIndex();
  task.onState(mailbox.state);

  const merge = mergeRecords(
    { ...mailbox.state, records: ours },
    { lastUid: remote.lastUid, highestmodseq: remote.highestmodseq, deletedmodseq: 0, records: theirs },
  );
  const masterChanges = mustWriteMaster(merge, mailbox.state, remote);
  const mayWrite = !options.noCopyback && context.master !== undefined;
  if (masterChanges && !mayWrite) throw leftAlone(task, reason, detail, options.noCopyback);
  // A counter that a move from another user's namespace leaves behind: no mail depends on it.
  const counterBehind = mailbox.state.xconvmodseq !== 0 && remote.xconvmodseq > mailbox.state.xconvmodseq;
  // Before anything is changed anywhere: half a merge would have to be finished by somebody.
  const master = (masterChanges || counterBehind) && mayWrite ? await context.master?.connect() : undefined;
  for (const decision of merge.decided) {
    for (const notice of decisionNotices(name, decision)) context.emit(notice);
  }

  const line = mergedLine(mailbox, remote, merge, task.partition, options.local);
  const readMaster = (message: MessageSource): Promise<MessageContent | undefined> =>
    mailbox.readMessage(recordOf(ours, message.uid));
  const readReplica = (message: MessageSource): Promise<Buffer> => fetchChecked(session, remote, message);

  await applySide({
    session,
    stage,
    line: { ...line, partition: task.partition, since: sinceOf(remote) },
    records: merge.toReplica,
    lastUid: remote.lastUid,
    sources: [
      { messages: merge.replicaNeeds, read: readMaster },
      { messages: theirs, read: readReplica },
    ],
  });
  if (master) {
    const foldermodseq = await foldermodseqNow(session, line, remote);
    await applySide({
      ...master,
      line: {
        ...line,
        foldermodseq,
        partition: mailbox.entry.partition,
        since: sinceOf(mailbox.state),
        local: true,
      },
      records: merge.toMaster,
      lastUid: mailbox.state.lastUid,
      sources: [
        { messages: merge.masterNeeds, read: readReplica },
        { messages: ours, read: readMaster },
      ],
    });
  }
  await confirm(context, task);
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

/** A side that only has to be told what it is already is not written to. */
function mustWriteMaster(merge: Merge, state: MailboxState, remote: ReplicaMailbox): boolean {
  return (
    merge.toMaster.length > 0 ||
    merge.lastUid !== state.lastUid ||
    merge.highestmodseq !== state.highestmodseq ||
    remote.uidvalidity > state.uidvalidity
  );
}

function leftAlone(
  task: MailboxTask,
  reason: DivergedReason,
  detail: string,
  noCopyback: boolean,
): SyncError {
  if (noCopyback) {
    return new SyncError('IMAP_SYNC_CHECKSUM', `the replica has diverged (${reason}): ${detail}`, {
      family: 'refused',
      phase: 'compare',
      mailbox: task.entry.name,
      hint: 'with -O the master is never changed; run without -O to have both sides merged',
    });
  }
  return new SyncError('CONFLICT', `the replica has diverged (${reason}): ${detail}`, {
    phase: 'compare',
    mailbox: task.entry.name,
    hint: `${untouched(reason)}; allow a server for the master in the settings (master = private) and run again to have both sides merged`,
  });
}

/** A replica that compares checksums does so last, with the change already made (protocol section 8). */
function untouched(reason: DivergedReason): string {
  return reason === 'checksum-refused'
    ? 'the master was not changed, the replica has only taken what is newer here'
    : 'nothing was changed on either side';
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

interface SideWork {
  session: ReplicaSession;
  stage: Stage;
  line: WireMailbox;
  records: readonly WireRecord[];
  lastUid: number;
  /** Where the octets of a message are, by GUID, in order of preference. */
  sources: {
    messages: readonly MessageSource[];
    read: (message: MessageSource) => Promise<MessageContent | undefined>;
  }[];
}

async function applySide(work: SideWork): Promise<void> {
  const { session, stage, line, records } = work;
  using _hold = await stage.hold();
  const needed = new Set(
    records
      .filter((record) => record.uid > work.lastUid && !record.flags.includes('\\Expunged'))
      .map((record) => record.guid),
  );
  if (needed.size > 0) {
    const partition = line.partition ?? '';
    const missing = await session.applyReserve(partition, [line.name], [...needed]);
    for (const guid of missing) {
      await session.window();
      await session.applyMessages([await findMessage(work, partition, guid)]);
    }
    stage.add(partition, [...needed]);
  }
  await session.applyMailbox(line, records);
}

async function findMessage(work: SideWork, partition: ByteString, guid: string): Promise<MessageUpload> {
  for (const { messages, read } of work.sources) {
    const message = messages.find((one) => one.guid === guid);
    if (!message) continue;
    const content = await read(message);
    if (content !== undefined) return { partition, guid, size: message.size, content };
  }
  throw new SyncError('BUG', `a merged message has no source: ${guid}`, { mailbox: work.line.name });
}

async function fetchChecked(
  session: ReplicaSession,
  { name, partition, uniqueid }: ReplicaMailbox,
  { guid, size, uid }: MessageSource,
): Promise<Buffer> {
  const content = await session.fetchMessage({
    mailbox: name,
    partition: partition ?? '',
    uniqueid,
    guid,
    uid,
  });
  const hash = createHash('sha1').update(content).digest('hex');
  if (hash === guid && content.length === size) return content;
  throw new SyncError(
    'MESSAGE_UNREADABLE',
    `message ${uid} of the replica is not what its record says: SHA-1 ${hash} of ${content.length} octets, expected ${guid} of ${size}`,
    { phase: 'upload', mailbox: name, hint: 'run reconstruct on the mailbox on the replica' },
  );
}

function recordOf(records: readonly IndexRecord[], uid: number): IndexRecord {
  const record = records.find((one) => one.uid === uid);
  if (!record) throw new SyncError('BUG', `no record of message ${uid}`);
  return record;
}

function sinceOf(side: {
  highestmodseq: number;
  crcBasic: number;
  crcAnnotations: number;
}): WireMailbox['since'] {
  const { highestmodseq: modseq, crcBasic, crcAnnotations } = side;
  return { modseq, crcBasic, crcAnnotations };
}

/** Asks both servers for what they have now: agreement is theirs to state, not ours to compute. */
async function confirm(context: EngineContext, task: MailboxTask): Promise<void> {
  if ((await whatDiffers(context, task)) === undefined) return;
  if ((await recount(context, task, 'replica')) === undefined) return;
  const difference = await recount(context, task, 'master');
  if (difference === undefined) return;
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
  /** What would bring the replica to the master's state. */
  line: WireMailbox;
  /** On the master. */
  partition: ByteString | undefined;
}

async function whatDiffers(context: EngineContext, task: MailboxTask): Promise<Difference | undefined> {
  const { name } = task.entry;
  const [remote] = await context.session.getMailboxes([name]);
  using mailbox = await context.store.openMailbox(name);
  if (mailbox === undefined || remote === undefined) return undefined;
  const { state } = mailbox;
  if (sameCounters(state, remote) && sameChecksums(state, remote)) return undefined;
  const line = mailboxLine(mailbox, remote, { partition: task.partition, local: context.options.local });
  return { state, remote, line, partition: mailbox.entry.partition };
}

function sameCounters(state: MailboxState, remote: ReplicaMailbox): boolean {
  return remote.lastUid === state.lastUid && remote.highestmodseq === state.highestmodseq;
}

/**
 * Has one side count its checksums anew, by naming the other side's: a server that finds its stored ones to differ
 * does so by itself, and keeps what it has counted even if it then refuses (protocol section 8). Needed because Cyrus
 * 3.6.1 renames the private annotations of a renamed user but not what they add to the stored checksum.
 *
 * @returns what differs after it
 */
async function recount(
  context: EngineContext,
  task: MailboxTask,
  side: 'master' | 'replica',
): Promise<Difference | undefined> {
  const difference = await whatDiffers(context, task);
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
    apply = () => session.applyMailbox(counted, []);
  }
  try {
    await apply();
  } catch (caught) {
    if (SyncError.from(caught).code !== 'IMAP_SYNC_CHECKSUM') throw caught;
  }
  return await whatDiffers(context, task);
}
