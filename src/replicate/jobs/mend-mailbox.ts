import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import { checkMessage } from '../../store/check-message.ts';
import type { IndexRecord, LockedMailbox, MailboxEntry, MailboxMessages } from '../../store/master-store.ts';
import { mailboxLine } from '../compare/mailbox-line.ts';
import { listMessages, ReplicaOwn } from '../compare/replica-own.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { SyncLocks } from '../connection/sync-locks.ts';
import { withCountedChecksums } from '../merge/with-counted-checksums.ts';

/** The faults of a mailbox on the replica that has the master's counters and checksums. */
export interface Fault {
  /** UIDs of messages that are there with other flags, dates or annotations; nothing else is wrong. */
  records?: ReadonlySet<number>;
}

/** Message files that are read here between two looks at the index. */
const READ_TOGETHER = 256;
/** Messages that need not be sent again: more would have the stage dropped before anybody has used them. */
const MOST_KEPT = 8_192;

/**
 * Mends what a run cannot see, since all that it compares is equal: records of the replica that differ, and message files
 * that it has lost or that were altered there. Records are sent again. A file can be brought again only with its mailbox:
 * that is removed from the replica, and the next run makes it anew.
 *
 * Nothing is lost by that: every message of it is read here and found sound before, and a replica that has a message, or an
 * expunged one, which this side has not is left as it is, unless `-O` says that it has to follow.
 *
 * @throws SyncError CONFLICT, MESSAGE_UNREADABLE, IMAP_MAILBOX_NOTSUPPORTED if it must not be removed there
 */
export async function mendMailbox(
  context: EngineContext,
  { name, userid }: Pick<MailboxEntry, 'name' | 'userid'>,
  { records }: Fault,
): Promise<void> {
  using _locks = new SyncLocks(context, [userid ?? '']);
  if (records && (await sendAgain(context, name, records))) return;
  await removeThere(context, name);
}

/** @returns false if the replica takes no correction of them */
async function sendAgain(
  { store, session, options, emit }: EngineContext,
  name: ByteString,
  uids: ReadonlySet<number>,
): Promise<boolean> {
  const [remote] = await session.getMailboxes([name]);
  if (!remote) return false;
  const read = await store.readMailbox(name, (mailbox) => {
    const { entry, state, annotations } = mailbox;
    const local = withCountedChecksums(mailbox, { entry, state, annotations }, remote);
    return { local, records: recordsOf(mailbox, uids) };
  });
  if (read?.records.length !== uids.size) return false;
  const { local, records } = read;
  const partition = options.partition ?? remote.partition ?? local.entry.partition ?? '';
  emit({ kind: 'command:mailbox', name, local: options.local });
  try {
    await session.applyMailbox(mailboxLine(local, remote, { partition, local: options.local }), records);
    return true;
  } catch (caught) {
    const error = SyncError.from(caught);
    // One that says to have been changed later than the master's is not overwritten.
    if (error.family !== 'refused') throw error;
    return false;
  }
}

function recordsOf(mailbox: LockedMailbox, uids: ReadonlySet<number>): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (uids.has(page.uid(i)) && !page.expunged(i)) records.push(page.record(i));
    }
  }
  return records;
}

async function removeThere(context: EngineContext, name: ByteString): Promise<void> {
  const { store, session, options, emit } = context;
  const read = await store.readMailbox(name, (mailbox) => ({
    entry: mailbox.entry,
    ours: listMessages(mailbox),
  }));
  if (!read) return;
  const { entry, ours } = read;
  if (entry.type !== '' && entry.type !== 'e') {
    throw refusal('IMAP_MAILBOX_NOTSUPPORTED', name, 'only a folder of mail is made anew on the replica', {
      hint: 'run reconstruct on it there, then verify again',
    });
  }
  const own = new ReplicaOwn(ours);
  const remote = await session.getFullMailbox(name, own.take);
  if (remote.uniqueid !== entry.uniqueid) {
    throw refusal('CONFLICT', name, 'the replica has another mailbox of this name', {});
  }
  if (!options.noCopyback) failIfOwn(name, own);
  await readAll(context, name);
  await keepOnStage(context, remote);
  const [now] = await session.getMailboxes([name]);
  if (!now || !sameState(now, remote)) {
    throw refusal('IMAP_SYNC_CHANGED', name, 'it was changed on the replica meanwhile', { retryable: true });
  }
  emit({ kind: 'command:unmailbox', name, local: options.local });
  await session.applyUnmailbox(name, options.local, now);
}

