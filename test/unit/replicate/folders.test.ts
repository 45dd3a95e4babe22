import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import { type Fate, type FolderPlan, planFolders } from '../../../src/replicate/folders/plan-folders.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

interface Question {
  master: MailboxEntry[];
  replica: ReplicaMailbox[];
  tombstones?: string[];
  deletedUniqueids?: string[];
  liveElsewhere?: string[];
  whole?: boolean;
  replace?: boolean;
  replaceable?: string[];
  unopenable?: string[];
  twins?: MailboxEntry[];
  partition?: string;
}

function plan(question: Question): FolderPlan {
  const fate = (list: string[] | undefined, item: string): Fate =>
    list?.includes(item) ? 'tombstone' : 'unknown';
  return planFolders({
    master: question.master,
    replica: question.replica,
    partitionOf: (mailbox) => question.partition ?? mailbox.partition,
    fateOfName: (name) => fate(question.tombstones, name),
    fateOfMailbox: ({ uniqueid }) => {
      if (question.unopenable?.includes(uniqueid)) return 'unopenable';
      return question.liveElsewhere?.includes(uniqueid) ? 'live' : fate(question.deletedUniqueids, uniqueid);
    },
    whole: question.whole ?? true,
    logged: false,
    replace: question.replace ?? false,
    replaceable: new Set(question.replaceable),
    twins: new Map((question.twins ?? []).map((twin) => [twin, true])),
  });
}

/** The replica's names after the steps, each step refused if its target is taken, as the real server does. */
function apply(replica: readonly ReplicaMailbox[], steps: FolderPlan['steps']): Map<string, string> {
  const names = new Map(replica.map((mailbox) => [mailbox.name, mailbox.uniqueid]));
  for (const step of steps) {
    if (step.kind === 'unmailbox') {
      assert.ok(names.delete(step.name), `${step.name} is there to be removed`);
      continue;
    }
    const uniqueid = names.get(step.oldName);
    assert.ok(uniqueid, `${step.oldName} is there to be renamed`);
    if (step.oldName === step.newName) continue;
    assert.ok(!names.has(step.newName), `${step.newName} is free`);
    names.delete(step.oldName);
    names.set(step.newName, uniqueid);
  }
  return names;
}

const remote = (name: string, uniqueid: string, fields: Partial<ReplicaMailbox> = {}): ReplicaMailbox =>
  remoteOf(entry(name, { uniqueid }), state(), fields);

test('any permutation of names, chains and cycles included, ends with the names of the master', () => {
  const permutation = fc
    .integer({ min: 1, max: 8 })
    .chain((n) =>
      fc.tuple(
        fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }),
        fc.array(fc.boolean(), { minLength: n, maxLength: n }),
      ),
    );
  fc.assert(
    fc.property(permutation, ([order, moved]) => {
      const master = order.map((to, id) =>
        entry(moved[id] ? `user.alice.new${to}` : `user.alice.${to}`, { uniqueid: `u${id}` }),
      );
      const replica = order.map((_, id) => remote(`user.alice.${id}`, `u${id}`));
      const result = plan({ master, replica });
      assert.deepEqual(result.blocked, []);
      assert.deepEqual(
        apply(replica, result.steps),
        new Map(master.map((mailbox) => [mailbox.name, mailbox.uniqueid])),
      );
    }),
  );
});

test('a swap goes through one temporary name inside the namespace of the user', () => {
  const { steps } = plan({
    master: [entry('user.alice.a', { uniqueid: '1' }), entry('user.alice.b', { uniqueid: '2' })],
    replica: [remote('user.alice.b', '1'), remote('user.alice.a', '2')],
  });
  assert.equal(steps.length, 3);
  assert.match(steps[0]?.kind === 'rename' ? steps[0].newName : '', /^user\.alice\./);
});

test('and with names so long that nothing fits below them through one further up', () => {
  const [one, two] = ['x', 'y'].map((letter) => `user.alice.${letter.repeat(463)}`) as [string, string];
  const { steps } = plan({
    master: [entry(one, { uniqueid: 'u'.repeat(24) }), entry(two, { uniqueid: '2' })],
    replica: [remote(two, 'u'.repeat(24)), remote(one, '2')],
  });
  const longest = steps.map((step) => (step.kind === 'rename' ? step.newName.length : 0));
  assert.ok(Math.max(...longest) <= 490, `${longest}`);
  assert.match(steps[0]?.kind === 'rename' ? steps[0].newName : '', /^user\.alice\.cyrus-sync-/);
});

