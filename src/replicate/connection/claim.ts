import type { EngineContext } from './engine-context.ts';
import type { MailboxTask } from './mailbox-task.ts';
import { LEAST_BUDGET_RECORDS } from './stage.ts';
import type { UploadTurn } from './upload-turns.ts';

/** Steps of this many records at least: the replica flushes its index after each, and looks through the mailbox. */
const LEAST_STEP_RECORDS = 512;
/** Where a second connection may be had, a large mailbox goes in at least so many steps, so that they can take turns. */
const STEPS = 8;

/** Leave to prepare a step of a mailbox, until disposed of. */
export interface Claim extends Disposable {
  /** Waits until messages of this step are due. */
  uploadTurn(): Promise<UploadTurn>;
  /** Disposes of that with the claim: it lasts as long as the step. */
  until(end: Disposable): void;
}

/** Takes the budget before the stage, always in this order: a holder of the stage never waits for the budget. */
export async function claimBudgetAndStage(context: EngineContext, task: MailboxTask): Promise<Claim> {
  const records = stepRecords(context, task) || context.store.estimateMailbox(task.entry).messages;
  const budget = await context.stage.budget(Math.max(LEAST_BUDGET_RECORDS, records));
  const hold = await context.stage.hold();
  const ends: Disposable[] = [hold, budget];
  return {
    uploadTurn: context.stage.uploadTurns(task.user),
    until: (end) => ends.unshift(end),
    [Symbol.dispose]() {
      for (const end of ends.splice(0)) end[Symbol.dispose]();
    },
  };
}

/** Records of one step, at most; 0: a mailbox is never split. */
export function stepRecords({ options, store, borrow }: EngineContext, { entry }: MailboxTask): number {
  const { batchSize } = options;
  if (batchSize === 0) return 0;
  const { messages } = store.estimateMailbox(entry);
  const most = Math.min(batchSize, Math.max(messages, 1));
  return borrow ? Math.min(most, Math.max(LEAST_STEP_RECORDS, Math.ceil(messages / STEPS))) : most;
}
