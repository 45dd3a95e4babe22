import assert from 'node:assert/strict';
import test from 'node:test';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { nameInText } from '../../../src/report/name-in-text.ts';
import { type ErrorCode, SyncError } from '../../../src/report/sync-error.ts';

const error = (code: ErrorCode, retryable = false): SyncError =>
  new SyncError(code, code, { family: 'refused', retryable });

const damaged = (uid: number): SyncError =>
  new SyncError('MESSAGE_UNREADABLE', `message ${uid}`, { hint: 'reconstruct', damage: { uid } as never });

/** @returns the error in the end */
function thrown(fill: (failures: Failures) => void): SyncError | undefined {
  const failures = new Failures('anna');
  fill(failures);
  try {
    failures.throwIfAny();
  } catch (caught) {
    return SyncError.from(caught);
  }
  return undefined;
}

test('nothing that failed is nothing thrown; one failure is thrown as it is, with its user', () => {
  assert.equal(
    thrown(() => {}),
    undefined,
  );
  const one = thrown(
    (failures) => void failures.add('apply', error('IMAP_MAILBOX_LOCKED', true), 'user.anna'),
  );
  assert.deepEqual(
    [one?.code, one?.message, one?.user, one?.mailbox, one?.phase, one?.retryable, one?.leaves],
    ['IMAP_MAILBOX_LOCKED', 'IMAP_MAILBOX_LOCKED', 'anna', 'user.anna', 'apply', true, undefined],
  );
});

test('of several the first is thrown, the number of the others, and the mailboxes of them once each', () => {
  const first = thrown((failures) => {
    for (const mailbox of ['user.anna', 'user.anna.a', 'user.anna', 'user.anna.b', 'user.anna.b'])
      failures.add('apply', error('IMAP_MAILBOX_LOCKED', true), mailbox);
    failures.add('seen', error('IMAP_MAILBOX_LOCKED', false));
  });
  assert.equal(first?.message, 'IMAP_MAILBOX_LOCKED (and 5 more failures of this user)');
  assert.deepEqual(first?.alsoMailboxes, ['user.anna.a', 'user.anna.b']);
  assert.equal(first?.retryable, false, 'one of them would fail again');
  assert.equal(first?.leaves, undefined);
});

test('several failures may be tried again at once where each of them may', () => {
  const retryable = (...each: boolean[]) =>
    thrown((failures) => {
      for (const one of each) failures.add('apply', error('IMAP_MAILBOX_LOCKED', one), 'user.anna');
      assert.equal(failures.retryable, !each.includes(false));
    })?.retryable;
  assert.equal(retryable(true, true), true);
  for (const each of [
    [true, false],
    [false, true],
    [true, false, true],
  ])
    assert.equal(retryable(...each), false);
});

test('where all that failed is beside the messages, the user has them', () => {
  const leaves = (fill: (failures: Failures) => void) => thrown(fill)?.leaves;
  for (const phase of ['quota', 'subscriptions', 'seen', 'sieve', 'annotations'] as const)
    assert.equal(
      leaves((failures) => void failures.add(phase, error('IO'))),
      'metadata-differs',
      phase,
    );
  const both = (failures: Failures): void => {
    failures.add('seen', error('IO'));
    failures.add('apply', error('IO'));
  };
  assert.equal(leaves(both), undefined);
  assert.equal(
    leaves((failures) => void failures.addUnread({ path: '/quota', error: error('IO') } as never)),
    'metadata-differs',
  );
  assert.equal(
    leaves((failures) => void failures.addDamaged('user.anna', damaged(1))),
    'damaged-at-source',
  );
  const heldBack = (failures: Failures): void => {
    failures.add('seen', error('IO'));
    failures.holdBack('user.anna.a.b', 'user.anna.a');
  };
  assert.equal(leaves(heldBack), undefined);
});

test('a file that cannot be read is one failure, however many mailboxes are concerned', () => {
  const failures = new Failures('anna');
  const part = { path: '/conversations', error: error('IO') } as never;
  assert.deepEqual([failures.addUnread(part), failures.addUnread(part), failures.count], [true, false, 1]);
});

