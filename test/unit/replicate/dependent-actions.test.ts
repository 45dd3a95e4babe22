import assert from 'node:assert/strict';
import test from 'node:test';
import { intermediateLine } from '../../../src/replicate/compare/mailbox-line.ts';
import type { Action, ActionResult } from '../../../src/replicate/jobs/action.ts';
import { runActions } from '../../../src/replicate/jobs/run-actions.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** Units of a sync log in which something depends on what failed, in the same unit or an earlier one. */

const sub: Action = { kind: 'sub', userid: 'anna', name: 'user.anna' };
const seen: Action = { kind: 'seen', userid: 'anna', uniqueid: 'somewhere' };
const meta: Action = { kind: 'meta', userid: 'anna' };
const user: Action = { kind: 'user', userid: 'anna' };
const inbox: Action = { kind: 'mailboxes', names: ['user.anna'] };

function summary(results: readonly ActionResult[]): string[] {
  return results.map((result) => ('error' in result ? `${result.kind} ${result.error.code}` : result.kind));
}

/** Anna with subscriptions and seen state; the replica has nothing of it. */
async function withAnna(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent']);
  scene.master.subscribe('anna', 'user.anna', 'user.anna.Sent');
  scene.master.read('anna', 'somewhere', '1:3');
  return scene;
}

for (const [name, action] of Object.entries({ sub, seen, meta })) {
  test(`what goes by the name of a user waits for the INBOX and is not taken as done without it: ${name}`, async () => {
    await using scene = await withAnna();
    const results = await scene.runActions(['anna'], action);
    assert.deepEqual(summary(results), ['failed IMAP_MAILBOX_NONEXISTENT']);
    assert.deepEqual(scene.takeCommands(), []);
  });
}

for (const action of [sub, seen, meta, user]) {
  test(`an INBOX that failed in the same unit is not passed over: ${action.kind}`, async () => {
    await using scene = await withAnna();
    scene.master.damaged.set('user.anna', new SyncError('MAILBOX_DAMAGED', 'its header cannot be read'));
    const results = await scene.runActions(['anna'], inbox, action);
    assert.ok(
      results.every(({ kind }) => kind === 'failed'),
      JSON.stringify(results),
    );
    assert.deepEqual(scene.replica.inspect().users, {}, 'nothing that would be out of reach later');
    scene.master.damaged.clear();
    assert.deepEqual(summary(await scene.runActions(['anna'], user)), ['done']);
    scene.assertSame('anna');
  });
}

test('a failed INBOX that the replica has already stops none of the rest of its user', async () => {
  await using scene = await withAnna();
  await scene.runUser('anna');
  scene.master.damaged.set('user.anna', new SyncError('MAILBOX_DAMAGED', 'its header cannot be read'));
  scene.master.append('user.anna', 'new');
  scene.master.unsubscribe('anna', 'user.anna');
  const results = await scene.runActions(['anna'], inbox, seen, sub);
  assert.deepEqual(summary(results), ['failed MAILBOX_DAMAGED', 'done', 'done']);
  assert.deepEqual(scene.replica.inspect().users.anna?.subscriptions, ['user.anna.Sent']);
});

test('what goes by the name of a user never goes to a former user of that name', async () => {
  await using scene = await withAnna();
  scene.master.addUser('former');
  scene.master.addUser('anna', [], { uniqueid: 'first' });
  await scene.runUser('anna');
  scene.master.renameUser('anna', 'bob');
  scene.master.addUser('anna', [], { uniqueid: 'second' });
  scene.master.subscribe('anna', 'user.anna');
  scene.takeCommands();
  for (const action of [sub, meta]) {
    assert.deepEqual(summary(await scene.runActions(['anna'], action)), ['failed IMAP_MAILBOX_MOVED']);
  }
  assert.deepEqual(scene.takeCommands(), []);
});

test('a row without storage in the place of the INBOX is no INBOX', async () => {
  await using scene = await withAnna();
  const entry = scene.master.lookup('user.anna');
  assert.ok(entry);
  const { session } = await scene.context();
  await session.applyMailbox(intermediateLine({ ...entry, type: 'i' }, false), []);
  assert.deepEqual(summary(await scene.runActions(['anna'], sub)), ['failed IMAP_MAILBOX_NONEXISTENT']);
});

