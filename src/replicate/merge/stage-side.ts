import type { ByteString } from '../../byte-string.ts';
import type {
  MessageUpload,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MessageContent } from '../../store/master-store.ts';
import { isExpunged } from '../compare/same-record.ts';
import type { Stage } from '../connection/stage.ts';
import { expected } from '../outcomes/expected.ts';
import type { MessageSource } from './merge-records.ts';

/** The part of a merge that one side is to get. */
export interface SideWork {
  session: ReplicaSession;
  stage: Stage;
  line: WireMailbox;
  records: readonly WireRecord[];
  lastUid: number;
  /** Where the octets of a message are, by GUID, in order of preference. */
  sources: readonly Source[];
  /** Expunged messages, whose octets need not be there any more. */
  restorable?: Source;
  /** How the side is told of its mailbox. */
  tell(line: WireMailbox, records: readonly WireRecord[]): Promise<void>;
}

export interface Source {
  messages: readonly MessageSource[];
  read: ReadMessage;
}

export type ReadMessage = (message: MessageSource) => Promise<MessageContent | undefined>;

/** Everything that the side lacks is staged there; nothing of its mailbox is changed yet. */
export interface StagedSide extends Disposable {
  /** @param changes of the line since it was staged */
  apply(changes?: Partial<WireMailbox>): Promise<void>;
}

/** Stages what one side lacks. However it ends, nothing is on its way any more. */
export async function stageSide(work: SideWork): Promise<StagedSide> {
  const { line, records } = work;
  const hold = await work.stage.hold();
  try {
    await stageMessages(work);
  } catch (caught) {
    hold[Symbol.dispose]();
    throw caught;
  }
  return {
    apply: (changes) => work.tell({ ...line, ...changes }, records),
    [Symbol.dispose]: () => hold[Symbol.dispose](),
  };
}

async function stageMessages(work: SideWork): Promise<void> {
  const { session, stage, line, records, restorable } = work;
  const above = records.filter((record) => record.uid > work.lastUid);
  const needed = new Set(above.filter((record) => !isExpunged(record)).map(({ guid }) => guid));
  const expunged = new Set(above.map(({ guid }) => guid).filter((guid) => !needed.has(guid)));
  const spare = restorable?.messages.filter(({ guid }) => expunged.has(guid)) ?? [];
  const wanted = new Set([...needed, ...spare.map(({ guid }) => guid)]);
  if (wanted.size > 0) {
    const partition = line.partition ?? '';
    const missing = await session.applyReserve(partition, [line.name], [...wanted]);
    for (const guid of await uploadAll(work, partition, missing, needed)) wanted.delete(guid);
    stage.add(partition, [...wanted]);
  }
}

/**
 * @returns what is not there any more, of the GUIDs that are not needed
 */
async function uploadAll(
  work: SideWork,
  partition: ByteString,
  guids: Iterable<string>,
  needed: ReadonlySet<string>,
): Promise<string[]> {
  const { session, line } = work;
  const sources = work.sources.map(indexed);
  const restorable = work.restorable ? [indexed(work.restorable)] : [];
  const uploads: Promise<void>[] = [];
  const gone: string[] = [];
  try {
    for (const guid of guids) {
      await session.window();
      const message = await findMessage(needed.has(guid) ? sources : restorable, partition, guid);
      if (message) uploads.push(expected(session.applyMessages([message])));
      else if (!needed.has(guid)) gone.push(guid);
      else throw new SyncError('BUG', `a merged message has no source: ${guid}`, { mailbox: line.name });
    }
  } finally {
    await Promise.allSettled(uploads);
  }
  await Promise.all(uploads);
  return gone;
}

interface IndexedSource {
  byGuid: ReadonlyMap<string, MessageSource>;
  read: ReadMessage;
}

function indexed({ messages, read }: Source): IndexedSource {
  return { byGuid: firstByGuid(messages), read };
}

function firstByGuid(messages: readonly MessageSource[]): Map<string, MessageSource> {
  const first = new Map<string, MessageSource>();
  for (const message of messages) if (!first.has(message.guid)) first.set(message.guid, message);
  return first;
}

async function findMessage(
  sources: readonly IndexedSource[],
  partition: ByteString,
  guid: string,
): Promise<MessageUpload | undefined> {
  for (const { byGuid, read } of sources) {
    const message = byGuid.get(guid);
    if (!message) continue;
    const content = await read(message);
    if (content !== undefined) return { partition, guid, size: message.size, content };
  }
  return undefined;
}
