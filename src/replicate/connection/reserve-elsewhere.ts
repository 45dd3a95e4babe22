import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord } from '../../store/master-store.ts';
import type { EngineContext } from './engine-context.ts';
import { GUIDS_PER_COMMAND } from './reservation.ts';

/** A server looks through each of them record by record. */
const MOST_MAILBOXES = 8;

/**
 * Has the replica link into its stage what other users' mailboxes there are known to hold, so that it is neither sent again
 * nor on its disk twice. Those mailboxes may be gone by now: what is not found is sent. The caller holds the stage, and the
 * replica is known to have the partition.
 */
export async function reserveElsewhere(
  { there, stage, session }: EngineContext,
  partition: ByteString,
  records: readonly IndexRecord[],
): Promise<void> {
  if (there === undefined) return;
  const mailboxes = new Set<ByteString>();
  const wanted = new Set<string>();
  let octets = 0;
  for (const { guid, size } of records) {
    const mailbox = there.mailboxWith(partition, guid);
    if (mailbox === undefined || wanted.has(guid) || stage.find(partition, guid)) continue;
    if (!mailboxes.has(mailbox) && mailboxes.size === MOST_MAILBOXES) continue;
    mailboxes.add(mailbox);
    wanted.add(guid);
    octets += size;
    if (wanted.size === GUIDS_PER_COMMAND) break;
  }
  if (octets < there.worthLinking.command) return;
  try {
    const missing = await session.applyReserve(partition, [...mailboxes], [...wanted]);
    stage.add(
      partition,
      [...wanted].filter((guid) => !missing.has(guid)),
    );
  } catch (caught) {
    // What is wrong with others' mailboxes is no reason to keep this one back.
    if (SyncError.from(caught).family !== 'refused') throw caught;
  }
}
