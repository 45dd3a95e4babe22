import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ReplicaSession, WireMailbox } from '../../../src/protocol/replica-session.ts';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { startMailbox } from '../../../src/replicate/folders/start-mailbox.ts';
import { type ErrorCode, SyncError } from '../../../src/report/sync-error.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf, state } from '../../lab/engine-fakes.ts';

const inbox = entry('user.alice');
const STEP = 512;
const STEPS = 3;
const records = Array.from({ length: STEPS * STEP }, (_, i) => record(i + 1, i + 2));

interface Sent {
  over: string;
  line: WireMailbox;
  answer(code?: ErrorCode): void;
}

interface SceneOptions {
  /** Where the replica says that the mailbox stands. */
  standsAt?: () => WireMailbox | undefined;
  /** Is called for each MESSAGE command, and awaited. */
  upload?: (over: string) => void | Promise<void>;
  isLent?: () => boolean;
  mostStaged?: number;
}

/** A mailbox of three steps on its way over two connections, whose MAILBOX commands are answered by the test. */
function scene({
  standsAt = () => undefined,
  upload = () => {},
  isLent = () => true,
  mostStaged,
}: SceneOptions = {}) {
  const sent: Sent[] = [];
  /** Messages staged, by connection. */
  const staged = { own: 0, other: 0 };
  const link = (over: 'own' | 'other') => {
    const session = {
      info: {},
      window: async () => {},
      applyMessages: async (messages: readonly unknown[]) => {
        await upload(over);
        staged[over] += messages.length;
      },
      applyMailbox: (line: WireMailbox) =>
        new Promise<void>((resolve, reject) => {
          const answer: Sent['answer'] = (code) => (code ? reject(new SyncError(code, 'no')) : resolve());
          sent.push({ over, line, answer });
        }),
      getMailboxes: async () => {
        const { lastUid, highestmodseq } = standsAt() ?? { lastUid: 0, highestmodseq: 1 };
        return [remoteOf(inbox, state({ lastUid, highestmodseq }))];
      },
      restart: async () => {},
    } as unknown as ReplicaSession;
    const partitions = { isKnown: () => true, explain: (error: SyncError) => error };
    return { session, stage: new Stage(session, mostStaged), partitions } as unknown as BorrowedLink;
  };
  const other = link('other');
  /** The job has heard so much of the mailbox. */
  const heard: string[] = [];
  let given = 0;
  const context = {
    ...link('own'),
    store: {
      estimateMailbox: () => ({ messages: records.length }),
      readMailbox: readerOf(() => lockedMailbox(inbox, records, {}, 1024)),
    },
    borrow: async () => (isLent() ? { ...other, [Symbol.dispose]: () => given++ } : undefined),
    options: { batchSize: STEP, local: false, noCopyback: true },
    emit: () => {},
  } as unknown as EngineContext;
  const task = {
    user: 'alice',
    entry: inbox,
    remote: undefined,
    partition: 'default',
    turn: { ready: Promise.resolve(), done: () => {} },
    onState: () => {},
    onMerged: () => {},
    onLeftOut: () => {},
    onExists: () => void heard.push('exists'),
    onFailed: () => void heard.push('failed'),
    checkNeeds: () => {},
  };
  const whole = startMailbox(context, task).then(({ finished }) => finished);
  whole.catch(() => {});
  const when = async (holds: () => boolean): Promise<void> => {
    for (let turns = 0; !holds() && turns < 2_000; turns++) await setImmediate();
  };
  const lines = async (count: number): Promise<string> => {
    await when(() => sent.length >= count);
    return sent.map(({ over, line }) => `${over} ${line.lastUid}`).join(', ');
  };
  return {
    sent,
    staged,
    whole,
    when,
    lines,
    heard,
    given: () => given,
    stages: [context.stage, other.stage],
  };
}

