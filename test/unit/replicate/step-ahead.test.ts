import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { Lanes } from '../../../src/replicate/connection/lanes.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import type { StepOptions } from '../../../src/replicate/folders/read-step.ts';
import { StepAhead } from '../../../src/replicate/folders/step-ahead.ts';
import { entry, lockedMailbox } from '../../lab/engine-fakes.ts';

/* Contract: what is staged ahead is held until whoever takes it gives it back, and given back at once if nobody wants it. */

const BEFORE = { lastUid: 0, highestmodseq: 0, uidvalidity: 1000, annotations: [] };
const OPTIONS = { batchSize: 10, noCopyback: false, compareFirst: false, count: false };

function scene() {
  let held = 0;
  let reads = 0;
  const hold = async (): Promise<Disposable> => {
    held += 1;
    return {
      [Symbol.dispose]: () => {
        held -= 1;
      },
    };
  };
  const mailbox = entry('user.anna');
  const lane = {
    options: { batchSize: 10 },
    stage: { budget: hold, hold, find: () => undefined },
    store: {
      estimateMailbox: () => ({ messages: 3 }),
      readMailbox: async (_name: string, read: (locked: unknown) => unknown) => {
        reads += 1;
        return read(lockedMailbox(mailbox, []));
      },
    },
  } as unknown as EngineContext;
  let lend: (lent: EngineContext | undefined) => void = () => undefined;
  const lanes = {
    beside: () =>
      new Promise<EngineContext | undefined>((resolve) => {
        lend = resolve;
      }),
  } as unknown as Lanes;
  const task = {
    entry: mailbox,
    partition: 'default',
    checkNeeds: () => undefined,
  } as unknown as MailboxTask;
  const ahead = new StepAhead(lanes, lane, task, OPTIONS as unknown as StepOptions);
  ahead.begin(BEFORE as never);
  return {
    ahead,
    lane,
    held: () => held,
    reads: () => reads,
    lend: async (lent: EngineContext | undefined) => {
      lend(lent);
      await nextTurn();
    },
  };
}

test('whoever takes a step that was staged ahead holds it, also when the step ahead is over', async () => {
  const { ahead, lane, held, reads, lend } = scene();
  await lend(lane);
  assert.deepEqual([held(), reads()], [2, 1]);
  const place = ahead.take();
  assert.equal(place?.lane, lane);
  ahead[Symbol.dispose]();
  assert.equal(held(), 2);
  place?.claim[Symbol.dispose]();
  assert.equal(held(), 0);
});

test('a step ahead that nobody takes gives back what it holds', async () => {
  const { ahead, lane, held, lend } = scene();
  await lend(lane);
  ahead[Symbol.dispose]();
  assert.equal(held(), 0);
  assert.equal(ahead.take(), undefined);
});

test('a connection that comes when the step is under way elsewhere is not used', async () => {
  const { ahead, lane, held, reads, lend } = scene();
  assert.equal(ahead.take(), undefined);
  await lend(lane);
  assert.deepEqual([held(), reads()], [0, 0]);
});

test('where no connection is lent nothing is held', async () => {
  const { ahead, held, reads, lend } = scene();
  await lend(undefined);
  assert.deepEqual([held(), reads(), ahead.take()], [0, 0, undefined]);
});
