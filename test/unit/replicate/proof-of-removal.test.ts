import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action, ActionResult } from '../../../src/replicate/jobs/action.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxEntry, Refresh } from '../../../src/store/master-store.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** Nothing is removed from the replica without proof that it was deleted here (design, decision 15). */

const unuser: Action = { kind: 'unuser', userid: 'anna' };

function kinds(results: readonly ActionResult[]): string[] {
  return results.map(({ kind }) => kind);
}

/** Anna with a folder, alike on both ends. */
async function withAnna(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  scene.master.subscribe('anna', 'user.anna.Work');
  scene.master.read('anna', 'somewhere', '1:3');
  await scene.runUser('anna');
  scene.takeCommands();
  return scene;
}

test('a mailbox that was deleted here is removed', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna.Work');
  assert.deepEqual(kinds(await scene.runActions(['anna'], { kind: 'unmailbox', name: 'user.anna.Work' })), [
    'done',
  ]);
  assert.deepEqual(scene.takeCommands(), ['UNMAILBOX user.anna.Work']);
});

test('a mailbox that was deleted with others below it leaves an intermediate of its uniqueid, and is removed; by another one it is not', async () => {
  for (const [uniqueid, commands] of [
    [undefined, ['UNMAILBOX user.anna.Work']],
    ['another', []],
  ] as const) {
    await using scene = await withAnna();
    const { master } = scene;
    const own = master.lookup('user.anna.Work')?.uniqueid;
    master.put('user.anna.Work', { uniqueid: uniqueid ?? own ?? '', entry: { intermediate: true } });
    await scene.runActions(['anna'], { kind: 'unmailbox', name: 'user.anna.Work' });
    assert.deepEqual(scene.takeCommands(), commands);
  }
});

test('a user of whom the log names the mailboxes alone goes with what is kept by the name, once none is left on either side', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  const inbox = master.lookup('user.anna')?.uniqueid ?? '';
  master.bury('user.anna.Work');
  master.put('user.anna', { uniqueid: inbox, entry: { intermediate: true } });
  const lines = ['user.anna', 'user.anna.Work'].map((name): Action => ({ kind: 'unmailbox', name }));
  assert.deepEqual(kinds(await scene.runActions(['anna'], ...lines)), ['done', 'done']);
  assert.deepEqual(scene.takeCommands(), ['UNMAILBOX user.anna', 'UNMAILBOX user.anna.Work', 'UNUSER anna']);
});

test('what is kept by the name of a user goes with the line of the INBOX, not with that of a folder', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  for (const name of ['user.anna.Work', 'user.anna']) master.bury(name);
  for (const [name, commands] of [
    ['user.anna.Work', ['UNMAILBOX user.anna.Work']],
    ['user.anna', ['UNMAILBOX user.anna', 'UNUSER anna']],
  ] as const) {
    assert.deepEqual(kinds(await scene.runActions(['anna'], { kind: 'unmailbox', name })), ['done']);
    assert.deepEqual(scene.takeCommands(), commands);
  }
});

for (const [what, name, goes] of [
  ['a folder that nothing here explains', 'user.anna.Other', false],
  ['a folder that was deleted there', 'DELETED.user.anna.Other.6B04D978', true],
] as const) {
  test(`where the replica has ${what}, what is kept by the name of a user ${goes ? 'goes' : 'stays'}`, async () => {
    await using scene = await withAnna();
    const { master } = scene;
    master.put(name, { messages: [] });
    await scene.runMailboxes(name);
    master.forget(name);
    for (const own of ['user.anna', 'user.anna.Work']) master.bury(own);
    scene.takeCommands();
    const lines = ['user.anna', 'user.anna.Work'].map((own): Action => ({ kind: 'unmailbox', name: own }));
    assert.deepEqual(kinds(await scene.runActions(['anna'], ...lines)), ['done', 'done']);
    assert.equal(scene.takeCommands().includes('UNUSER anna'), goes);
    assert.ok(scene.replica.inspect().mailboxes[name]);
  });
}

