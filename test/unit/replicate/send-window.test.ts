import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** Octets: as in the settings of these tests. */
const WINDOW = 1024 * 1024;

/** The replica has much of anna that the master has not, and what is in flight is watched. */
async function withMuch(change: (anna: Awaited<ReturnType<ReplicaSession['getUser']>>) => void) {
  const scene = await EngineScene.start();
  scene.master.addUser('anna');
  await scene.runUser('anna');
  let most = 0;
  let commands = 0;
  let unanswered = 0;
  scene.through = (session) => {
    const watched =
      <Args extends unknown[]>(send: (...args: Args) => Promise<void>) =>
      (...args: Args): Promise<void> => {
        const sent = send(...args);
        commands++;
        unanswered++;
        most = Math.max(most, unanswered * LONG.length);
        return sent.finally(() => unanswered--);
      };
    let asked = false;
    return inPlaceOf(session, {
      getUser: async (userid) => {
        const answer = await session.getUser(userid);
        if (!asked) change(answer);
        asked = true;
        return answer;
      },
      applyUnsub: watched(session.applyUnsub),
      applyUnquota: watched(session.applyUnquota),
      applyUnmailbox: watched(session.applyUnmailbox),
    });
  };
  return {
    scene,
    flight: () => ({ most, commands }),
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

const COUNT = 3000;
/** Octets of each name, so that all commands together are several windows. */
const LONG = 'x'.repeat(900);

test('subscriptions to be removed, however many, go out as the replica answers', async () => {
  await using much = await withMuch(({ subscriptions }) => {
    for (let i = 0; i < COUNT; i++) subscriptions.push(`user.anna.${LONG}${i}`);
  });
  await much.scene.runUser('anna');
  const { most, commands } = much.flight();
  assert.equal(commands, COUNT);
  assert.ok(most < WINDOW + 2 * LONG.length, `${most} octets in flight`);
});

test('mailboxes to be removed, however many, go out as the replica answers', async () => {
  await using much = await withMuch(({ mailboxes }) => {
    const [inbox] = mailboxes;
    assert.ok(inbox);
    for (let i = 0; i < COUNT; i++) {
      mailboxes.push({ ...inbox, name: `user.anna.${LONG}${i}`, uniqueid: `id${i}` });
    }
  });
  much.scene.options = { ...much.scene.options, noCopyback: true };
  await much.scene.runUser('anna');
  const { most, commands } = much.flight();
  assert.equal(commands, COUNT);
  assert.ok(most < WINDOW + 2 * LONG.length, `${most} octets in flight`);
});
