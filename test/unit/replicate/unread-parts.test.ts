import assert from 'node:assert/strict';
import test from 'node:test';
import { withUnreadAsThere } from '../../../src/replicate/compare/with-unread-as-there.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxState, MasterStore, QuotaEntry } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const damage = (path: string): SyncError =>
  new SyncError('DATABASE_DAMAGED', `${path}: not what it was`, { phase: 'read', hint: 'restore it' });

function limits(root: string): QuotaEntry {
  return { root, storage: 10, messages: -1, annotationStorage: -1, folders: -1, modseq: 1 };
}

for (const part of ['subscriptions', 'seen', 'scriptFiles'] as const satisfies (keyof MasterStore)[]) {
  test(`what cannot be read fails alone, the rest of the user is brought over: ${part}`, async () => {
    await using scene = await EngineScene.start();
    const { master } = scene;
    master.addUser('anna', ['Sent']);
    master.subscribe('anna', 'user.anna.Sent');
    master.read('anna', 'somewhere', '1:3');
    master.quotas.set('user.anna', limits('user.anna'));
    const sound = master[part].bind(master);
    master[part] = () => {
      throw damage(part);
    };
    await assert.rejects(scene.runUser('anna'), {
      code: 'DATABASE_DAMAGED',
      message: `${part}: not what it was`,
    });
    const commands = scene.takeCommands().map((command) => command.split(' ')[0]);
    const expected = { subscriptions: 'SUB', seen: 'SEEN', quota: 'QUOTA' };
    for (const [kind, verb] of Object.entries(expected)) {
      assert.equal(commands.includes(verb), kind !== part, `${verb} of ${commands.join(' ')}`);
    }
    Object.assign(master, { [part]: sound });
    await scene.runUser('anna');
    scene.assertSame('anna');
  });
}

test('a quota root that cannot be read is left alone, others are set', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Sent']);
  for (const root of ['user.anna', 'user.anna.Sent']) master.quotas.set(root, limits(root));
  await scene.runUser('anna');
  const sound = master.quota.bind(master);
  master.quota = async (root) => {
    if (root === 'user.anna') throw damage('quota');
    return { ...limits(root), storage: 20 };
  };
  scene.takeCommands();
  await assert.rejects(scene.runUser('anna'), { code: 'DATABASE_DAMAGED' });
  const [one = '', ...more] = scene.takeCommands();
  assert.match(one, /^QUOTA .*ROOT user\.anna\.Sent .*20/);
  assert.deepEqual(more, []);
  master.quota = sound;
});

test('a part that was not read is taken as the replica has it; without a replica there is none of it', () => {
  const mailbox = entry('user.alice');
  const read: MailboxState = state({ xconvmodseq: 3, raclmodseq: 2 });
  const there = remoteOf(mailbox, read, { xconvmodseq: 70, raclmodseq: 9 });
  const unread = (['xconvmodseq', 'raclmodseq', 'annotations'] as const).map((part) => ({
    part,
    path: part,
    error: damage(part),
  }));
  const comment = { entry: '/comment', userid: '', modseq: 0, value: 'there' };
  const own = { ...comment, value: 'here' };
  const local = { entry: mailbox, state: read, annotations: [own] };
  assert.deepEqual(withUnreadAsThere(local, { ...there, annotations: [comment] }), local);
  const damaged = { ...local, state: { ...read, unread } };
  const taken = withUnreadAsThere(damaged, { ...there, annotations: [comment] });
  assert.equal(taken.state.xconvmodseq, 70);
  assert.equal(taken.state.raclmodseq, 9);
  assert.deepEqual(taken.annotations, [comment]);
  const alone = withUnreadAsThere(damaged, undefined);
  assert.deepEqual([alone.state.xconvmodseq, alone.state.raclmodseq, alone.annotations], [0, 0, []]);
});

test('a file that concerns several mailboxes is told of once, and the user has all mail', async () => {
  await using scene = await EngineScene.start();
  const error = damage('conversations.db');
  const unread = [{ part: 'xconvmodseq', path: '/conversations.db', error } as const];
  for (const name of ['user.anna', 'user.anna.Sent'])
    scene.master.put(name, { messages: ['one'], state: { unread } });
  await assert.rejects(scene.runUser('anna'), {
    code: 'DATABASE_DAMAGED',
    leaves: 'metadata-differs',
    message: 'conversations.db: not what it was',
  });
  const told = scene.events.flatMap((event) => (event.kind === 'mailbox:part-unread' ? [event.error] : []));
  assert.deepEqual(
    told.map(({ code }) => code),
    ['DATABASE_DAMAGED'],
  );
  scene.assertSame('anna');
});
