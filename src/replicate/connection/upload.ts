import type { ByteString } from '../../byte-string.ts';
import type { MessageUpload } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, MailboxMessages, MessageContent } from '../../store/master-store.ts';
import type { LeftOut } from '../compare/left-out.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import { settledBeforeThrowing } from '../outcomes/settled-before-throwing.ts';
import type { Claim } from './claim.ts';
import { DamagedRecords } from './damaged-records.ts';
import type { EngineContext } from './engine-context.ts';
import type { Slabs } from './slabs.ts';

/** One MESSAGE command carries at most this much, so that an answer (and progress) comes every so often. */
const SLICE_OCTETS = 1024 * 1024;
/** The replica's server flushes each file to disk before it answers. */
const SLICE_MESSAGES = 256;

export interface Uploaded {
  /** Sent. */
  octets: number;
  /** Records whose files are damaged, where no other of these records has the same message. */
  damaged: LeftOut[];
}

/**
 * Stages the files of `records` that are not on the stage yet. Resolves when the replica has confirmed all of them,
 * those begun by other mailboxes included. The caller holds the stage.
 *
 * @param claim whose turns they go in
 * @param mayGoOn throws when the rest is not wanted any more
 * @param areTooMany damaged ones to go on without them
 * @throws SyncError as `readMessage`, unless it is about one message alone and these are not too many; what the replica answers
 */
export async function upload(
  context: EngineContext,
  claim: Pick<Claim, 'uploadTurn'>,
  messages: MailboxMessages,
  partition: ByteString,
  records: readonly IndexRecord[],
  mayGoOn: () => void,
  areTooMany: (damaged: number) => boolean,
): Promise<Uploaded> {
  const { stage } = context;
  const confirmations: Promise<void>[] = [];
  const seen = new Set<string>();
  const damage = new DamagedRecords(records);
  /** All messages that are to be sent, and again those that are tried in place of a damaged one. */
  const queue = [...records];
  const isSubstitute = (index: number): boolean => index >= records.length;
  // Asked in its turn: what several users have, one of them may have begun to send while the others waited for theirs.
  const isWanted = ({ guid }: IndexRecord, index: number): boolean => {
    if (seen.has(guid) && !isSubstitute(index)) return false;
    seen.add(guid);
    const begun = stage.find(partition, guid);
    if (begun) confirmations.push(begun);
    return begun === undefined;
  };

  let octets = 0;
  let failed: unknown;
  await settledBeforeThrowing(confirmations, async () => {
    if (queue.length === 0) return;
    using turn = await claim.uploadTurn();
    for (let next = 0; next < queue.length && failed === undefined; ) {
      if (next > 0) await turn.pass();
      await context.session.window();
      mayGoOn();
      const { chosen, taken } = nextSlice(queue, next, isWanted);
      next += taken;
      const slice = await readSlice(messages, partition, chosen, stage.slabs);
      // Another record of the same message may have a file that is sound.
      for (const one of slice.damaged) {
        const substitute = damage.note(one);
        if (substitute) queue.push(substitute);
        if (areTooMany(damage.count)) failed ??= one.error;
      }
      const { slab } = slice;
      if (slice.messages.length === 0) {
        if (slab) stage.slabs.giveBack(slab);
        continue;
      }
      octets += slice.octets;
      const done = context.session.applyMessages(slice.messages).then(() => {
        if (slab) stage.slabs.giveBack(slab);
      });
      stage.add(
        partition,
        slice.messages.map((message) => message.guid),
        done,
      );
      done.catch((error) => {
        failed ??= error;
      });
      confirmations.push(done);
    }
  });
  await allSettledOrThrow(confirmations);
  if (failed !== undefined) throw failed;
  return { octets, damaged: damage.hopeless };
}

interface Slice {
  messages: MessageUpload[];
  octets: number;
  damaged: LeftOut[];
  /** The buffer that the messages are read into, if there are several: hundreds of small pieces would fill the heap. */
  slab: Buffer | undefined;
}

async function readSlice(
  messages: MailboxMessages,
  partition: ByteString,
  chosen: readonly IndexRecord[],
  slabs: Slabs,
): Promise<Slice> {
  const slab =
    chosen.length > 1 ? slabs.take(chosen.reduce((sum, { size }) => sum + size + 1, 0)) : undefined;
  let offset = 0;
  // All are asked for at once: from a slow disk they come together.
  const reading = chosen.map((record) => {
    const place = slab?.subarray(offset, offset + record.size + 1);
    offset += record.size + 1;
    return readOrDamage(messages, record, place);
  });
  const slice: Slice = { messages: [], octets: 0, damaged: [], slab };
  for (const [i, content] of (await Promise.all(reading)).entries()) {
    const record = chosen[i];
    if (content === undefined || record === undefined) continue;
    if (content instanceof SyncError) {
      slice.damaged.push({ record, error: content });
      continue;
    }
    slice.messages.push({ partition, guid: record.guid, size: record.size, content });
    slice.octets += record.size;
  }
  return slice;
}

async function readOrDamage(
  messages: MailboxMessages,
  record: IndexRecord,
  into: Buffer | undefined,
): Promise<MessageContent | SyncError | undefined> {
  try {
    return await messages.readMessage(record, into);
  } catch (caught) {
    if (caught instanceof SyncError && caught.damage) return caught;
    throw caught;
  }
}

/** @returns `taken`: records passed, whether wanted or not */
function nextSlice(
  records: readonly IndexRecord[],
  from: number,
  isWanted: (record: IndexRecord, index: number) => boolean,
): { chosen: IndexRecord[]; taken: number } {
  const chosen: IndexRecord[] = [];
  let octets = 0;
  let next = from;
  for (; next < records.length && chosen.length < SLICE_MESSAGES; next++) {
    const record = records[next];
    if (!record || (chosen.length > 0 && octets + record.size > SLICE_OCTETS)) break;
    if (!isWanted(record, next)) continue;
    octets += record.size;
    chosen.push(record);
  }
  return { chosen, taken: next - from };
}
