import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession, ReplicaSieve, ReplicaUser } from '../../../src/protocol/replica-session.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { sendSieve } from '../../../src/replicate/user-data/send-sieve.ts';
import { nameInText } from '../../../src/report/name-in-text.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MasterStore, SieveState } from '../../../src/store/master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const damage = new SyncError('MAILBOX_DAMAGED', 'cyrus.header: damaged');

function verbs(commands: readonly string[]): string[] {
  return commands.map(
    (command) => /^(\w+)(?:.*MBOXNAME (\S+))?/.exec(command)?.slice(1, 3).join(' ') ?? command,
  );
}

test('a folder that fails holds back what is below it, and nothing else', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Sent', 'Work', 'Work.2024', 'Work.2024.May']);
  master.subscribe('anna', 'user.anna.Work');
  master.damaged.set('user.anna.Work', damage);
  await assert.rejects(scene.runUser('anna'), {
    code: 'MAILBOX_DAMAGED',
    message: /\(and 2 below it not sent\)$/,
  });
  const there = Object.keys(scene.replica.inspect().mailboxes);
  assert.deepEqual(there.sort(), ['user.anna', 'user.anna.Sent']);
  assert.deepEqual(
    scene.logged().filter((text) => text.includes('Work.')),
    [],
    'folders that only wait for another are not reported one by one',
  );
  master.damaged.clear();
  await scene.runUser('anna');
  scene.assertSame('anna');
});

test('a folder that is under way stops when the INBOX turns out to fail', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('bob');
  master.addUser('anna', ['Sent', 'Work']);
  const context = await scene.context();
  // The partition is known from here on, so that no empty INBOX is made to find it out.
  await runUser(context, 'bob');
  master.unreadable.set('user.anna', damage);
  scene.takeCommands();
  await assert.rejects(runUser(context, 'anna'), {
    code: 'MAILBOX_DAMAGED',
    message: /\(and 2 below it not sent\)$/,
  });
  assert.deepEqual(
    verbs(scene.takeCommands()).filter((verb) => verb.startsWith('MAILBOX')),
    [],
  );
});

test('a folder with nothing to upload is not sent once the messages of the INBOX were refused', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('bob');
  master.addUser('anna');
  master.put('user.anna.Sent');
  const context = await scene.context();
  await runUser(context, 'bob');
  scene.replica.inject({ on: 'APPLY MESSAGE', do: 'no' });
  scene.takeCommands();
  await assert.rejects(runUser(context, 'anna'), { message: /\(and 1 below it not sent\)$/ });
  assert.deepEqual(
    verbs(scene.takeCommands()).filter((verb) => verb.startsWith('MAILBOX')),
    [],
  );
});

test('an INBOX that the replica refuses is blamed for the folders that went along with it', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('bob');
  master.addUser('anna', ['Sent', 'Work']);
  master.subscribe('anna', 'user.anna.Work');
  const context = await scene.context();
  await runUser(context, 'bob');
  // A real replica refuses folders of nobody as well, without a reason.
  scene.replica.inject({ on: 'APPLY MAILBOX', user: 'anna', times: 3, do: 'no' });
  await assert.rejects(runUser(context, 'anna'), {
    mailbox: 'user.anna',
    message: /\(and 2 below it not sent\)$/,
  });
  assert.deepEqual(
    scene.logged().filter((text) => /user\.anna\./.test(text)),
    [],
  );
  await runUser(context, 'anna');
  scene.assertSame('anna');
});

test("folders and personal data do not go to another user's INBOX of the same name", async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna');
  await scene.runUser('anna');
  // Another anna, of whom the replica knows nothing yet.
  master.addUser('anna', ['Work']);
  master.subscribe('anna', 'user.anna.Work');
  master.read('anna', 'somewhere', '1');
  scene.takeCommands();
  await assert.rejects(scene.runUser('anna'), { code: 'IMAP_MAILBOX_MOVED' });
  assert.deepEqual(scene.takeCommands(), []);
});

test('what a mailbox holds is not sent to a name that it could not be given', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Work', 'Other']);
  await scene.runUser('anna');
  master.rename('user.anna.Work', 'user.anna.Done');
  master.append('user.anna.Done', 'another');
  master.put('user.anna.Done.2024', { messages: ['new'] });
  master.append('user.anna.Other', 'another');
  scene.replica.inject({ on: 'APPLY RENAME', do: 'no' });
  scene.takeCommands();
  await assert.rejects(scene.runUser('anna'), { mailbox: 'user.anna.Done' });
  assert.deepEqual(verbs(scene.takeCommands()), [
    'RENAME user.anna.Done',
    'MESSAGE ',
    'MAILBOX user.anna.Other',
  ]);
  await scene.runUser('anna');
  scene.assertSame('anna');
});

