import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action, ActionResult } from '../../../src/replicate/jobs/action.ts';
import type { ErrorCode, ErrorData } from '../../../src/report/sync-error.ts';
import { type Remains, remainsOf } from '../../../src/rolling/queue/remains-of.ts';
import { nameOfAction } from '../../../src/rolling/queue/rolling-unit.ts';
import { ownerOf } from './names.ts';
import { failed, linkError, refused } from './site.ts';

function judged(action: Action, result: ActionResult): Remains {
  return remainsOf({ users: [], actions: [action] }, { results: [result] }, ownerOf);
}

function inWords(action: Action): string {
  const { type, operands } = nameOfAction(action);
  return [type, ...operands].join(' ');
}

const user = { kind: 'user', userid: 'alice' } as const;
const meta = { kind: 'meta', userid: 'alice' } as const;

for (const [action, promoted, words] of [
  [{ kind: 'mailboxes', names: ['user.alice.x'] }, user, 'MAILBOX user.alice.x -> USER alice'],
  [{ kind: 'quota', root: 'user.alice' }, user, 'QUOTA user.alice -> USER alice'],
  [{ kind: 'annotation', name: 'user.alice' }, user, 'ANNOTATION user.alice -> USER alice'],
  [{ kind: 'seen', userid: 'alice', uniqueid: 'id' }, meta, 'SEEN alice id -> META alice'],
  [{ kind: 'seen', userid: 'alice', uniqueid: 'user.alice' }, user, 'SEEN alice user.alice -> USER alice'],
  [{ kind: 'sub', userid: 'alice', name: 'x' }, meta, 'SUB alice x -> META alice'],
  [meta, user, 'META alice -> USER alice'],
] as [Action, Action, string][]) {
  test(`a failed ${words.replace('->', 'is promoted to')}`, () => {
    const remains = judged(action, failed());
    assert.deepEqual(remains.promoted, [promoted]);
    assert.deepEqual(remains.failing, []);
    const told = remains.promotions.map(({ from, to }) => [from, to].map(inWords).join(' -> '));
    assert.deepEqual(told, [words]);
  });
}

for (const [action, code] of [
  [user, 'IMAP_PROTOCOL_ERROR'],
  [{ kind: 'unuser', userid: 'alice' }, 'IMAP_PROTOCOL_ERROR'],
  [{ kind: 'unmailbox', name: 'user.alice.x' }, 'IMAP_PROTOCOL_ERROR'],
  [{ kind: 'annotation', name: '' }, 'IMAP_PROTOCOL_ERROR'],
  [{ kind: 'quota', root: 'shared' }, 'IMAP_PROTOCOL_ERROR'],
  [{ kind: 'mailboxes', names: ['shared.a', 'shared.b'] }, 'IMAP_MAILBOX_NONEXISTENT'],
  [meta, 'IMAP_INVALID_USER'],
] as [Action, ErrorCode][]) {
  test(`a failed ${JSON.stringify(action)} (${code}) is kept and tried again`, () => {
    const remains = judged(action, failed(code));
    assert.deepEqual(remains.promoted, []);
    assert.deepEqual(remains.failing, [{ action, error: refused(code) }]);
  });
}

test('of a failed mailbox set, users are promoted, shared mailboxes stay, and what is done is dropped', () => {
  const remains = judged(
    { kind: 'mailboxes', names: ['user.alice.x', 'user.bob.y', 'shared.z', 'user.alice.done'] },
    {
      kind: 'failed',
      error: refused('IMAP_PROTOCOL_ERROR'),
      names: ['user.alice.x', 'user.bob.y', 'shared.z'],
    },
  );
  assert.deepEqual(remains.promoted, [user, { kind: 'user', userid: 'bob' }]);
  assert.deepEqual(
    remains.failing.map(({ action }) => action),
    [{ kind: 'mailboxes', names: ['shared.z'] }],
  );
});

test('every failure of a unit counts, not only the last', () => {
  const actions: Action[] = [user, { kind: 'user', userid: 'bob' }, { kind: 'user', userid: 'carol' }];
  const remains = remainsOf(
    { users: [], actions },
    { results: [failed(), { kind: 'done' }, failed()] },
    ownerOf,
  );
  assert.deepEqual(
    remains.failing.map(({ action }) => action),
    [actions[0], actions[2]],
  );
});

test('a broken link promotes nothing', () => {
  const remains = judged({ kind: 'quota', root: 'user.alice' }, { kind: 'failed', error: linkError });
  assert.deepEqual(remains.promoted, []);
  assert.deepEqual(remains.untouched, [{ kind: 'quota', root: 'user.alice' }]);
  assert.equal(remains.linkError, linkError);
  assert.equal(remains.broke.length, 1);
});

test('a locked action is neither promoted nor failed', () => {
  const remains = judged(user, { kind: 'locked', user: 'alice' });
  assert.deepEqual(remains.locked, [{ action: user, user: 'alice' }]);
  assert.deepEqual([remains.promoted, remains.failing, remains.untouched], [[], [], []]);
});

test('what is done but for messages that are damaged here is neither promoted nor tried again', () => {
  const action: Action = { kind: 'mailboxes', names: ['user.alice.x'] };
  const result = failed();
  assert.ok(result.kind === 'failed');
  const error = { ...result.error, code: 'MESSAGE_UNREADABLE', leaves: 'damaged-at-source' } as const;
  const remains = judged(action, { ...result, error });
  assert.deepEqual(remains.damaged, [{ action, error }]);
  assert.deepEqual([remains.promoted, remains.failing, remains.untouched], [[], [], []]);
  const others = judged(action, { ...result, error: { ...error, leaves: 'metadata-differs' } });
  assert.deepEqual([others.damaged, others.promoted], [[], [user]]);
});

test('what nothing is said of is not done, and is our own fault', () => {
  const { untouched, untouchedError } = remainsOf(
    { users: [], actions: [user, meta] },
    { results: [] },
    ownerOf,
  );
  assert.deepEqual(untouched, [user, meta]);
  assert.deepEqual([untouchedError?.code, untouchedError?.retryable], ['BUG', true]);
  assert.match(untouchedError?.message ?? '', /USER alice$/);
});

test('where there are no descriptors the work waits, and neither the work nor the replica is blamed', () => {
  const error: ErrorData = { code: 'TOO_MANY_FILES', family: 'local', message: 'EMFILE', retryable: true };
  for (const result of [
    { kind: 'untouched', error },
    { kind: 'failed', error },
  ] as const) {
    const remains = judged(user, result);
    assert.deepEqual([remains.untouched, remains.failing, remains.promoted], [[user], [], []]);
    assert.deepEqual(
      [remains.outOfFiles, remains.untouchedError, remains.linkError],
      [error, undefined, undefined],
    );
  }
});

test('what is untouched for want of a connection says so, and what is for another reason does not', () => {
  const lost = judged(user, { kind: 'untouched', error: linkError });
  assert.deepEqual([lost.linkError, lost.untouchedError, lost.broke], [linkError, linkError, []]);
  const behind = judged(user, { kind: 'untouched', error: refused('IMAP_PROTOCOL_ERROR') });
  assert.deepEqual([behind.linkError, behind.untouched], [undefined, [user]]);
});
