import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessageUpload } from '../../../src/protocol/replica-session.ts';
import { afterApplying, mailboxLine } from '../../../src/replicate/compare/mailbox-line.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { Lanes } from '../../../src/replicate/connection/lanes.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import type { StepOptions } from '../../../src/replicate/folders/read-step.ts';
import { StepAhead } from '../../../src/replicate/folders/step-ahead.ts';
import { entry, lockedMailbox, record, state } from '../../lab/engine-fakes.ts';

/* Contract: what is staged ahead is held until whoever takes it gives it back, and given back at once if nobody wants it. */

const BEFORE = { lastUid: 0, highestmodseq: 0, uidvalidity: 1000, annotations: [] };
const OPTIONS = { batchSize: 10, noCopyback: false, compareFirst: false, count: false };

/** Counts what is held at a time. */
function holds(): { hold: () => Promise<Disposable>; held: () => number } {
  let count = 0;
  const hold = async (): Promise<Disposable> => {
    count += 1;
    return {
      [Symbol.dispose]: () => {
        count -= 1;
      },
    };
  };
  return { hold, held: () => count };
}

function scene() {
  const { hold, held } = holds();
  let reads = 0;
  const mailbox = entry('user.anna');
  const lane = {
    options: { batchSize: 10 },
    stage: {
      budget: hold,
      hold,
      find: () => undefined,
      uploadTurns: () => () => Promise.reject(new Error('nothing to send')),
    },
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
    held,
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

/** A step of four messages, some of which are staged already where the one before is; they are sent over another connection. */
async function stagedAhead(
  isStaged: (uid: number) => boolean,
  checkNeeds: () => void = () => undefined,
): Promise<{ uids: number[]; held: number; isTaken: boolean }> {
  const { hold, held } = holds();
  const mailbox = entry('user.anna');
  const records = [1, 2, 3, 4].map((uid) => record(uid, uid + 1));
  const store = {
    estimateMailbox: () => ({ messages: 4 }),
    readMailbox: async (_name: string, read: (locked: unknown) => unknown) =>
      read(lockedMailbox(mailbox, records)),
  };
  const uids: number[] = [];
  const session = {
    window: async () => {},
    applyMessages: async (messages: readonly MessageUpload[]) =>
      void uids.push(...messages.map(({ guid }) => Number.parseInt(guid, 16))),
  };
  const other = { options: OPTIONS, session, store, stage: Object.assign(new Stage({} as never), { hold }) };
  const find = (partition: string, guid: string): Promise<void> | undefined =>
    partition === 'default' && isStaged(Number.parseInt(guid, 16)) ? Promise.resolve() : undefined;
  const own = { options: OPTIONS, stage: { find } };
  const lanes = { beside: async () => other } as unknown as Lanes;
  const task = { entry: mailbox, partition: 'default', checkNeeds } as unknown as MailboxTask;
  const options = OPTIONS as unknown as StepOptions;
  const ahead = new StepAhead(lanes, own as unknown as EngineContext, task, options);
  const before = { entry: mailbox, state: state(), annotations: [] };
  const line = mailboxLine(before, undefined, { partition: 'default', local: false });
  ahead.begin(afterApplying(line, undefined, before.state));
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  const place = ahead.take();
  const isTaken = place !== undefined;
  place?.claim[Symbol.dispose]();
  return { uids, held: held(), isTaken };
}

test('a step ahead is sent over the other connection, unless most of it is staged where the one before is', async () => {
  const all = [1, 2, 3, 4];
  assert.deepEqual(await stagedAhead(() => false), { uids: all, held: 0, isTaken: true });
  assert.deepEqual(await stagedAhead((uid) => uid <= 2), { uids: all, held: 0, isTaken: true });
  assert.deepEqual(await stagedAhead((uid) => uid <= 3), { uids: [], held: 0, isTaken: false });
});

test('nothing of a step ahead is sent once what it needs has failed', async () => {
  const failing = (): void => {
    throw new Error('the mailbox above has failed');
  };
  assert.deepEqual((await stagedAhead(() => false, failing)).uids, []);
});
