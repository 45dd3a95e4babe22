import type { ByteString } from '../../byte-string.ts';
import type { MessageUpload } from '../../protocol/replica-session.ts';
import type { IndexRecord, MailboxMessages } from '../../store/master-store.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import type { EngineContext } from './engine-context.ts';
import type { Slabs } from './slabs.ts';

/** One MESSAGE command carries at most this much, so that an answer (and progress) comes every so often. */
const SLICE_OCTETS = 1024 * 1024;
/** The replica's server flushes each file to disk before it answers. */
const SLICE_MESSAGES = 256;

/**
 * Stages the files of `records` that are not on the stage yet. Resolves when the replica has confirmed all of them,
 * those begun by other mailboxes included. The caller holds the stage.
 *
 * @param mayGoOn throws when the rest is not wanted any more
 * @returns octets sent
 * @throws SyncError as `readMessage`; what the replica answers
 */
export async function upload(
  context: EngineContext,
  messages: MailboxMessages,
  partition: ByteString,
  records: readonly IndexRecord[],
  mayGoOn: () => void,
): Promise<number> {
  const { stage } = context;
  const confirmations: Promise<void>[] = [];
  const seen = new Set<string>();
  // Asked in its turn: what several users have, one of them may have begun to send while the others waited for theirs.
  const isWanted = ({ guid }: IndexRecord): boolean => {
    if (seen.has(guid)) return false;
    seen.add(guid);
    const begun = stage.find(partition, guid);
    if (begun) confirmations.push(begun);
    return begun === undefined;
  };

  let octets = 0;
  let failed: unknown;
  for (let next = 0; next < records.length && failed === undefined; ) {
    await stage.turn(async () => {
      await context.session.window();
      mayGoOn();
      const { chosen, taken } = nextSlice(records, next, isWanted);
      next += taken;
      const slice = await readSlice(messages, partition, chosen, stage.slabs);
      if (slice.messages.length === 0) return;
      octets += slice.octets;
      const { slab } = slice;
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
    });
  }
  await allSettledOrThrow(confirmations);
  return octets;
}

interface Slice {
  messages: MessageUpload[];
  octets: number;
  /** What the messages are read into, if there are several: hundreds of small pieces of memory would fill the heap. */
  slab: Buffer | undefined;
}

async function readSlice(
  messages: MailboxMessages,
  partition: ByteString,
  chosen: readonly IndexRecord[],
  slabs: Slabs,
): Promise<Slice> {
  const slab = chosen.length > 1 ? slabs.take(chosen.reduce((sum, { size }) => sum + size, 0)) : undefined;
  let offset = 0;
  // All are asked for at once: from a slow disk they come together.
  const reading = chosen.map((record) => {
    const place = slab?.subarray(offset, offset + record.size);
    offset += record.size;
    return messages.readMessage(record, place);
  });
  const slice: Slice = { messages: [], octets: 0, slab };
  for (const [i, content] of (await Promise.all(reading)).entries()) {
    const record = chosen[i];
    if (content === undefined || record === undefined) continue;
    slice.messages.push({ partition, guid: record.guid, size: record.size, content });
    slice.octets += record.size;
  }
  return slice;
}

/** @returns `taken`: records passed, whether wanted or not */
function nextSlice(
  records: readonly IndexRecord[],
  from: number,
  isWanted: (record: IndexRecord) => boolean,
): { chosen: IndexRecord[]; taken: number } {
  const chosen: IndexRecord[] = [];
  let octets = 0;
  let next = from;
  for (; next < records.length && chosen.length < SLICE_MESSAGES; next++) {
    const record = records[next];
    if (!record || (chosen.length > 0 && octets + record.size > SLICE_OCTETS)) break;
    if (!isWanted(record)) continue;
    octets += record.size;
    chosen.push(record);
  }
  return { chosen, taken: next - from };
}
