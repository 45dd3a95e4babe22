import assert from 'node:assert/strict';
import test from 'node:test';
import { stepRecords } from '../../../src/replicate/connection/claim.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { entry } from '../../lab/engine-fakes.ts';

/** Records of a step of a mailbox with so many messages. */
function records(messages: number, batchSize: number, borrow: boolean): number {
  const context = {
    options: { batchSize },
    store: { estimateMailbox: () => ({ mailboxes: 1, messages }) },
    borrow: borrow ? async () => undefined : undefined,
  } as unknown as EngineContext;
  return stepRecords(context, { entry: entry('user.anna') } as MailboxTask);
}

test('a step has as many records as one command may have, and fewer where steps can take turns on two connections', () => {
  for (const [messages, batchSize, alone, beside] of [
    [10_000, 8_192, 8_192, 1_250],
    [4_000, 8_192, 4_000, 512],
    [300, 8_192, 300, 300],
    [0, 8_192, 1, 1],
    [10_000, 100, 100, 100],
    [10_000, 0, 0, 0],
  ] as const) {
    assert.equal(records(messages, batchSize, false), alone, `${messages} messages`);
    assert.equal(records(messages, batchSize, true), beside, `${messages} messages, two connections`);
  }
});