test('what a line says of a user who was renamed since goes to nobody: the tombstone leads to the new name', async () => {
  await using scene = await withAnna();
  await scene.runUser('anna');
  scene.master.renameUser('anna', 'bob');
  await scene.runUser('bob');
  scene.takeCommands();
  assert.deepEqual(summary(await scene.runActions(['anna'], sub, seen)), ['done', 'done']);
  assert.deepEqual(scene.takeCommands(), []);
  scene.assertSame('bob');
});

test('thousands of lines of one user ask the replica once and read each file once', async () => {
  await using scene = await withAnna();
  const names = Array.from({ length: 3_000 }, (_, i) => `user.anna.f${i}`);
  for (const [i, name] of names.entries()) {
    if (i % 2 === 0) scene.master.subscribe('anna', name);
    scene.master.read('anna', `id${i}`, `1:${i + 1}`);
  }
  await scene.runMailboxes('user.anna');
  scene.master.asked.clear();
  const before = scene.replica.traffic().commands['GET MAILBOXES'] ?? 0;
  const results = await scene.runActions(
    ['anna'],
    ...names.map((_, i): Action => ({ kind: 'seen', userid: 'anna', uniqueid: `id${i}` })),
    ...names.map((name): Action => ({ kind: 'sub', userid: 'anna', name })),
  );
  assert.ok(results.every(({ kind }) => kind === 'done'));
  assert.equal(results.length, 2 * names.length);
  assert.deepEqual([scene.master.count('subscriptions'), scene.master.count('seen')], [1, 1]);
  assert.ok(scene.master.count('lookup') < 10, `${scene.master.count('lookup')} lookups`);
  assert.equal(scene.replica.traffic().commands['GET MAILBOXES'], before + 1);
  const there = scene.replica.inspect().users.anna;
  assert.equal(there?.subscriptions.length, names.length / 2);
  assert.equal(there?.seen.length, names.length);
});

test('a refused line is the only one that fails, however many are under way', async () => {
  await using scene = await withAnna();
  await scene.runMailboxes('user.anna');
  scene.replica.inject({ on: 'APPLY SUB', do: 'no', nth: 2, text: 'IMAP_MAILBOX_LOCKED Mailbox locked' });
  const names = ['a', 'b', 'c'];
  for (const name of names) scene.master.subscribe('anna', name);
  const results = await scene.runActions(
    ['anna'],
    ...names.map((name): Action => ({ kind: 'sub', userid: 'anna', name })),
  );
  assert.deepEqual(summary(results), ['done', 'failed IMAP_MAILBOX_LOCKED', 'done']);
});

test('a file that cannot be read fails the lines that need it, and is not read again for each', async () => {
  await using scene = await withAnna();
  await scene.runMailboxes('user.anna');
  const { master } = scene;
  let reads = 0;
  master.seen = () => {
    reads++;
    throw new SyncError('DATABASE_DAMAGED', 'seen.db is damaged');
  };
  const results = await scene.runActions(['anna'], seen, { ...seen, uniqueid: 'elsewhere' }, sub);
  assert.deepEqual(summary(results), ['failed DATABASE_DAMAGED', 'failed DATABASE_DAMAGED', 'done']);
  assert.equal(reads, 1);
});

test('a link that breaks under some lines leaves the others untouched', async () => {
  await using scene = await withAnna();
  await scene.runMailboxes('user.anna');
  scene.replica.inject({ on: 'APPLY SUB', do: 'cut-before' });
  const results = await scene.runActions(['anna'], sub, user, { kind: 'unuser', userid: 'anna' });
  assert.equal(results[0]?.kind, 'failed');
  assert.ok(results[0]?.kind === 'failed' && results[0].error.family === 'link');
  assert.deepEqual(
    results.slice(1).map(({ kind }) => kind),
    ['untouched', 'untouched'],
  );
});

