import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaMailbox, WireMailbox } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { raiseCounter } from '../../../src/replicate/merge/raise-counter.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf } from '../../lab/engine-fakes.ts';

const listed = entry('user.alice.Work');
const records = [record(1, 5)];
const here = { xconvmodseq: 7 };

interface Site {
  there: Partial<ReplicaMailbox>;
  isGoneHere: boolean;
  isGoneThere: boolean;
  noCopyback: boolean;
  hasMaster: boolean;
  answer: () => Promise<void>;
}

/** @returns whether nothing else differs, what the master's server is told, and which states were noted */
async function raise(site: Partial<Site>) {
  const mailbox = lockedMailbox(listed, records, here);
  const remote: ReplicaMailbox = remoteOf(listed, mailbox.state, site.there);
  const told: WireMailbox[] = [];
  const states: unknown[] = [];
  const session = {
    applyMailbox: async (line: WireMailbox) => {
      told.push(line);
      await site.answer?.();
    },
  };
  const context = {
    session: { getMailboxes: async () => (site.isGoneThere ? [] : [remote]) },
    store: { readMailbox: readerOf(() => (site.isGoneHere ? undefined : mailbox)) },
    options: { conversations: true, noCopyback: site.noCopyback },
    master: site.hasMaster === false ? undefined : { connect: async () => ({ session }) },
  } as unknown as EngineContext;
  const onState = (state: unknown): void => void states.push(state);
  const isAlike = await raiseCounter(context, { entry: listed, onState } as unknown as MailboxTask);
  return { isAlike, told, states: states.length };
}

/** Commands to the master's server where the replica has this XCONVMODSEQ, and all else is alike. */
async function toldOf(xconvmodseq: number): Promise<WireMailbox[]> {
  const { isAlike, told } = await raise({ there: { xconvmodseq } });
  assert.equal(isAlike, true);
  return told;
}

test('a counter that is alone higher on the replica is told to the master', async () => {
  const [line] = await toldOf(1000);
  assert.equal(line?.xconvmodseq, 1000);
});

test('one beyond reason is told to nobody', async () => {
  await assert.rejects(toldOf(2 ** 52), { code: 'CONFLICT', mailbox: 'user.alice.Work' });
});

test('it is told as a step on what the master has, without records', async () => {
  const [line] = await toldOf(1000);
  assert.deepEqual([line?.local, line?.since?.modseq, line?.highestmodseq], [true, 5, 5]);
});

test('a counter that is not higher there is told to nobody, and neither is one to a master that must not be written to', async () => {
  assert.deepEqual(await raise({ there: { xconvmodseq: 7 } }), { isAlike: true, told: [], states: 1 });
  const higher = { there: { xconvmodseq: 1000 } };
  for (const site of [{ noCopyback: true }, { hasMaster: false }])
    assert.deepEqual(await raise({ ...higher, ...site }), { isAlike: true, told: [], states: 1 });
});

test('where more than the counter differs, or the mailbox is gone on a side, the merge looks again', async () => {
  const nothing = { isAlike: false, told: [], states: 0 };
  assert.deepEqual(await raise({ isGoneHere: true }), nothing);
  assert.deepEqual(await raise({ isGoneThere: true }), nothing);
  assert.deepEqual(await raise({ there: { xconvmodseq: 1000, acl: 'anna\tlr\t' } }), nothing);
});

test('a master that has changed meanwhile is looked at again, a link that breaks ends it', async () => {
  const there = { xconvmodseq: 1000 };
  const answer = (family: 'refused' | 'link') => () =>
    Promise.reject(new SyncError('IMAP_SYNC_CHANGED', 'changed', { family }));
  const { isAlike, told } = await raise({ there, answer: answer('refused') });
  assert.deepEqual([isAlike, told.length], [false, 1]);
  await assert.rejects(raise({ there, answer: answer('link') }), { family: 'link' });
});
