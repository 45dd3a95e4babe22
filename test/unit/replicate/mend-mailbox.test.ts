import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fault, mendMailbox } from '../../../src/replicate/jobs/mend-mailbox.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

const INBOX = 'user.anna';

/** Messages one, two and three in anna's INBOX, on both ends. */
async function alike(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', [], { uniqueid: 'inbox', messages: ['one', 'two', 'three'] });
  await scene.runUser('anna');
  scene.takeCommands();
  return scene;
}

async function mend(scene: EngineScene, fault: Fault = {}): Promise<void> {
  await mendMailbox(await scene.context(), { name: INBOX, userid: 'anna' }, fault);
}

/** Verbs of the commands that change something on the replica. */
function changes(scene: EngineScene): string[] {
  const verbs = scene.takeCommands().map((command) => command.split(' ')[0] ?? '');
  return verbs.filter((verb) => verb !== 'RESERVE');
}

test('a mailbox that is made anew on the replica has nothing uploaded that the replica still held', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  for (const text of ['one', 'two', 'three']) scene.master.append('user.anna', text);
  await scene.runUser('anna');
  scene.takeCommands();
  const context = await scene.context();
  await mendMailbox(context, { name: 'user.anna', userid: 'anna' }, {});
  assert.deepEqual(
    scene.takeCommands().map((command) => command.split(' ')[0]),
    ['RESERVE', 'UNMAILBOX'],
  );
  await runUser(context, 'anna');
  const commands = scene.takeCommands().map((command) => command.split(' ')[0]);
  assert.ok(commands.includes('MAILBOX') && !commands.includes('MESSAGE'), commands.join(' '));
  scene.assertSame('anna');
});

test('a record is sent again without the mailbox being made anew', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.append('user.anna', 'one');
  await scene.runUser('anna');
  scene.takeCommands();
  await mendMailbox(await scene.context(), { name: 'user.anna', userid: 'anna' }, { records: new Set([1]) });
  const [command = '', ...others] = scene.takeCommands();
  assert.match(command, /^MAILBOX .*RECORD \(%\(UID 1 /);
  assert.deepEqual(scene.events.at(-1), { kind: 'command:mailbox', name: INBOX, local: false });
  assert.deepEqual(others, []);
});

test('while another client has the user nothing is mended', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  await scene.runUser('anna');
  scene.takeCommands();
  const lock = scene.master.trySyncLock('replica', 'anna');
  await assert.rejects(mendMailbox(await scene.context(), { name: 'user.anna', userid: 'anna' }, {}), {
    code: 'USER_LOCKED',
  });
  lock?.[Symbol.dispose]();
  assert.deepEqual(scene.takeCommands(), []);
});

for (const [what, spoil, error] of [
  [
    'a message of its own',
    ({ master }) => void master.put(INBOX, { uniqueid: 'inbox', messages: ['one', 'two'] }),
    { code: 'CONFLICT', message: /message 3 of its own/ },
  ],
  [
    'another message under a UID',
    ({ master }) => void master.put(INBOX, { uniqueid: 'inbox', messages: ['one', 'zwei', 'three'] }),
    { code: 'CONFLICT', message: /message 2 of its own/ },
  ],
  [
    'an expunged message that is cleaned up here',
    async (scene) => {
      scene.master.expunge(INBOX, 2);
      await scene.runUser('anna');
      scene.takeCommands();
      scene.master.cleanUp(INBOX);
    },
    { code: 'CONFLICT', message: /expunged message 2/ },
  ],
] as [string, (scene: EngineScene) => void | Promise<void>, object][]) {
  test(`where the replica has ${what} its mailbox is made anew under -O alone`, async () => {
    await using scene = await alike();
    await spoil(scene);
    await assert.rejects(mend(scene), { mailbox: INBOX, ...error });
    assert.deepEqual(changes(scene), []);
    scene.options = { ...scene.options, noCopyback: true };
    await mend(scene);
    assert.deepEqual(changes(scene), ['UNMAILBOX']);
    assert.deepEqual(scene.events.at(-1), { kind: 'command:unmailbox', name: INBOX, local: false });
  });
}

