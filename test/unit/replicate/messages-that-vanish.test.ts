import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/*
 * Contract: a mailbox in which messages come and are removed for good all the time is brought to what it was at some
 * moment, however slow the replica answers: nothing is tried again until it happens to hold still.
 */

const INBOX = 'user.anna';

function removeForGood({ master }: EngineScene, uid: number): void {
  master.expunge(INBOX, uid);
  master.cleanUp(INBOX);
}

/** While the replica is waited for, the newest message here is removed for good and another one comes. */
function restless(scene: EngineScene): { changes: number } {
  const counted = { changes: 0 };
  const change = (): void => {
    const newest = scene.master.records(INBOX).at(-1);
    if (newest && newest.uid > 3) removeForGood(scene, newest.uid);
    scene.master.append(INBOX, `change ${counted.changes++}`);
  };
  scene.through = (session) => {
    const waited: Partial<ReplicaSession> = {};
    for (const method of [
      'window',
      'applyReserve',
      'applyMailbox',
      'getMailboxes',
      'getFullMailbox',
    ] as const) {
      const asked = (session[method] as (...args: unknown[]) => Promise<unknown>).bind(session);
      waited[method] = (async (...args: unknown[]) => {
        const answer = await asked(...args);
        change();
        return answer;
      }) as never;
    }
    return inPlaceOf(session, waited);
  };
  return counted;
}

async function scene(): Promise<EngineScene> {
  const made = await EngineScene.start();
  made.master.addUser('anna');
  for (const text of ['one', 'two']) made.master.append(INBOX, text);
  await made.runUser('anna');
  return made;
}

/** Once nothing changes any more, both sides come to have the same messages. */
async function assertFollows(made: EngineScene): Promise<void> {
  made.through = (session) => session;
  await made.runUser('anna');
  const { records = [] } = made.replica.inspect().mailboxes[INBOX] ?? {};
  const live = records.filter(({ flags }) => !flags.includes('\\Expunged'));
  assert.deepEqual(
    live.map(({ guid }) => guid),
    made.master.guids(INBOX),
  );
}

test('what is removed while the replica is waited for is sent all the same', async () => {
  await using made = await scene();
  const counted = restless(made);
  made.master.append(INBOX, 'new');
  await made.runUser('anna');
  assert.ok(counted.changes > 0);
  await assertFollows(made);
});

test('a merge of such a mailbox comes to an end', async () => {
  await using made = await scene();
  made.master.flag(INBOX, 1, () => ['\\Flagged']);
  made.master.append(INBOX, 'new');
  removeForGood(made, 4);
  const counted = restless(made);
  await made.runUser('anna');
  assert.ok(
    made.events.some(({ kind }) => kind === 'mailbox:diverged'),
    'it was a merge',
  );
  assert.ok(counted.changes > 0);
  await assertFollows(made);
});