const COMPILED = { lastUpdate: 0, guid: '0'.repeat(40) };

/** Commands that are sent when the master has `next` as its one script, active, and the replica `last`. */
async function sieveCommands(refused: keyof ReplicaSession): Promise<string[]> {
  const sent: string[] = [];
  const note = (verb: keyof ReplicaSession) => async (_user: string, filename?: string) => {
    sent.push(`${verb} ${filename}`);
    if (verb === refused) throw new SyncError('IMAP_SYNC_BADSIEVE', 'no', { family: 'refused' });
  };
  const state: SieveState = {
    source: 'directory',
    scripts: [
      { filename: 'next.script', lastUpdate: 1, guid: 'a'.repeat(40), content: Buffer.from('keep;') },
    ],
    active: 'next.bc',
  };
  const sieve: ReplicaSieve[] = [
    { filename: 'last.script', lastUpdate: 1, guid: 'b'.repeat(40), active: false },
    { filename: 'last.bc', ...COMPILED, active: true },
    { filename: 'idle.script', lastUpdate: 1, guid: 'c'.repeat(40), active: false },
  ];
  const session: Partial<ReplicaSession> = {
    window: async () => {},
    applySieve: note('applySieve'),
    applyActivateSieve: note('applyActivateSieve'),
    applyUnsieve: note('applyUnsieve'),
  };
  const part = { session, store: { sieve: async () => state } as Partial<MasterStore>, emit: () => {} };
  const replica: ReplicaUser = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve };
  const failures = new Failures('anna');
  await sendSieve(part as Parameters<typeof sendSieve>[0], 'anna', replica, failures);
  assert.equal(failures.count > 0, refused !== 'noop');
  return sent;
}

test('the active script stays on a replica that refuses the one after it, or to activate that', async () => {
  assert.deepEqual(await sieveCommands('applySieve'), ['applySieve next.script', 'applyUnsieve idle.script']);
  assert.deepEqual(await sieveCommands('applyActivateSieve'), [
    'applySieve next.script',
    'applyActivateSieve next.bc',
    'applyUnsieve idle.script',
  ]);
  assert.deepEqual(await sieveCommands('noop'), [
    'applySieve next.script',
    'applyActivateSieve next.bc',
    'applyUnsieve last.script',
    'applyUnsieve idle.script',
  ]);
});

test('a mailbox that is set aside is not sent, and fails by name; everything else of the user is done', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Bad', 'Bad.Below', 'Work']);
  master.subscribe('anna', 'user.anna.Work');
  const error = new SyncError('LINK_BROKEN', 'zero length response', { family: 'link' }).toData();
  const context = await scene.context({ setAside: [{ mailbox: 'user.anna.Bad', error }] });
  await assert.rejects(runUser(context, 'anna'), {
    code: 'BREAKS_LINK',
    family: 'refused',
    mailbox: 'user.anna.Bad',
    message: /zero length response.*\(and 1 below it not sent\)$/,
  });
  const { mailboxes } = scene.replica.inspect();
  assert.deepEqual(Object.keys(mailboxes).sort(), ['user.anna', 'user.anna.Work']);
  assert.ok(scene.takeCommands().some((command) => command.startsWith('SUB ')));
  await scene.runUser('anna');
  scene.assertSame('anna');
});

test('a folder that is named alone is sent only where the replica has the INBOX, and this one', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Work', 'Work.2024']);
  const missing = {
    code: 'IMAP_MAILBOX_NONEXISTENT',
    message: new RegExp(`${nameInText('user.anna')} is missing on the replica`),
  };
  await assert.rejects(scene.runMailboxes('user.anna.Work'), missing);
  await assert.rejects(scene.runMailboxes('user.anna.Work', 'user.anna.Work.2024'), missing);
  assert.deepEqual(scene.takeCommands(), []);
  await scene.runMailboxes('user.anna');
  scene.takeCommands();
  await assert.rejects(scene.runMailboxes('user.anna.Work.2024'), {
    message: new RegExp(`${nameInText('user.anna.Work')} is missing on the replica`),
  });
  assert.deepEqual(scene.takeCommands(), []);
  await scene.runMailboxes('user.anna.Work.2024', 'user.anna.Work');
  scene.assertSame('anna');
  master.addUser('anna', ['Work', 'New']);
  scene.takeCommands();
  await assert.rejects(scene.runMailboxes('user.anna.New'), missing, "the INBOX there is a former user's");
  assert.deepEqual(scene.takeCommands(), []);
});