test('lines wait for the window of the connection, however many there are', async () => {
  await using scene = await withAnna();
  await scene.runMailboxes('user.anna');
  const context = await scene.context();
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let sent = 0;
  let asked = 0;
  const session = inPlaceOf(context.session, {
    window: () => (++asked > 2 ? opened : Promise.resolve()),
    applySub: (userid, name) => {
      sent++;
      return context.session.applySub(userid, name);
    },
  });
  const names = Array.from({ length: 50 }, (_, i) => `user.anna.f${i}`);
  scene.master.subscribe('anna', ...names);
  const actions = names.map((name): Action => ({ kind: 'sub', userid: 'anna', name }));
  const running = runActions({ ...context, session }, ['anna'], actions);
  // Behind the answer about the INBOX, and once more: whatever does not wait has been sent by then.
  await context.session.noop();
  await context.session.noop();
  assert.ok(sent <= 2, `${sent} were sent`);
  open();
  assert.ok((await running).every(({ kind }) => kind === 'done'));
  assert.equal(sent, names.length);
});

test('what is sent is what is said, action by action', async () => {
  await using scene = await withAnna();
  const { master, events } = scene;
  await scene.runMailboxes('user.anna', 'user.anna.Sent');
  master.bury('user.anna.Sent');
  master.unsubscribe('anna', 'user.anna.Sent');
  const limits = { storage: 100, messages: -1, annotationStorage: -1, folders: -1 };
  master.quotas.set('user.anna', { root: 'user.anna', ...limits, modseq: 1 });
  scene.takeCommands();
  events.length = 0;
  const results = await scene.runActions(
    ['anna'],
    { kind: 'quota', root: 'user.anna' },
    { kind: 'quota', root: 'user.anna.Sent' },
    seen,
    sub,
    { ...sub, name: 'user.anna.Sent' },
    { kind: 'unmailbox', name: 'user.anna.Sent' },
  );
  assert.ok(results.every(({ kind }) => kind === 'done'));
  assert.deepEqual(
    scene.takeCommands().map((command) => command.split(' ')[0]),
    ['QUOTA', 'UNQUOTA', 'SEEN', 'SUB', 'UNSUB', 'UNMAILBOX'],
  );
  assert.deepEqual(
    events.map(({ kind }) => kind).filter((kind) => kind.startsWith('command:')),
    ['quota', 'unquota', 'seen', 'sub', 'unsub', 'unmailbox'].map((kind) => `command:${kind}`),
  );
});

test('annotations of a mailbox become what they are here: changed, added and removed', async () => {
  await using scene = await EngineScene.start();
  const { master, events } = scene;
  const note = (entry: string, value: string) => ({ entry, userid: '', modseq: 1, value });
  const before = [note('/a', 'same'), note('/b', 'old'), note('/c', 'gone')];
  master.put('shared', { uniqueid: 'one', annotations: before });
  await scene.runMailboxes('shared');
  const after = [note('/a', 'same'), note('/b', 'new'), note('/d', 'more')];
  master.put('shared', { uniqueid: 'one', annotations: after });
  scene.takeCommands();
  events.length = 0;
  await scene.runActions([''], { kind: 'annotation', name: 'shared' });
  const there = scene.replica.inspect().mailboxes.shared?.annotations;
  assert.deepEqual(
    there?.map(({ entry, value }) => [entry, value]),
    after.map(({ entry, value }) => [entry, value]),
  );
  assert.equal(scene.takeCommands().length, 3);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['command:annotation', 'command:annotation', 'command:unannotation'],
  );
});

test('commands for annotations wait for the window of the connection', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  const note = (entry: string) => ({ entry, userid: '', modseq: 1, value: 'noted' });
  master.put('shared', { uniqueid: 'one', annotations: ['/a', '/b'].map(note) });
  await scene.runMailboxes('shared');
  master.put('shared', { uniqueid: 'one', annotations: ['/c', '/d'].map(note) });
  const steps: string[] = [];
  scene.through = (session) =>
    inPlaceOf(session, {
      window: async () => void steps.push('window'),
      applyAnnotation: (name, annotation) => {
        steps.push('annotation');
        return session.applyAnnotation(name, annotation);
      },
      applyUnannotation: (name, entry, userid) => {
        steps.push('unannotation');
        return session.applyUnannotation(name, entry, userid);
      },
    });
  await scene.runActions([''], { kind: 'annotation', name: 'shared' });
  const expected = ['annotation', 'annotation', 'unannotation', 'unannotation'];
  assert.deepEqual(
    steps,
    expected.flatMap((command) => ['window', command]),
  );
});