test('a folder that only the replica has is left alone without a tombstone, removed with one', () => {
  const master = [entry('user.alice')];
  const replica = [remote('user.alice', 'id-user.alice'), remote('user.alice.x', 'x')];
  assert.deepEqual(plan({ master, replica }).steps, []);
  assert.deepEqual(
    plan({ master, replica }).replicaOnly.map((mailbox) => mailbox.name),
    ['user.alice.x'],
  );
  assert.deepEqual(plan({ master, replica, tombstones: ['user.alice.x'] }).steps, [
    { kind: 'unmailbox', name: 'user.alice.x' },
  ]);
});

test('a job that names some mailboxes never judges the others', () => {
  const question = { master: [entry('user.alice')], replica: [remote('user.alice.x', 'x')], whole: false };
  const result = plan({ ...question, tombstones: ['user.alice.x'] });
  assert.deepEqual(result.steps, []);
  assert.deepEqual(result.replicaOnly, []);
});

test('same name, other uniqueid: used is blocked, unused is left to the server, deleted here is removed', () => {
  const master = [entry('user.alice.x', { uniqueid: 'new' })];
  const used = [remote('user.alice.x', 'old', { lastUid: 3 })];
  assert.equal(plan({ master, replica: used }).blocked[0]?.why, 'uniqueid-differs');
  assert.deepEqual(plan({ master, replica: [remote('user.alice.x', 'old')] }).blocked, []);
  assert.deepEqual(plan({ master, replica: used, deletedUniqueids: ['old'] }), {
    steps: [{ kind: 'unmailbox', name: 'user.alice.x' }],
    blocked: [],
    replicaOnly: [],
    matches: new Map(),
  });
});

test('what is known by its uniqueid to be deleted here goes, though its last name here was another', () => {
  const master = [entry('user.alice')];
  const replica = [remote('user.alice', 'id-user.alice'), remote('user.alice.x', 'x', { lastUid: 3 })];
  const question = { master, replica, deletedUniqueids: ['x'] };
  assert.deepEqual(plan(question).steps, [{ kind: 'unmailbox', name: 'user.alice.x' }]);
  assert.deepEqual(plan(question).replicaOnly, []);
  assert.deepEqual(
    plan({ ...question, whole: false }).steps,
    [],
    'it is none of the named ones, nor in their way',
  );
});

test('what was deleted here after it had changed places with another gives its name up, to a named mailbox too', () => {
  const master = [entry('shared.b', { uniqueid: 'a' })];
  const replica = [remote('shared.a', 'a', { lastUid: 2 }), remote('shared.b', 'b', { lastUid: 2 })];
  const { steps, blocked } = plan({ master, replica, deletedUniqueids: ['b'], whole: false });
  assert.deepEqual(blocked, []);
  assert.deepEqual(
    steps.map((step) => (step.kind === 'unmailbox' ? step.name : `${step.oldName} to ${step.newName}`)),
    ['shared.b', 'shared.a to shared.b'],
  );
});

test('-O removes what is in the way in this namespace, but not what lives on under another owner', () => {
  const master = [entry('user.alice.x', { uniqueid: 'new' })];
  const replica = [
    remote('user.alice.x', 'old', { lastUid: 3 }),
    remote('user.alice.only', 'only'),
    remote('user.alice.moved', 'moved', { lastUid: 1 }),
  ];
  const result = plan({ master, replica, replace: true, liveElsewhere: ['moved'] });
  assert.deepEqual(result.steps, [
    { kind: 'unmailbox', name: 'user.alice.x' },
    { kind: 'unmailbox', name: 'user.alice.only' },
  ]);
  assert.deepEqual(result.blocked, []);
});

test('a rename onto a name that another mailbox has is not tried', () => {
  const result = plan({
    master: [entry('user.alice.new', { uniqueid: '1' })],
    replica: [remote('user.alice.old', '1'), remote('user.alice.new', 'other', { lastUid: 2 })],
  });
  assert.deepEqual(result.steps, []);
  assert.deepEqual(
    result.blocked.map((item) => item.why),
    ['name-taken'],
  );
});

test('a rename onto a name that the replica uses for an empty mailbox of its own removes that first', () => {
  const question = {
    master: [entry('user.alice.new', { uniqueid: '1' })],
    replica: [remote('user.alice.old', '1'), remote('user.alice.new', 'other', { lastUid: 0 })],
  };
  const { steps, blocked } = plan(question);
  assert.deepEqual(blocked, []);
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['unmailbox', 'rename'],
  );
  assert.deepEqual(
    plan({ ...question, liveElsewhere: ['other'] }).steps,
    [],
    'one that lives on is no obstacle to remove',
  );
});