test('a mailbox that was deleted and made again is not removed', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna.Work');
  scene.master.put('user.anna.Work', { messages: ['of the new one'] });
  assert.deepEqual(kinds(await scene.runActions(['anna'], { kind: 'unmailbox', name: 'user.anna.Work' })), [
    'done',
  ]);
  assert.deepEqual(scene.takeCommands(), []);
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
});

test('a name that nobody has here, and no tombstone either, proves nothing', async () => {
  await using scene = await withAnna();
  scene.master.forget('user.anna.Work');
  await scene.runActions(['anna'], { kind: 'unmailbox', name: 'user.anna.Work' });
  assert.deepEqual(scene.takeCommands(), []);
});

test('a mailbox that lives on under another name is not removed under the old one, where the replica has it still', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  master.rename('user.anna.Work', 'user.anna.Done');
  replica.inject({ on: 'APPLY RENAME', do: 'no', text: 'IMAP_PERMISSION_DENIED Permission denied' });
  const results = await scene.runActions(
    ['anna'],
    { kind: 'mailboxes', names: ['user.anna.Work', 'user.anna.Done'] },
    { kind: 'unmailbox', name: 'user.anna.Work' },
  );
  assert.deepEqual(kinds(results), ['failed', 'failed']);
  assert.ok(replica.inspect().mailboxes['user.anna.Work'], 'what will be renamed');
  await scene.runActions(['anna'], { kind: 'user', userid: 'anna' });
  assert.deepEqual(kinds(await scene.runActions(['anna'], { kind: 'unmailbox', name: 'user.anna.Work' })), [
    'done',
  ]);
  scene.assertSame('anna');
});

test('a mailbox that was renamed and then deleted is removed under the name that the replica has it by', async () => {
  await using scene = await withAnna();
  scene.master.rename('user.anna.Work', 'user.anna.Done');
  scene.master.bury('user.anna.Done');
  const results = await scene.runActions(
    ['anna'],
    { kind: 'mailboxes', names: ['user.anna.Work', 'user.anna.Done'] },
    { kind: 'unmailbox', name: 'user.anna.Done' },
  );
  assert.deepEqual(kinds(results), ['done', 'done']);
  assert.deepEqual(scene.takeCommands(), ['UNMAILBOX user.anna.Work']);
});

test('a mailbox of which only the tombstone of its former name is left is removed under that', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  const { uniqueid } = master.lookup('user.anna.Work') ?? {};
  master.rename('user.anna.Work', 'user.anna.Done');
  master.put('user.anna.Done', { uniqueid: 'none', entry: { deleted: true } });
  assert.equal(master.lookup('user.anna.Work')?.uniqueid, uniqueid);
  // Cyrus 3.12 has no row by the uniqueid of a mailbox that was deleted at once.
  master.lookupUniqueid = () => undefined;
  await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna.Work', 'user.anna.Done'] });
  assert.deepEqual(scene.takeCommands(), ['UNMAILBOX user.anna.Work']);
});

test('what a former user of the name had, who was renamed and then deleted, makes room as a deleted mailbox', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  const [inbox, work] = ['user.anna', 'user.anna.Work'].map((name) => master.lookup(name)?.uniqueid);
  master.renameUser('anna', 'berta');
  master.rename('user.berta.Work', 'DELETED.user.berta.Work.6B04D978');
  master.rename('user.berta', 'DELETED.user.berta.6B04D978');
  master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  const there = replica.inspect().mailboxes;
  assert.equal(there['DELETED.user.berta.6B04D978']?.uniqueid, inbox);
  assert.equal(there['DELETED.user.berta.Work.6B04D978']?.uniqueid, work);
  scene.assertSame('anna');
  scene.takeCommands();
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
});

test('a folder that went to nobody and was deleted there waits for whoever replicates what is shared', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  const deleted = 'DELETED.shared.6B04D978';
  master.rename('user.anna.Work', 'shared');
  master.rename('shared', deleted);
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
  await scene.runMailboxes(deleted);
  assert.deepEqual(Object.keys(replica.inspect().mailboxes).sort(), [deleted, 'user.anna']);
});