test('scripts that the replica refuses are not taken as sent', async () => {
  await using scene = await withAnna();
  scene.master.put('user.anna.#sieve', { messages: ['keep;'], entry: { type: 'f' } });
  await scene.runMailboxes('user.anna');
  scene.replica.inject({
    on: 'APPLY MAILBOX',
    mailbox: 'user.anna.#sieve',
    do: 'no',
    text: 'IMAP_REMOTE_DENIED no',
  });
  assert.equal((await scene.runActions(['anna'], meta))[0]?.kind, 'failed');
  await scene.runMeta('anna');
  assert.ok(scene.replica.inspect().mailboxes['user.anna.#sieve']);
});

test('annotations never go to another mailbox that has the name on the replica', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  const note = { entry: '/comment', userid: '', modseq: 1, value: 'ours' };
  master.put('shared', { uniqueid: 'before' });
  await scene.runMailboxes('shared');
  master.put('shared', { uniqueid: 'after', annotations: [note] });
  const action: Action = { kind: 'annotation', name: 'shared' };
  assert.deepEqual(summary(await scene.runActions([''], action)), ['failed IMAP_MAILBOX_MOVED']);
  assert.deepEqual(scene.replica.inspect().mailboxes.shared?.annotations, []);
  master.put('shared', { uniqueid: 'before', annotations: [note] });
  assert.deepEqual(summary(await scene.runActions([''], action)), ['done']);
  assert.equal(scene.replica.inspect().mailboxes.shared?.annotations.length, 1);
  master.put('fresh', { annotations: [note] });
  const fresh = await scene.runActions([''], { kind: 'annotation', name: 'fresh' });
  assert.deepEqual(summary(fresh), ['failed IMAP_MAILBOX_NONEXISTENT']);
});

test('annotations of the server are left out where the replica has no place for them, and those of a mailbox are not', async () => {
  await using scene = await EngineScene.start();
  const { master, events } = scene;
  const note = { entry: '/comment', userid: '', modseq: 1, value: 'ours' };
  master.annotations.push(note);
  master.put('shared', { uniqueid: 'one' });
  await scene.runMailboxes('shared');
  master.put('shared', { uniqueid: 'one', annotations: [note] });
  const text = 'IMAP_MAILBOX_NONEXISTENT No Such Mailbox';
  scene.replica.inject({ on: 'APPLY ANNOTATION', do: 'no', text });
  assert.deepEqual(summary(await scene.runActions([''], { kind: 'annotation', name: '' })), ['done']);
  assert.ok(events.some(({ kind }) => kind === 'annotations:of-server-refused'));
  scene.replica.inject({ on: 'APPLY ANNOTATION', do: 'no', text });
  const ofMailbox = await scene.runActions([''], { kind: 'annotation', name: 'shared' });
  assert.deepEqual(summary(ofMailbox), ['failed IMAP_MAILBOX_NONEXISTENT']);
});

test('where a link broke, what goes by the name of a user is left untouched as well', async () => {
  await using scene = await withAnna();
  scene.replica.inject({ on: 'APPLY MAILBOX', do: 'cut-before' });
  const results = await scene.runActions(['anna'], user, sub, seen);
  const [first, ...others] = results;
  assert.ok(first?.kind === 'failed' && first.error.family === 'link');
  assert.deepEqual(
    others.map((result) => result.kind === 'untouched' && result.error.family),
    ['link', 'link'],
  );
});

test('scripts that are named as their mailbox go one by one to a replica that does not take it', async () => {
  await using scene = await EngineScene.start({ offer: { sieveMailbox: false } });
  const { master } = scene;
  for (const userid of ['anna', 'bob']) {
    master.addUser(userid);
    await scene.runUser(userid);
    master.putScript(userid, 'one', 'keep;');
  }
  master.put('user.anna.#sieve', { messages: ['keep;'], entry: { type: 'f' } });
  scene.takeCommands();
  const names = ['user.anna.#sieve', 'user.bob'];
  assert.deepEqual(summary(await scene.runActions(['anna', 'bob'], { kind: 'mailboxes', names })), ['done']);
  const { users } = scene.replica.inspect();
  assert.deepEqual([users.anna?.scripts.length, users.bob?.scripts.length ?? 0], [1, 0]);
});