test('a mailbox that is known to hold nothing of its own gives way to the one of its name', () => {
  const question = {
    master: [entry('user.alice.#sieve', { uniqueid: '1', type: 'f' })],
    replica: [remote('user.alice.#sieve', 'other', { type: 'f', lastUid: 2 })],
    whole: false,
  };
  assert.deepEqual(
    plan(question).blocked.map(({ why }) => why),
    ['uniqueid-differs'],
  );
  const { steps, blocked } = plan({ ...question, replaceable: ['other'] });
  assert.deepEqual([steps, blocked], [[{ kind: 'unmailbox', name: 'user.alice.#sieve' }], []]);
});

test('a new name on a new partition takes two steps', () => {
  const { steps } = plan({
    master: [entry('user.alice.new', { uniqueid: '1', partition: 'fast' })],
    replica: [remote('user.alice.old', '1', { partition: 'slow' })],
  });
  assert.deepEqual(
    steps.map((step) => step.kind === 'rename' && [step.oldName, step.newName, step.partition]),
    [
      ['user.alice.old', 'user.alice.new', 'slow'],
      ['user.alice.new', 'user.alice.new', 'fast'],
    ],
  );
});

test('another target partition moves the mailbox under its own name, intermediates stay', () => {
  const master = [
    entry('user.alice'),
    entry('user.alice.gap', { intermediate: true, type: 'i', partition: undefined }),
  ];
  const replica = [remote('user.alice', 'id-user.alice'), remote('user.alice.gap', 'id-user.alice.gap')];
  assert.deepEqual(plan({ master, replica, partition: 'other' }).steps, [
    {
      kind: 'rename',
      oldName: 'user.alice',
      newName: 'user.alice',
      partition: 'other',
      uidvalidity: 1000,
    },
  ]);
});

test('a mailbox that cannot be told from another by its uniqueid keeps what has its name and its uniqueid there', () => {
  const [one, two] = [entry('user.alice.a', { uniqueid: '1' }), entry('user.alice.b', { uniqueid: '1' })];
  const replica = [remote('user.alice.old', '1'), remote('user.alice.b', '2', { lastUid: 5 })];
  for (const replace of [false, true]) {
    const planned = plan({
      master: [one, two],
      replica,
      twins: [one, two],
      replace,
      deletedUniqueids: ['2'],
    });
    assert.deepEqual([planned.steps, planned.blocked, [...planned.matches.keys()]], [[], [], []]);
  }
});

test('what waits for a name that stays taken is reported, and not sent as if it were new', () => {
  const [a, b] = [entry('user.alice.a', { uniqueid: '1' }), entry('user.alice.b', { uniqueid: '2' })];
  const other = remote('user.alice.a', '9', { lastUid: 5 });
  const replica = [other, remote('user.alice.b', '1', { lastUid: 1 }), remote('user.alice.c', '2')];
  const planned = plan({ master: [a, b], replica });
  assert.deepEqual(
    planned.blocked.map(({ entry, why }) => [entry.name, why]),
    [
      ['user.alice.a', 'name-taken'],
      ['user.alice.b', 'name-taken'],
    ],
  );
});

test('a deleted mailbox that cannot follow to its new name goes, whether or not its name was given again', () => {
  const replica = [remote('user.alice.a', '1', { lastUid: 5 })];
  const removed = [{ kind: 'unmailbox', name: 'user.alice.a' }];
  const again = entry('user.alice.a', { uniqueid: '2' });
  for (const whole of [false, true]) {
    const gone = plan({ master: [], replica, whole, unopenable: ['1'], tombstones: ['user.alice.a'] });
    assert.deepEqual([gone.steps, gone.blocked], [removed, []]);
    const givenAgain = plan({ master: [again], replica, whole, unopenable: ['1'] });
    assert.deepEqual([givenAgain.steps, givenAgain.blocked], [removed, []]);
    assert.deepEqual(
      plan({ master: [], replica, whole, unopenable: ['1'] }).steps,
      [],
      'without a tombstone it stays',
    );
  }
});

test('a chain of names behind one that stays taken is no cycle: nothing in it is renamed, however long it is', () => {
  const master = [...'bcdefg'].map((letter, i) => entry(`user.alice.${letter}`, { uniqueid: `${i}` }));
  const chain = [...'abcdef'].map((letter, i) => remote(`user.alice.${letter}`, `${i}`, { lastUid: 1 }));
  const planned = plan({ master, replica: [...chain, remote('user.alice.g', '9', { lastUid: 5 })] });
  assert.deepEqual(planned.steps, []);
  assert.deepEqual(
    planned.blocked.map(({ entry }) => entry.name).sort(),
    master.map(({ name }) => name).sort(),
  );
});