test('a mailbox whose name was deleted here, but not this one under it, is left alone by a line of the log', async () => {
  await using scene = await withAnna();
  scene.master.forget('user.anna.Work');
  scene.master.put('user.anna.Work', { messages: [] });
  scene.master.bury('user.anna.Work');
  await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna.Work'] });
  assert.deepEqual(scene.takeCommands(), []);
});

test('a mailbox that somebody names, who has not the log to say so, is not removed', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna.Work');
  await scene.runMailboxes('user.anna.Work');
  assert.deepEqual(scene.takeCommands(), []);
});

test('a name that was given up after it was listed takes no mailbox away from the name that it has here', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  master.addUser('bob');
  master.put('user.bob.Before', { uniqueid: master.lookup('user.anna.Work')?.uniqueid ?? '' });
  master.rename('user.bob.Before', 'user.bob.Twin');
  scene.through = (session) =>
    inPlaceOf(session, {
      getUniqueids: async (uniqueids) => {
        const found = await session.getUniqueids(uniqueids);
        master.forget('user.bob.Twin');
        return found;
      },
    });
  await scene.runUser('bob');
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
  assert.deepEqual(
    scene.takeCommands().filter((command) => command.startsWith('RENAME')),
    [],
  );
});

test('a mailbox that was renamed, and once more after it was listed, is not removed under its first name', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  // A list up to 3.4 is not keyed by uniqueids: it tells of those that were asked for.
  const told = new Map<string, MailboxEntry | undefined>();
  const find = master.lookupUniqueid.bind(master);
  master.refresh = async ({ uniqueids = [] }: Refresh = {}) => {
    for (const uniqueid of uniqueids) told.set(uniqueid, find(uniqueid));
  };
  master.lookupUniqueid = (uniqueid) => told.get(uniqueid);
  master.rename('user.anna.Work', 'user.anna.Done');
  scene.through = (session) =>
    inPlaceOf(session, {
      getUniqueids: async (uniqueids) => {
        if (master.lookup('user.anna.Done')?.deleted === false)
          master.rename('user.anna.Done', 'DELETED.user.anna.Done.6B04D978');
        return await session.getUniqueids(uniqueids);
      },
    });
  await scene.runActions(['anna'], { kind: 'mailboxes', names: ['user.anna.Work', 'user.anna.Done'] });
  assert.deepEqual(scene.takeCommands(), []);
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work'], 'where the next line finds it');
});

test('a removal that is done already is no failure', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna.Work');
  const unmailbox: Action = { kind: 'unmailbox', name: 'user.anna.Work' };
  await scene.runActions(['anna'], unmailbox);
  assert.deepEqual(kinds(await scene.runActions(['anna'], unmailbox)), ['done']);
});

test('a user is not removed when something before it in the unit failed', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  master.bury('user.anna.Work');
  master.bury('user.anna');
  master.addUser('bob');
  master.damaged.set('user.bob', new SyncError('MAILBOX_DAMAGED', 'its header cannot be read'));
  const results = await scene.runActions(
    ['anna', 'bob'],
    { kind: 'mailboxes', names: ['user.bob'] },
    { kind: 'quota', root: 'user.anna' },
    unuser,
  );
  assert.deepEqual(kinds(results), ['failed', 'done', 'untouched']);
  const [, , last] = results;
  assert.equal(last?.kind === 'untouched' && last.error.code, 'MAILBOX_DAMAGED', 'which says why');
  assert.ok(!scene.takeCommands().includes('UNUSER anna'));
  assert.ok(scene.replica.inspect().mailboxes['user.anna']);
});

