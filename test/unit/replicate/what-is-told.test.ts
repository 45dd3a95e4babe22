import assert from 'node:assert/strict';
import test from 'node:test';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { verboseLine } from '../../../src/report/words/verbose-line.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Mailboxes that were told of as sent, in order. */
function told({ events }: EngineScene): string[] {
  return events.flatMap((event) => (event.kind === 'command:mailbox' ? [event.name] : []));
}

test('a mailbox is told of once, however many steps it takes, and only if something of it is sent', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, batchSize: 2 };
  scene.master.addUser('anna', ['Sent', 'Drafts']);
  for (let count = 0; count < 7; count += 1) scene.master.append('user.anna.Sent', `message ${count}`);
  await scene.runUser('anna');
  assert.deepEqual(told(scene).sort(), ['user.anna', 'user.anna.Drafts', 'user.anna.Sent']);
  scene.events.length = 0;
  await scene.runUser('anna');
  assert.deepEqual(told(scene), []);
  scene.master.append('user.anna.Sent', 'one more');
  await scene.runUser('anna');
  assert.deepEqual(told(scene), ['user.anna.Sent']);
});

test('names are asked for anew before a user is looked at, and for that user alone', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  await scene.runUser('anna');
  const asked: unknown[] = [];
  scene.master.refresh = async (of?: unknown) => void asked.push(of);
  for (const run of [() => scene.runUser('anna'), () => scene.runMeta('anna')]) {
    await run();
    assert.deepEqual(asked.splice(0), [{ users: ['anna'] }]);
  }
});

test('a user whom the master does not have is told of, whatever of the user was asked for', async () => {
  await using scene = await EngineScene.start();
  for (const run of [() => scene.runUser('anna'), () => scene.runMeta('anna')]) {
    assert.equal(await run(), 'absent');
    const told = scene.events.splice(0).filter(({ kind }) => kind.endsWith(':absent'));
    assert.deepEqual(told, [
      { kind: 'user:absent', user: 'anna' },
      { kind: 'name:absent', name: 'anna' },
    ]);
  }
});

/** Commands on the way to a change, of which nobody is told. */
const UNTOLD = ['MESSAGE', 'RESERVE'];

/** Verbs of the lines that tell of commands since the last call. */
function takeTold({ events }: EngineScene): string[] {
  const commands = events.splice(0).filter(({ kind }) => kind.startsWith('command:'));
  return commands.map((event) => verbOf(verboseLine(event) ?? '')).sort();
}

/** Verbs of the commands that have changed the replica since the last call. */
function takeApplied(scene: EngineScene): string[] {
  // An INBOX that is made for its quota is told of as it is filled.
  const isEmpty = (command: string): boolean => /^MAILBOX .* LAST_UID 0 HIGHESTMODSEQ 1 /.test(command);
  const verbs = scene
    .takeCommands()
    .filter((command) => !isEmpty(command))
    .map(verbOf);
  return verbs.filter((verb) => !UNTOLD.includes(verb)).sort();
}

function verbOf(command: string): string {
  return command.split(' ', 1)[0] ?? '';
}

const LIMITS = { storage: 1000, messages: -1, annotationStorage: -1, folders: -1, modseq: 1 };

test('each command that changes the replica is told of, and no other', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  const context = await scene.context();
  const run = async (): Promise<string[]> => {
    await runUser(context, 'anna');
    const applied = takeApplied(scene);
    assert.deepEqual(takeTold(scene), applied);
    return applied;
  };
  // The first mailbox of a connection is made twice, once to see whether the replica has its partition.
  master.addUser('bert');
  await runUser(context, 'bert');
  takeApplied(scene);
  takeTold(scene);

  master.addUser('anna', ['Old', 'Gone']);
  master.subscribe('anna', 'user.anna', 'user.anna.Old');
  master.read('anna', 'of-anna', '1');
  master.putScript('anna', 'rules', 'keep;');
  master.quotas.set('user.anna', { root: 'user.anna', ...LIMITS });
  const made = await run();
  master.unsubscribe('anna', 'user.anna.Old');
  master.removeScript('anna', 'rules');
  master.putScript('anna', 'others', 'discard;');
  master.rename('user.anna.Old', 'user.anna.New');
  master.bury('user.anna.Gone');
  master.quotas.clear();
  const changed = await run();
  master.removeScript('anna', 'others');
  const removed = await run();
  const verbs = new Set([...made, ...changed, ...removed]);
  assert.equal(
    [...verbs].sort().join(' '),
    'ACTIVATE_SIEVE MAILBOX QUOTA RENAME SEEN SIEVE SUB UNACTIVATE_SIEVE UNMAILBOX UNQUOTA UNSIEVE UNSUB',
  );
});

test('a server that is the master is told which mailboxes will be read, of those that are the same on both sides none', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  const expected: string[] = [];
  master.expect = (names) => void expected.push(...names);
  const taken = (): string[] => expected.splice(0).sort();
  master.addUser('anna', ['Sent', 'Work']);
  master.put('user.anna.Row', { entry: { intermediate: true, type: 'i' } });
  master.put('user.anna.Row.Below', { messages: ['one'] });
  await scene.runUser('anna');
  assert.deepEqual(taken(), [], 'all that is new is sent without a look before');
  await scene.runUser('anna');
  assert.deepEqual(taken(), []);
  master.append('user.anna.Work', 'one more');
  master.put('user.anna.New', { messages: ['new'] });
  await scene.runUser('anna');
  assert.deepEqual(taken(), ['user.anna.New', 'user.anna.Work']);
});

test('a user is told of when the work begins, once, and which work it is', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  for (const [work, run] of [
    ['user', () => scene.runUser('anna')],
    ['meta', () => scene.runMeta('anna')],
  ] as const) {
    await run();
    const told = scene.events.splice(0);
    const start = { kind: 'user:start', user: 'anna', work } as const;
    assert.deepEqual(told[0], start);
    assert.equal(told.filter(({ kind }) => kind === 'user:start').length, 1);
  }
});

test('a mailbox whose name another one has on the replica is told of with the command that this keeps from being sent', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['Work', 'Done', 'Kept']);
  await scene.runUser('anna');
  const idOf = (name: string): string => master.lookup(name)?.uniqueid ?? '';
  const [work, done, kept] = ['user.anna.Work', 'user.anna.Done', 'user.anna.Kept'].map(idOf);
  // Another one by the name of the first; and the second has the name of the third, of which nothing is known here.
  const other = master.put('user.anna.Work', { messages: ['new'] });
  master.forget('user.anna.Kept');
  master.rename('user.anna.Done', 'user.anna.Kept');
  scene.events.length = 0;
  await assert.rejects(scene.runUser('anna'), {
    code: 'IMAP_MAILBOX_MOVED',
    message: /another mailbox .*\(and 1 more failures of this user\)$/,
  });
  const told = scene.events.filter(({ kind }) => kind === 'mailbox:blocked');
  const blocked = { kind: 'mailbox:blocked' } as const;
  assert.deepEqual(
    new Set(told),
    new Set([
      { ...blocked, name: 'user.anna.Kept', command: 'RENAME', uniqueid: done, otherUniqueid: kept },
      {
        ...blocked,
        name: 'user.anna.Work',
        command: 'MAILBOX',
        uniqueid: other.uniqueid,
        otherUniqueid: work,
      },
    ]),
  );
});
