import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ReplicaSession, WireMailbox } from '../../../src/protocol/replica-session.ts';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { GUIDS_PER_COMMAND } from '../../../src/replicate/connection/reservation.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { startMailbox } from '../../../src/replicate/folders/start-mailbox.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf, state } from '../../lab/engine-fakes.ts';

const inbox = entry('user.alice');
/** The second of three steps is the first that may go over another connection. */
const STEP = GUIDS_PER_COMMAND;
const STEPS = 3;
const records = Array.from({ length: STEPS * STEP }, (_, i) => record(i + 1, i + 2));

interface Sent {
  over: string;
  line: WireMailbox;
  answer(code?: 'IMAP_SYNC_CHANGED'): void;
}

/** A mailbox of three steps on its way over two connections, whose MAILBOX commands are answered by the test. */
function scene(
  checksSince: boolean,
  standsAt: () => WireMailbox | undefined = () => undefined,
  upload: (over: string) => void = () => {},
) {
  const sent: Sent[] = [];
  const link = (over: string) => {
    const session = {
      info: { checksSince },
      window: async () => {},
      applyMessages: async () => upload(over),
      applyMailbox: (line: WireMailbox) =>
        new Promise<void>((resolve, reject) => {
          const answer: Sent['answer'] = (code) => (code ? reject(new SyncError(code, 'no')) : resolve());
          sent.push({ over, line, answer });
        }),
      getMailboxes: async () => {
        const line = standsAt();
        const { lastUid, highestmodseq } = line ?? { lastUid: 0, highestmodseq: 1 };
        return [remoteOf(inbox, state({ lastUid, highestmodseq }))];
      },
      restart: async () => {},
    } as unknown as ReplicaSession;
    const partitions = { isKnown: () => true, explain: (error: SyncError) => error };
    return { session, stage: new Stage(session), partitions } as unknown as BorrowedLink;
  };
  const other = link('other');
  const context = {
    ...link('own'),
    store: {
      estimateMailbox: () => ({ messages: records.length }),
      readMailbox: readerOf(() => lockedMailbox(inbox, records, {}, 1024)),
    },
    borrow: async () => ({ ...other, [Symbol.dispose]() {} }),
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
    onFailed: () => {},
    checkNeeds: () => {},
  };
  const whole = startMailbox(context, task).then(({ finished }) => finished);
  whole.catch(() => {});
  const lines = async (count: number): Promise<string> => {
    for (let turns = 0; sent.length < count && turns < 500; turns++) await setImmediate();
    return sent.map(({ over, line }) => `${over} ${line.lastUid}`).join(', ');
  };
  return { sent, whole, lines };
}

test('a step goes to the other process before the one that it builds on is answered, but no third', async () => {
  const { sent, whole, lines } = scene(true);
  assert.equal(await lines(3), `own ${STEP}, other ${2 * STEP}`);
  assert.equal(sent[1]?.line.since?.modseq, sent[0]?.line.highestmodseq);
  sent[0]?.answer();
  assert.equal(await lines(3), `own ${STEP}, other ${2 * STEP}, own ${3 * STEP}`);
  sent[1]?.answer();
  sent[2]?.answer();
  await whole;
});

test('a replica that would take steps in any order gets one when that before is answered', async () => {
  const { sent, whole, lines } = scene(false);
  for (let step = 0; step < STEPS; step++) {
    await lines(step + 2);
    assert.equal(sent.length, step + 1);
    sent[step]?.answer();
  }
  await whole;
});

test('a step that overtook the one before is sent again, and from then on each waits', async () => {
  let stands: WireMailbox | undefined;
  const { sent, whole, lines } = scene(true, () => stands);
  await lines(2);
  sent[1]?.answer('IMAP_SYNC_CHANGED');
  stands = sent[0]?.line;
  sent[0]?.answer();
  // It was on its way already, and builds on the refused one.
  const soFar = `own ${STEP}, other ${2 * STEP}, own ${3 * STEP}`;
  assert.equal(await lines(3), soFar);
  sent[2]?.answer('IMAP_SYNC_CHANGED');
  assert.equal(await lines(5), `${soFar}, own ${2 * STEP}`);
  sent[3]?.answer();
  assert.match(await lines(5), new RegExp(`, (own|other) ${3 * STEP}$`));
  sent[4]?.answer();
  await whole;
});

test('when a step is refused, nothing is decided before the one behind it is answered too', async () => {
  let stands: WireMailbox | undefined;
  const { sent, whole, lines } = scene(true, () => stands);
  await lines(2);
  sent[0]?.answer('IMAP_SYNC_CHANGED');
  assert.equal(await lines(3), `own ${STEP}, other ${2 * STEP}`);
  sent[1]?.answer('IMAP_SYNC_CHANGED');
  assert.equal(await lines(3), `own ${STEP}, other ${2 * STEP}, own ${STEP}`);
  for (let step = 2; step < 2 + STEPS; step++) {
    await lines(step + 1);
    stands = sent[step]?.line;
    sent[step]?.answer();
  }
  await whole;
});

test('a step that is prepared again, because messages of it are gone, goes over the connection whose stage it has', async () => {
  let gone = 1;
  const { sent, whole, lines } = scene(true, undefined, (over) => {
    if (over === 'other' && gone-- > 0) throw new SyncError('IMAP_SYNC_CHANGED', 'removed meanwhile');
  });
  assert.equal(await lines(2), `own ${STEP}, other ${2 * STEP}`);
  assert.ok(gone < 1, 'nothing was gone');
  sent[0]?.answer();
  sent[1]?.answer();
  await lines(3);
  sent[2]?.answer();
  await whole;
});
