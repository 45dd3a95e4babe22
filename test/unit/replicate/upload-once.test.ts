import assert from 'node:assert/strict';
import test from 'node:test';
import type { MessageUpload } from '../../../src/protocol/replica-session.ts';
import type { Claim } from '../../../src/replicate/connection/claim.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { MessagesThere } from '../../../src/replicate/connection/messages-there.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { uploadOnce } from '../../../src/replicate/connection/upload-once.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord, MailboxMessages } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';

const PARTITION = 'default';

/** Messages of bert: the odd ones are just being sent for anna, over another connection that has ended by then. */
async function sent(count: number, damaged: readonly number[], mostDamaged: number) {
  const there = new MessagesThere({ message: 10, command: 10_000 });
  const commands: number[][] = [];
  const stage = new Stage({} as never);
  const context = {
    there,
    stage,
    session: {
      window: async () => {},
      applyMessages: async (messages: readonly MessageUpload[]) =>
        void commands.push(messages.map(({ guid }) => Number.parseInt(guid, 16))),
    },
  } as unknown as EngineContext;
  const records = Array.from({ length: count }, (_, index) => record(index + 1, 1));
  const odd = records.filter(({ uid }) => uid % 2 === 1);
  const ofAnna = there.onTheirWay.begin('anna', new Stage({} as never), PARTITION, odd);
  const messages = {
    readMessage: async ({ uid, guid, size }: IndexRecord) => {
      if (!damaged.includes(uid)) return Buffer.alloc(size);
      throw new SyncError('MESSAGE_UNREADABLE', `message ${uid}`, {
        damage: { uid, guid, path: '/', cause: 'missing' },
      });
    },
  } as unknown as MailboxMessages;
  const task = { user: 'bert', partition: PARTITION, checkNeeds: () => {} } as unknown as MailboxTask;
  const claimed: Disposable[] = [];
  const claim: Claim = {
    uploadTurn: stage.uploadTurns('bert'),
    until: (end) => void claimed.push(end),
    [Symbol.dispose]: () => {},
  };
  const areTooMany = (damage: number): boolean => damage > mostDamaged;
  const sending = uploadOnce(context, claim, task, messages, records, areTooMany);
  setImmediate(() => ofAnna[Symbol.dispose]());
  return { ...(await sending), commands, claimed: claimed.length };
}

test('what another connection was sending comes behind the rest, and all of both is told of', async () => {
  const { commands, octets, damaged, claimed } = await sent(6, [2, 3], 2);
  assert.deepEqual(commands, [
    [4, 6],
    [1, 5],
  ]);
  assert.equal(octets, 400);
  assert.deepEqual(
    damaged.map((one) => one.record.uid),
    [2, 3],
  );
  assert.equal(claimed, 1, 'whoever sends is noted until the step has its answer');
});

test('damaged messages are too many together, whichever of them come behind', async () => {
  for (const damaged of [
    [2, 3],
    [2, 4],
    [1, 3],
  ])
    await assert.rejects(sent(6, damaged, 1), { code: 'MESSAGE_UNREADABLE' });
  const { damaged } = await sent(6, [1], 1);
  assert.equal(damaged.length, 1);
});
