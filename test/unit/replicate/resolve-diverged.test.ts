import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { resolveDiverged } from '../../../src/replicate/merge/resolve-diverged.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf, state } from '../../lab/engine-fakes.ts';

const listed = entry('user.alice.Work');
const another = entry('user.alice.Work', { uniqueid: 'another' });

/** A merge of `listed` while this is what has its name. */
function merge(here: MailboxEntry, there: MailboxEntry): Promise<unknown> {
  const context = {
    store: {
      readMailbox: readerOf(() => lockedMailbox(here, [record(1, 5)])),
      estimateMailbox: () => ({ messages: 1, octets: 1 }),
    },
    stage: new Stage({} as ReplicaSession),
    // Whatever else it is asked to do fails the test.
    session: { getFullMailbox: async () => remoteOf(there, state({ lastUid: 1, highestmodseq: 4 })) },
    options: {},
    emit: () => {},
  } as unknown as EngineContext;
  const task = { entry: listed, onState: () => {} } as unknown as MailboxTask;
  return resolveDiverged(context, task, 'checksum-refused', 'it was');
}

for (const [where, here, there] of [
  ['on the master', another, listed],
  ['on the replica', listed, another],
] as const) {
  test(`a mailbox is never merged with another that has its name by now ${where}`, async () => {
    await assert.rejects(
      merge(here, there),
      (error) => error instanceof SyncError && error.code === 'IMAP_MAILBOX_MOVED' && error.retryable,
    );
  });
}