/** Has the replica link its sound files into its stage, where the run that follows finds them. */
async function keepOnStage(
  { store, session, stage }: EngineContext,
  { name, partition }: ReplicaMailbox,
): Promise<void> {
  // One that it does not name may be one that it lacks.
  if (partition === undefined) return;
  const guids = await store.readMailbox(name, (mailbox) =>
    nextLive(mailbox, 1, MOST_KEPT).map(({ guid }) => guid),
  );
  if (!guids || guids.length === 0) return;
  using _hold = await stage.hold();
  const wanted = [...new Set(guids)];
  const missing = await session.applyReserve(partition, [name], wanted);
  stage.add(
    partition,
    wanted.filter((guid) => !missing.has(guid)),
  );
}

function failIfOwn(name: ByteString, { message, expunged }: ReplicaOwn): void {
  if (message !== undefined) {
    const text = `the replica has a message ${message} of its own, which would be lost if the folder was made anew`;
    throw refusal('CONFLICT', name, text, { hint: 'save it, or give -O too' });
  }
  if (expunged !== undefined) {
    const text = `the replica still keeps the expunged message ${expunged}, which is gone here and would be lost if the folder was made anew`;
    throw refusal('CONFLICT', name, text, {
      hint: 'run again when cyr_expire has cleaned up there, or give -O too',
    });
  }
}

/** Whatever is damaged here, the replica may have the one good copy of. @throws SyncError MESSAGE_UNREADABLE */
async function readAll({ store }: EngineContext, name: ByteString): Promise<void> {
  for (let from = 1; ; ) {
    const read = await store.readMailbox(name, (mailbox) => ({
      messages: mailbox.messages,
      records: nextLive(mailbox, from, READ_TOGETHER),
    }));
    const last = read?.records.at(-1);
    if (!read || !last) return;
    for (const record of read.records) await readOne(read.messages, record, name);
    from = last.uid + 1;
  }
}

function nextLive(mailbox: LockedMailbox, from: number, most: number): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages(from)) {
    for (let i = 0; i < page.count && records.length < most; i++) {
      if (!page.expunged(i)) records.push(page.record(i));
    }
    if (records.length === most) break;
  }
  return records;
}

async function readOne(messages: MailboxMessages, record: IndexRecord, name: ByteString): Promise<void> {
  try {
    await checkMessage(messages, record);
  } catch (caught) {
    const error = SyncError.from(caught);
    if (!error.damage) throw error;
    const text = `message ${record.uid} is damaged here, and the replica's may be the one good copy: ${error.message}`;
    throw refusal('MESSAGE_UNREADABLE', name, text, { hint: 'restore its file here first' });
  }
}

function sameState(a: ReplicaMailbox, b: ReplicaMailbox): boolean {
  return a.highestmodseq === b.highestmodseq && a.lastUid === b.lastUid && a.crcBasic === b.crcBasic;
}

function refusal(
  code: 'CONFLICT' | 'MESSAGE_UNREADABLE' | 'IMAP_MAILBOX_NOTSUPPORTED' | 'IMAP_SYNC_CHANGED',
  mailbox: ByteString,
  text: string,
  fields: { hint?: string; retryable?: boolean },
): SyncError {
  return new SyncError(code, text, { mailbox, phase: 'compare', ...fields });
}
