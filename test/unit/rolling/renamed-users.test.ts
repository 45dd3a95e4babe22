import assert from 'node:assert/strict';
import test from 'node:test';
import { type InboxOf, RenamedUsers } from '../../../src/rolling/queue/renamed-users.ts';
import { failed, Site } from './site.ts';

/**
 * A list in which `older` became `old` and then `new`, `gone` was deleted, `other` has been there all the time, and `again` was
 * made after somebody had left that name.
 */
const ROWS: Record<string, ReturnType<InboxOf>> = {
  old: { uniqueid: 'one', deleted: true },
  new: { uniqueid: 'one', deleted: false },
  gone: { uniqueid: 'two', deleted: true },
  other: { uniqueid: 'three', deleted: false },
  older: { uniqueid: 'one', deleted: true },
  again: { uniqueid: 'four', deleted: false },
};
const inboxOf: InboxOf = (userid) => ROWS[userid];
const TIED = [
  [
    { kind: 'user', userid: 'new' },
    { kind: 'unuser', userid: 'old' },
  ],
];

function logOf(users: RenamedUsers, named: string[], gone: string[]): unknown {
  for (const userid of gone) users.add({ kind: 'unuser', userid });
  for (const userid of named) users.add({ kind: 'user', userid });
  return users.take();
}

test('a user whose INBOX another name has now is tied to that one, and nobody else is', () => {
  assert.deepEqual(logOf(new RenamedUsers(inboxOf), ['other', 'new'], ['gone', 'old', 'nobody']), TIED);
});

test('who was renamed twice is tied under both former names', () => {
  const [tied] = TIED;
  const older = [tied?.[0], { kind: 'unuser', userid: 'older' }];
  assert.deepEqual(logOf(new RenamedUsers(inboxOf), ['new'], ['older', 'old']), [older, tied]);
});

test('where the former name has been used again, whom the log names last before is tied, if it is somebody else', () => {
  const users = new RenamedUsers(inboxOf);
  const line = (kind: 'user' | 'unuser', userid: string) => users.add({ kind, userid });
  line('user', 'other');
  line('user', 'new');
  line('unuser', 'again');
  line('user', 'gone');
  assert.deepEqual(users.take(), [
    [
      { kind: 'user', userid: 'new' },
      { kind: 'unuser', userid: 'again' },
    ],
  ]);
  line('user', 'again');
  line('unuser', 'again');
  assert.deepEqual(users.take(), []);
  users.take();
  line('unuser', 'again');
  assert.deepEqual(users.take(), [], 'nor who was named long ago');
});

test('where the log ended between the two lines they are tied with the next one, and later no more', () => {
  const users = new RenamedUsers(inboxOf);
  assert.deepEqual(logOf(users, ['new'], []), []);
  assert.deepEqual(logOf(users, [], ['old']), TIED);
  assert.deepEqual(logOf(users, [], ['old']), []);
});

test('where nobody can be looked up, the log before is as near as it was when the same lines come again', () => {
  let known = false;
  const users = new RenamedUsers((userid) => {
    if (!known) throw new RangeError('nobody is to be looked up');
    return inboxOf(userid);
  });
  assert.deepEqual(logOf(users, ['new'], []), []);
  assert.throws(() => logOf(users, [], ['old']), RangeError);
  known = true;
  assert.deepEqual(logOf(users, [], ['old']), TIED);
  assert.deepEqual(logOf(users, [], ['old']), []);
});

test('an UNUSER of who was renamed waits for USER of the new name, through failures of it, without any RENAME', async () => {
  using site = new Site();
  let broken = true;
  site.resultOf = (action) =>
    broken && action.kind === 'user' && action.userid === 'new' ? failed() : undefined;
  site.start({}, { inboxOf });
  await site.change({ type: 'USER', userid: 'new' }, { type: 'UNUSER', userid: 'old' });
  await site.clock.advance(60_000);
  assert.ok(!site.begun.some(({ action }) => action.kind === 'unuser'));
  broken = false;
  await site.clock.advance(3_600_000);
  assert.deepEqual(site.behind(), []);
  assert.ok(site.begun.some(({ action }) => action.kind === 'unuser'));
});