test('a user is removed once everything before it in the unit is done', async () => {
  await using scene = await withAnna();
  for (const name of ['user.anna.Work', 'user.anna']) scene.master.bury(name);
  const results = await scene.runActions(['anna'], { kind: 'quota', root: 'user.anna' }, unuser);
  assert.deepEqual(kinds(results), ['done', 'done']);
  assert.deepEqual(scene.takeCommands(), ['UNQUOTA user.anna', 'UNUSER anna']);
});

test('a user whose mailboxes live on under another name goes only after they were renamed', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  master.renameUser('anna', 'bob');
  replica.inject({ on: 'APPLY RENAME', do: 'no', text: 'IMAP_PERMISSION_DENIED Permission denied' });
  assert.deepEqual(kinds(await scene.runActions(['anna'], unuser)), ['failed']);
  assert.ok(replica.inspect().mailboxes['user.anna'], 'what will be renamed');
  assert.deepEqual(kinds(await scene.runActions(['anna'], unuser)), ['done']);
  scene.assertSame('bob');
});

test('a user is not removed whose renamed mailboxes cannot be replicated', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  // Deleted here, and one folder went to nobody's namespace.
  master.rename('user.anna.Work', 'shared');
  master.bury('user.anna');
  assert.deepEqual(kinds(await scene.runActions(['anna'], unuser)), ['failed']);
  assert.ok(!scene.takeCommands().includes('UNUSER anna'));
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
});

test('a user who is gone here is removed mailbox by mailbox, and what is left then', async () => {
  await using scene = await withAnna();
  for (const name of ['user.anna.Work', 'user.anna']) scene.master.bury(name);
  assert.equal(await scene.runUser('anna'), 'synced');
  assert.equal(scene.takeCommands().at(-1), 'UNUSER anna');
  assert.deepEqual(scene.replica.inspect().mailboxes, {});
  assert.equal(await scene.runUser('anna'), 'absent', 'nothing is left to do');
  assert.deepEqual(scene.takeCommands(), []);
});

test('a server that is the master is asked of a user who is gone once more for each further round', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  for (const name of ['user.anna.Work', 'user.anna']) master.bury(name);
  const asked: Refresh[] = [];
  master.refresh = async (of: Refresh = {}) => {
    if (of.users) asked.push(of);
  };
  await scene.runUser('anna');
  assert.deepEqual(asked, [{ users: ['anna'] }, { users: ['anna'] }]);
});

test('a user who is gone here keeps on the replica what has no tombstone here, and everything that goes by the name', async () => {
  await using scene = await withAnna();
  scene.master.forget('user.anna.Work');
  scene.master.bury('user.anna');
  assert.equal(await scene.runUser('anna'), 'synced');
  assert.deepEqual(scene.takeCommands(), ['UNMAILBOX user.anna']);
  assert.equal(await scene.runUser('anna'), 'absent');
  assert.deepEqual(scene.takeCommands(), []);
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
});

for (const [what, command] of [
  ['a mailbox', 'APPLY UNMAILBOX'],
  ['the quota', 'APPLY UNQUOTA'],
] as const) {
  test(`a user who is gone here, and of whom the replica keeps ${what}, is no success`, async () => {
    await using scene = await EngineScene.start();
    const { master, replica } = scene;
    master.addUser('anna', ['Work']);
    const limits = { storage: 1000, messages: -1, annotationStorage: -1, folders: -1, modseq: 1 };
    master.quotas.set('user.anna', { root: 'user.anna', ...limits });
    await scene.runUser('anna');
    for (const name of ['user.anna.Work', 'user.anna']) master.bury(name);
    master.quotas.clear();
    scene.takeCommands();
    const struck = replica.inject({
      on: command,
      do: 'no',
      text: 'IMAP_PERMISSION_DENIED Permission denied',
    });
    await assert.rejects(scene.runUser('anna'), { code: 'IMAP_PERMISSION_DENIED', user: 'anna' });
    assert.equal(struck(), 1);
    assert.ok(!scene.takeCommands().includes('UNUSER anna'));
    await scene.runUser('anna');
    assert.deepEqual(replica.inspect().mailboxes, {});
  });
}

