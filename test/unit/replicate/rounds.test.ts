import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaMailbox, ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { inRounds } from '../../../src/replicate/jobs/in-rounds.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { Refresh } from '../../../src/store/master-store.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** A replica on which mailboxes named so are on another partition again, however often they are moved. */
function restless(session: ReplicaSession, isRestless: (name: string) => boolean): ReplicaSession {
  const moved = (mailboxes: ReplicaMailbox[]): ReplicaMailbox[] =>
    mailboxes.map((mailbox) => (isRestless(mailbox.name) ? { ...mailbox, partition: 'elsewhere' } : mailbox));
  return inPlaceOf(session, {
    getMailboxes: async (names) => moved(await session.getMailboxes(names)),
    getUser: async (userid) => {
      const user = await session.getUser(userid);
      return { ...user, mailboxes: moved(user.mailboxes) };
    },
    applyRename: async () => undefined,
  });
}

function isUnsettled(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'IMAP_SYNC_CHANGED' && error.retryable;
}

for (const [name, run] of Object.entries({
  runUser: (scene: EngineScene) => scene.runUser('anna'),
  runMailboxes: (scene: EngineScene) => scene.runMailboxes('user.anna.#sieve'),
  runMeta: (scene: EngineScene) => scene.runMeta('anna'),
})) {
  test(`names that do not settle in three rounds are a failure that may be tried again: ${name}`, async () => {
    await using scene = await EngineScene.start();
    scene.master.addUser('anna');
    scene.master.put('user.anna.#sieve', { messages: ['keep;'], entry: { type: 'f' } });
    await scene.runUser('anna');
    scene.through = (session) => restless(session, (mailbox) => mailbox.endsWith('#sieve'));
    let asked = 0;
    scene.master.refresh = async ({ uniqueids }: Refresh = {}) => {
      if (uniqueids === undefined) asked++;
    };
    await assert.rejects(run(scene), isUnsettled);
    assert.equal(asked, 3, 'a server that is the master is asked anew for each round');
  });
}

test('a user who is gone here is not taken as removed while names do not settle', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  scene.master.rename('user.anna.Work', 'DELETED.user.anna.Work.6B04D978');
  scene.master.bury('user.anna');
  scene.through = (session) => restless(session, () => true);
  await assert.rejects(scene.runUser('anna'), isUnsettled);
});

test('rounds end with the first that changes nothing', async () => {
  let rounds = 0;
  const outcome = await inRounds('anna', 'user anna', async () => (++rounds < 3 ? 'again' : 'settled'));
  assert.deepEqual([outcome, rounds], ['settled', 3]);
});

/** How often a line told of the mailboxes that are named, which is once for each look at them. */
function looks({ events }: EngineScene): number {
  return events.splice(0).filter(({ kind }) => kind === 'command:mailboxes').length;
}

test('mailboxes that are named are looked at once, and once more where names changed or one was refused as moved', async () => {
  await using scene = await EngineScene.start();
  const { master, replica } = scene;
  master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  scene.events.length = 0;
  master.append('user.anna.Work', 'one more');
  await scene.runMailboxes('user.anna', 'user.anna.Work');
  assert.equal(looks(scene), 1);
  master.rename('user.anna.Work', 'user.anna.Done');
  await scene.runMailboxes('user.anna.Work', 'user.anna.Done');
  assert.equal(looks(scene), 2);
  master.append('user.anna.Done', 'and one');
  const moved = {
    on: 'APPLY MAILBOX',
    mailbox: 'user.anna.Done',
    do: 'no',
    text: 'IMAP_MAILBOX_MOVED moved',
  } as const;
  replica.inject(moved);
  await scene.runMailboxes('user.anna.Done');
  assert.equal(looks(scene), 2);
  scene.assertSame('anna');
  master.append('user.anna.Done', 'and another');
  replica.inject({ ...moved, times: 9 });
  await assert.rejects(scene.runMailboxes('user.anna.Done'), {
    code: 'IMAP_MAILBOX_MOVED',
    mailbox: 'user.anna.Done',
  });
  assert.equal(looks(scene), 2, 'looking again a second time would find the same');
});

test('where conversations are counted a user is looked at once, and once more behind a merge, however often there is one', async () => {
  for (const [isMerged, looks] of [
    [false, 1],
    [true, 2],
  ] as const) {
    await using scene = await EngineScene.start();
    scene.master.conversations = true;
    scene.options = { ...scene.options, conversations: true };
    scene.master.addUser('anna', ['Work']);
    await scene.runUser('anna');
    let asked = 0;
    scene.through = (session) =>
      inPlaceOf(session, {
        getUser: async (userid) => {
          asked++;
          const answer = await session.getUser(userid);
          // Ahead of the master in the list alone, so that each look has one more to merge.
          if (isMerged) for (const mailbox of answer.mailboxes) mailbox.highestmodseq += 1000;
          return answer;
        },
      });
    assert.equal(await scene.runUser('anna'), 'synced');
    assert.equal(asked, looks);
    assert.equal(
      scene.events.some(({ kind }) => kind === 'mailbox:diverged'),
      isMerged,
    );
  }
});
