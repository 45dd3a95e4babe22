import assert from 'node:assert/strict';
import test from 'node:test';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { rejection } from '../../lab/errors.ts';

/*
 * Contract: a user who is new on the replica and has folders gets the quota before them, so that the replica need not go
 * through them again. Whatever goes wrong with that, the mail comes, and the quota behind it.
 */

const LIMITS = { storage: 10, messages: -1, annotationStorage: -1, folders: -1, modseq: 1 };
const INBOX = 'user.anna';

async function withUser(
  folders: readonly string[],
  quotas: readonly string[] = [INBOX],
): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', folders, { messages: ['one', 'two'] });
  for (const root of quotas) scene.master.quotas.set(root, { root, ...LIMITS });
  return scene;
}

/** `MAILBOX`, `QUOTA` and what else names mailboxes, with the name, in the order of sending. */
function sent(scene: EngineScene): string[] {
  return scene.takeCommands().flatMap((command) => {
    const [verb = ''] = command.split(' ', 1);
    const name = /(?:MBOXNAME|ROOT|NEWMBOXNAME) (\S+)/.exec(command)?.[1];
    return name === undefined ? [] : [`${verb} ${name}`];
  });
}

/** Empty: for its quota, or because it is the first on its partition that this connection has to do with. */
const MADE = `MAILBOX ${INBOX}`;
const FOLDERS_SENT = [`MAILBOX ${INBOX}`, `MAILBOX ${INBOX}.Sent`, `MAILBOX ${INBOX}.Work`];

test('the INBOX is made, then the quota is set, then all is filled; the next run has nothing to send', async () => {
  await using scene = await withUser(['Sent', 'Work']);
  await scene.runUser('anna');
  assert.deepEqual(sent(scene), [MADE, `QUOTA ${INBOX}`, ...FOLDERS_SENT]);
  scene.assertSame('anna');
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
});

test('of few mailboxes the quota comes behind them, as does that of a folder', async () => {
  await using few = await withUser(['Sent']);
  await few.runUser('anna');
  assert.deepEqual(sent(few), [MADE, `MAILBOX ${INBOX}`, `MAILBOX ${INBOX}.Sent`, `QUOTA ${INBOX}`]);
  await using below = await withUser(['Sent', 'Work'], [`${INBOX}.Work`]);
  await below.runUser('anna');
  assert.deepEqual(sent(below), [MADE, ...FOLDERS_SENT, `QUOTA ${INBOX}.Work`]);
  await using both = await withUser(['Sent', 'Work'], [INBOX, `${INBOX}.Work`]);
  await both.runUser('anna');
  const expected = [MADE, `QUOTA ${INBOX}`, ...FOLDERS_SENT, `QUOTA ${INBOX}.Work`];
  assert.deepEqual(sent(both), expected);
});

test('where the replica has something of the user, the quota comes behind the mailboxes', async () => {
  await using scene = await withUser(['Sent', 'Work'], []);
  await scene.runUser('anna');
  scene.takeCommands();
  scene.master.quotas.set(INBOX, { root: INBOX, ...LIMITS });
  scene.master.append(INBOX, 'three');
  await scene.runUser('anna');
  assert.deepEqual(sent(scene), [`MAILBOX ${INBOX}`, `QUOTA ${INBOX}`]);
});

test('a user who was renamed here is renamed there, before anything is made', async () => {
  await using scene = await withUser(['Sent', 'Work']);
  const { master } = scene;
  await scene.runUser('anna');
  for (const folder of ['', '.Sent', '.Work']) master.rename(`${INBOX}${folder}`, `user.bert${folder}`);
  master.quotas.clear();
  master.quotas.set('user.bert', { root: 'user.bert', ...LIMITS });
  scene.takeCommands();
  await scene.runUser('bert');
  assert.match(sent(scene)[0] ?? '', /^RENAME /);
  scene.assertSame('bert');
});

test('an INBOX that cannot be made at first, and a lock that others keep, cost neither mail nor quota', async () => {
  await using refused = await withUser(['Sent', 'Work']);
  refused.replica.inject({ on: 'APPLY MAILBOX', mailbox: INBOX, do: 'no', times: 1 });
  await refused.runUser('anna');
  assert.deepEqual(sent(refused).slice(-4), [...FOLDERS_SENT, `QUOTA ${INBOX}`]);
  refused.assertSame('anna');

  await using locked = await withUser(['Sent', 'Work']);
  const context = await locked.context();
  const hold = context.quotaRootLock.hold.bind(context.quotaRootLock);
  context.quotaRootLock.hold = async (parts, patienceMs) => {
    if (patienceMs !== undefined) throw new SyncError('LOCK_TIMEOUT', 'others have it', { phase: 'quota' });
    return await hold(parts);
  };
  await runUser(context, 'anna');
  assert.deepEqual(sent(locked), [MADE, ...FOLDERS_SENT, `QUOTA ${INBOX}`]);
});

test('a quota that the replica refuses is one failure, and all else arrives', async () => {
  await using scene = await withUser(['Sent', 'Work']);
  scene.replica.inject({ on: 'APPLY QUOTA', do: 'no', times: 2 });
  const error = await rejection(scene.runUser('anna'));
  assert.deepEqual([error.phase, error.leaves], ['quota', 'metadata-differs']);
  assert.doesNotMatch(error.message, /more failures/);
  scene.assertSame('anna');
});
