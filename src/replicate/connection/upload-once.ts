import type { IndexRecord, MailboxMessages } from '../../store/master-store.ts';
import type { Claim } from './claim.ts';
import type { EngineContext } from './engine-context.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { reserveElsewhere } from './reserve-elsewhere.ts';
import { type Uploaded, upload } from './upload.ts';

/**
 * Stages messages as `upload` does, but has those that the replica holds for other users linked there, and leaves to the end
 * those that another connection is just sending for another user, so that they can be linked too.
 *
 * @param claim of the step; it notes what is being sent until the step has its answer
 * @throws SyncError as `upload`, and what `checkNeeds` throws
 */
export async function uploadOnce(
  context: EngineContext,
  claim: Claim,
  { user, partition, checkNeeds }: MailboxTask,
  messages: MailboxMessages,
  records: readonly IndexRecord[],
  areTooMany: (damaged: number) => boolean,
): Promise<Uploaded> {
  const { there, stage } = context;
  await reserveElsewhere(context, partition, records);
  if (there === undefined)
    return await upload(context, claim, messages, partition, records, checkNeeds, areTooMany);
  const sending = there.onTheirWay.begin(user, stage, partition, records);
  claim.until(sending);
  const { mine, others } = sending;
  const first = await upload(context, claim, messages, partition, mine, checkNeeds, areTooMany);
  if (others.length === 0) return first;
  await sending.waitForOthers();
  await reserveElsewhere(context, partition, others);
  const areThen = (damaged: number): boolean => areTooMany(first.damaged.length + damaged);
  const rest = await upload(context, claim, messages, partition, others, checkNeeds, areThen);
  return { octets: first.octets + rest.octets, damaged: [...first.damaged, ...rest.damaged] };
}