test('the other process takes in the messages of the next step while the first does not even have all of its own', async () => {
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { sent, staged, whole, when, lines } = scene({
    upload: (over) => (over === 'own' ? held : undefined),
  });
  await when(() => staged.other === STEP);
  assert.deepEqual(staged, { own: 0, other: STEP });
  assert.equal(sent.length, 0);
  goOn();
  for (let step = 0; step < STEPS; step++) {
    await lines(step + 1);
    sent[step]?.answer();
  }
  await whole;
  assert.equal(await lines(STEPS), `own ${STEP}, other ${2 * STEP}, own ${3 * STEP}`);
  assert.deepEqual(
    staged,
    { own: 2 * STEP, other: STEP },
    'each message is staged once, where its step goes',
  );
});

test('a step is sent when the one that it builds on is answered, and not before', async () => {
  const { sent, whole, lines, given } = scene();
  for (let step = 0; step < STEPS; step++) {
    await lines(step + 2);
    assert.equal(sent.length, step + 1);
    if (step > 0) assert.equal(sent[step]?.line.since?.modseq, sent[step - 1]?.line.highestmodseq);
    sent[step]?.answer();
  }
  await whole;
  assert.equal(given(), 1);
});

test('without a second connection all steps go over their own', async () => {
  const { sent, whole, lines } = scene({ isLent: () => false });
  for (let step = 0; step < STEPS; step++) {
    await lines(step + 1);
    sent[step]?.answer();
  }
  await whole;
  assert.equal(await lines(STEPS), `own ${STEP}, own ${2 * STEP}, own ${3 * STEP}`);
});

test('after a refusal the mailbox is read again, and nothing of what was staged ahead is held', async () => {
  let stands: WireMailbox | undefined;
  const { sent, staged, whole, when, lines, stages } = scene({ standsAt: () => stands });
  await lines(1);
  await when(() => staged.other === STEP);
  sent[0]?.answer('IMAP_SYNC_CHANGED');
  assert.equal(await lines(2), `own ${STEP}, own ${STEP}`);
  for (let step = 1; step < 1 + STEPS; step++) {
    await lines(step + 1);
    stands = sent[step]?.line;
    sent[step]?.answer();
  }
  await whole;
  assert.equal(sent.at(-1)?.line.lastUid, STEPS * STEP);
  for (const stage of stages) {
    // All of the budget is there again.
    using _all = await stage.budget(Number.MAX_SAFE_INTEGER);
  }
});

test('a step that is prepared again, because messages of it are gone, goes over the connection whose stage it has', async () => {
  let gone = 2;
  const { sent, whole, lines } = scene({
    upload: (over) => {
      if (over === 'other' && gone-- > 0) throw new SyncError('IMAP_SYNC_CHANGED', 'removed meanwhile');
    },
  });
  await lines(1);
  sent[0]?.answer();
  assert.equal(await lines(2), `own ${STEP}, other ${2 * STEP}`);
  assert.ok(gone < 1, 'nothing was gone');
  sent[1]?.answer();
  await lines(3);
  sent[2]?.answer();
  await whole;
});

// A folder of the same user may hold the stage, and not give it back until it knows of the mailbox above.
for (const [code, expected] of [
  ['IMAP_REMOTE_DENIED', 'failed'],
  ['LINK_BROKEN', 'failed'],
  ['IMAP_SYNC_CHANGED', 'exists'],
  ['IMAP_SYNC_CHECKSUM', 'exists'],
  [undefined, 'exists'],
] as const) {
  test(`that the mailbox ${expected} is told at the answer (${code ?? 'OK'}), whoever holds what its next step waits for`, async () => {
    const { sent, when, lines, heard, whole, stages } = scene({ isLent: () => false, mostStaged: STEP });
    const holds = await Promise.all(stages.map((stage) => stage.hold()));
    await lines(1);
    sent[0]?.answer(code);
    await when(() => heard.length > 0);
    assert.deepEqual(heard, [expected]);
    for (const hold of holds) hold[Symbol.dispose]();
    if (expected === 'failed') await assert.rejects(whole, { code });
  });
}
