import type { ReplicaSession, WireMailbox, WireRecord } from '../../protocol/replica-session.ts';
import type { MailboxState } from '../../store/master-store.ts';
import { checkSensible } from './check-sensible.ts';

/**
 * Tells the master's own server a mailbox. Nothing else in a merge does: whichever answer of the replica something comes from,
 * the first of a merge or the last, it is looked at here before the master has it for good.
 *
 * @param ours the master's side as it was looked at
 * @throws SyncError CONFLICT if something is beyond what any use of the mailbox explains; what the server answers
 */
export async function tellMaster(
  session: Pick<ReplicaSession, 'applyMailbox'>,
  ours: MailboxState,
  line: WireMailbox,
  records: readonly WireRecord[],
): Promise<void> {
  checkSensible(ours, line, records, 'the master was not changed');
  await session.applyMailbox(line, records);
}
