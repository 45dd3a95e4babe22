import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaMailbox, WireMailbox } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { raiseCounter } from '../../../src/replicate/merge/raise-counter.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf } from '../../lab/engine-fakes.ts';

const listed = entry('user.alice.Work');
const records = [record(1, 5)];
const here = { xconvmodseq: 7 };

/** Commands to the master's server where the replica has this XCONVMODSEQ, and all else is alike. */
async function toldOf(xconvmodseq: number): Promise<WireMailbox[]> {
  const mailbox = lockedMailbox(listed, records, here);
  const remote: ReplicaMailbox = remoteOf(listed, mailbox.state, { xconvmodseq });
  const told: WireMailbox[] = [];
  const session = { applyMailbox: async (line: WireMailbox) => void told.push(line) };
  const context = {
    session: { getMailboxes: async () => [remote] },
    store: { readMailbox: readerOf(() => mailbox) },
    options: { conversations: true },
    master: { connect: async () => ({ session }) },
  } as unknown as EngineContext;
  const task = { entry: listed, onState: () => {} } as unknown as MailboxTask;
  assert.equal(await raiseCounter(context, task), true);
  return told;
}

test('a counter that is alone higher on the replica is told to the master', async () => {
  const [line] = await toldOf(1000);
  assert.equal(line?.xconvmodseq, 1000);
});

test('one beyond reason is told to nobody', async () => {
  await assert.rejects(toldOf(2 ** 52), { code: 'CONFLICT', mailbox: 'user.alice.Work' });
});