test('a user whose INBOX alone is gone here keeps everything that goes by the name', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna');
  await scene.runUser('anna');
  assert.ok(!scene.takeCommands().includes('UNUSER anna'));
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
});

test('a folder that appeared here after its INBOX was gone is not removed along with the name', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  master.bury('user.anna.Work');
  await scene.runUser('anna');
  master.put('user.anna.Late', { messages: ['kept'] });
  master.bury('user.anna');
  await scene.runUser('anna');
  assert.ok(!scene.takeCommands().includes('UNUSER anna'));
  assert.ok(replica.inspect().mailboxes['user.anna.Late']);
});

test('a user who lost the INBOX alone keeps the folders that live on here, whatever the log says', async () => {
  await using scene = await withAnna();
  scene.master.bury('user.anna');
  assert.deepEqual(kinds(await scene.runActions(['anna'], unuser)), ['done']);
  assert.ok(!scene.takeCommands().includes('UNUSER anna'));
  assert.ok(scene.replica.inspect().mailboxes['user.anna.Work']);
});

test('a name that was used again gets its new user at once, behind the former one, where nothing ties the two', async () => {
  await using scene = await withAnna();
  scene.master.renameUser('anna', 'bob');
  scene.master.addUser('anna', ['Work']);
  assert.deepEqual(kinds(await scene.runActions(['anna'], unuser)), ['done']);
  scene.assertSame('anna', 'bob');
});

/** @returns questions to the store about mailboxes of the replica while `run` lasts */
async function askedOfTheirs({ master }: EngineScene, run: () => Promise<unknown>): Promise<Refresh[]> {
  const asked: Refresh[] = [];
  master.refresh = async (of: Refresh = {}) => {
    if (of.uniqueids) asked.push(of);
  };
  await run();
  return asked;
}

test('a server that is the master is asked about mailboxes of the replica alone that are none of the job’s', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  assert.deepEqual(await askedOfTheirs(scene, () => scene.runUser('anna')), []);
  const { uniqueid = '' } = master.lookup('user.anna.Work') ?? {};
  master.forget('user.anna.Work');
  assert.deepEqual(await askedOfTheirs(scene, () => scene.runUser('anna')), [
    { uniqueids: [uniqueid], names: [] },
  ]);
});

test('a server that is the master is asked about names of other users under which the replica has mailboxes of the job', async () => {
  await using scene = await withAnna();
  const { master } = scene;
  master.addUser('bob');
  await scene.runUser('bob');
  scene.takeCommands();
  master.rename('user.anna.Work', 'user.bob.Work');
  const [first] = await askedOfTheirs(scene, () => scene.runUser('bob'));
  assert.deepEqual(first, { uniqueids: [], names: ['user.anna.Work'] });
  scene.assertSame('bob');
});

test('what the replica still has as a user’s, and is another’s here, waits for that one where it was not deleted', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  master.addUser('bob');
  await scene.runUser('bob');
  master.rename('user.anna.Work', 'user.bob.Work');
  scene.takeCommands();
  // Who is at work on that user keeps nobody from this one.
  master.locked.add('bob');
  assert.equal(await scene.runUser('anna'), 'synced');
  assert.deepEqual(scene.takeCommands(), []);
  assert.ok(replica.inspect().mailboxes['user.anna.Work']);
});

test('what was deleted under the name of another user goes there with whoever has it on the replica, unless that user is at work', async () => {
  await using scene = await withAnna();
  const { master, replica } = scene;
  const deleted = 'DELETED.user.bob.Work.6B04D978';
  master.addUser('bob');
  master.rename('user.anna.Work', 'user.bob.Work');
  master.rename('user.bob.Work', deleted);
  master.locked.add('bob');
  await assert.rejects(scene.runUser('anna'), { code: 'USER_LOCKED', user: 'bob' });
  assert.deepEqual(scene.takeCommands(), []);
  master.locked.delete('bob');
  await scene.runUser('anna');
  assert.ok(replica.inspect().mailboxes[deleted]);
});