for (const [what, spoil, error] of [
  [
    'another mailbox has its name there',
    ({ master }) => void master.put(INBOX, { uniqueid: 'other', messages: ['one', 'two', 'three'] }),
    { code: 'CONFLICT', message: /another mailbox of this name/ },
  ],
  [
    'it holds no mail',
    ({ master }) => void master.put(INBOX, { uniqueid: 'inbox', entry: { type: 'c' } }),
    { code: 'IMAP_MAILBOX_NOTSUPPORTED' },
  ],
  [
    'a message is damaged here',
    ({ master }) => void master.damagedMessages.set(INBOX, new Set([3])),
    { code: 'MESSAGE_UNREADABLE', message: /^message 3 is damaged here/ },
  ],
  [
    'a message cannot be read here for another reason',
    ({ master }) => void master.unreadable.set(INBOX, new SyncError('IO', 'EACCES')),
    { code: 'IO' },
  ],
] as [string, (scene: EngineScene) => void, object][]) {
  test(`a mailbox stays on the replica, whatever the options, where ${what}`, async () => {
    await using scene = await alike();
    spoil(scene);
    for (const noCopyback of [false, true]) {
      scene.options = { ...scene.options, noCopyback };
      await assert.rejects(mend(scene), error);
      assert.deepEqual(changes(scene), []);
    }
  });
}

test('every message is read before a mailbox goes, the last of many too', async () => {
  await using scene = await alike();
  const { master } = scene;
  for (let count = 4; count <= 600; count++) master.append(INBOX, `message ${count}`);
  await scene.runUser('anna');
  scene.takeCommands();
  for (const uid of [1, 256, 257, 513, 600]) {
    master.damagedMessages.set(INBOX, new Set([uid]));
    await assert.rejects(mend(scene), {
      code: 'MESSAGE_UNREADABLE',
      message: new RegExp(`^message ${uid} `),
    });
  }
  assert.deepEqual(changes(scene), []);
});

test('a mailbox that was deleted here is not made anew', async () => {
  await using scene = await alike();
  scene.master.bury(INBOX);
  await mend(scene);
  assert.deepEqual(changes(scene), []);
});

for (const [what, change] of [
  ['got a message', { lastUid: 4 }],
  ['got a flag', { highestmodseq: 1_000 }],
  ['has other records', { crcBasic: 1 }],
  ['is gone', undefined],
] as const) {
  test(`a mailbox that ${what} on the replica meanwhile is not removed, and may be tried again`, async () => {
    await using scene = await alike();
    scene.through = (session) =>
      inPlaceOf(session, {
        getMailboxes: async (names) =>
          change ? (await session.getMailboxes(names)).map((mailbox) => ({ ...mailbox, ...change })) : [],
      });
    await assert.rejects(mend(scene), { code: 'IMAP_SYNC_CHANGED', mailbox: INBOX, retryable: true });
    assert.deepEqual(changes(scene), []);
  });
}

test('where the replica refuses a correction its mailbox is made anew, and where the link breaks it stays', async () => {
  await using scene = await alike();
  const records = new Set([1]);
  scene.replica.inject({ on: 'APPLY MAILBOX', do: 'no', text: 'IMAP_SYNC_CHANGED Changed' });
  await mend(scene, { records });
  assert.deepEqual(changes(scene).at(-1), 'UNMAILBOX');
  await scene.runUser('anna');
  scene.takeCommands();
  scene.replica.inject({ on: 'APPLY MAILBOX', do: 'cut-before' });
  await assert.rejects(mend(scene, { records }), { family: 'link' });
  assert.ok(scene.replica.inspect().mailboxes[INBOX]);
});

test('where a record is not here as it is to be sent the mailbox is made anew', async () => {
  for (const uid of [2, 9]) {
    await using scene = await alike();
    scene.master.expunge(INBOX, 2);
    await scene.runUser('anna');
    scene.takeCommands();
    await mend(scene, { records: new Set([1, uid]) });
    assert.deepEqual(changes(scene), ['UNMAILBOX']);
  }
});

test('a mailbox that the replica has lost is told to be lost, whatever was to be mended of it', async () => {
  await using scene = await alike();
  const { session } = await scene.context();
  await session.applyUnmailbox(INBOX, false);
  for (const fault of [{}, { records: new Set([1]) }])
    await assert.rejects(mend(scene, fault), { code: 'IMAP_MAILBOX_NONEXISTENT' });
});