test('damaged messages of a mailbox are one failure that says how many, each counted once', () => {
  const failures = new Failures('anna');
  assert.equal(failures.addDamaged('user.anna', error('IO')), false, 'no message of it is named');
  assert.deepEqual(
    [7, 7, 9].map((uid) => failures.addDamaged('user.anna', damaged(uid))),
    [true, false, true],
  );
  assert.equal(failures.addDamaged('user.anna.a', damaged(7)), true);
  assert.throws(() => failures.throwIfAny(), {
    message:
      'left out: message 7, and so are 1 more of this mailbox; all others were sent (and 1 more failures of this user)',
    mailbox: 'user.anna',
    hint: 'reconstruct',
    alsoMailboxes: ['user.anna.a'],
  });
  const alone = thrown((one) => void one.addDamaged('user.anna', damaged(7)));
  assert.equal(alone?.message, 'left out: message 7; all others were sent');
});

test('what was held back is told with what it waits for, or after what failed', () => {
  const waiting = thrown((failures) => failures.holdBack('user.anna.a.b', 'user.anna.a'));
  assert.deepEqual(
    [waiting?.code, waiting?.message, waiting?.mailbox],
    ['IMAP_MAILBOX_NONEXISTENT', `${nameInText('user.anna.a')} is missing on the replica`, 'user.anna.a.b'],
  );
  const both = thrown((failures) => {
    failures.holdBack('user.anna.a.b', 'user.anna.a');
    failures.holdBack('user.anna.a.c', 'user.anna.a');
    failures.holdBack('user.anna.d.e', 'user.anna.d');
  });
  assert.equal(
    both?.message,
    `${nameInText('user.anna.a')} is missing on the replica (and 2 below it not sent)`,
  );
  const failed = thrown((failures) => {
    failures.add('apply', error('IMAP_MAILBOX_LOCKED'), 'user.anna.a');
    failures.holdBack('user.anna.a.b', 'user.anna.a');
    assert.deepEqual([...failures.heldBack], [['user.anna.a', ['user.anna.a.b']]]);
  });
  assert.equal(failed?.message, 'IMAP_MAILBOX_LOCKED (and 1 below it not sent)');
});

test('a mailbox that moved is known by its code, but for folders whose names are settled another way', () => {
  const failures = new Failures('anna');
  failures.add('folders', error('IMAP_MAILBOX_MOVED'), 'user.anna.a');
  assert.equal(failures.anyMoved, false);
  failures.add('apply', new SyncError('IMAP_MAILBOX_MOVED', 'here'), 'user.anna.b');
  assert.deepEqual([failures.anyMoved, failures.movedThere.size], [true, 0]);
});

test('twenty mailboxes are named, of the others the number', () => {
  const first = thrown((failures) => {
    for (let i = 0; i < 30; i++) failures.add('apply', error('IO'), `user.anna.${i}`);
  });
  assert.equal(first?.alsoMailboxes?.length, 20);
});

test('commands of which one fails are not all done, and each failure counts', async () => {
  const failures = new Failures('anna');
  assert.equal(await failures.all('seen', [Promise.resolve(), Promise.resolve()]), true);
  assert.equal(await failures.all('seen', [Promise.resolve(), Promise.reject(error('IO'))]), false);
  const window = async (): Promise<void> => {};
  assert.equal(await failures.each('seen', { window }, [1, 2], async () => {}), true);
  assert.equal(failures.count, 1);
});

test('one that fails among more than are remembered is not forgotten', async () => {
  const failures = new Failures('anna');
  const window = async (): Promise<void> => {};
  const items = Array.from({ length: 10_000 }, (_, number) => number);
  for (const failing of [0, 5_000, 9_999]) {
    const send = async (number: number): Promise<void> => {
      if (number === failing) throw error('IO');
    };
    assert.equal(await failures.each('seen', { window }, items, send), false, String(failing));
  }
  assert.equal(failures.count, 3);
});
