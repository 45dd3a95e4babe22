import assert from 'node:assert/strict';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { Remarks } from '../../../src/report/words/remarks.ts';

function remarked(...events: SyncEvent[]): string[] {
  const remarks = new Remarks((internal) => internal.replaceAll('.', '/'));
  for (const event of events) remarks.hear(event);
  return remarks.lines();
}

function started(mode: 'all' | 'users'): SyncEvent {
  return { kind: 'run:start', server: 'replica', mode, connections: 1 };
}

test('a run in which nothing needs attention ends without a word', () => {
  assert.deepEqual(remarked(started('all'), { kind: 'user:done', user: 'a' }), []);
});

test('merges, folders that only the replica has and users passed over are told with examples', () => {
  assert.deepEqual(
    remarked(
      started('all'),
      { kind: 'mailbox:merged', name: 'user.a', changed: 'both' },
      { kind: 'mailbox:merged', name: 'user.b', changed: 'replica' },
      { kind: 'mailbox:replica-only', name: 'user.a.Extra', uniqueid: 'x', inDeleted: false },
      { kind: 'mailbox:replica-only', name: 'DELETED.user.a.Old.6B04D978', uniqueid: 'y', inDeleted: true },
      { kind: 'mailbox:conversations-uncounted', name: 'user.a.Old' },
      { kind: 'user:locked', user: 'c' },
      { kind: 'user:locked', user: '', mailboxes: ['shared.x'] },
      { kind: 'name:absent', name: 'headless' },
    ),
    [
      '1 changed on both sides and merged, here too: user/a',
      '1 changed on both sides and merged; only the replica had to be changed: user/b',
      '1 only on the replica, and left there because nothing here says that they were deleted: user/a/Extra',
      '1 the same on both sides, but that the replica counts none of their conversations; if another run says so again, conversations are off there, or the conversations.db of the user is damaged there (remove that file and run ctl_conversationsdb -R USER there): user/a/Old',
      '2 passed over, because another sync client is at work on them: c, shared/x',
      '1 passed over, because they have folders here but no INBOX: headless',
    ],
  );
});

test('what is told twice, by another round or attempt, counts once', () => {
  const merged: SyncEvent = { kind: 'mailbox:merged', name: 'user.a', changed: 'both' };
  assert.equal(remarked(merged, merged)[0], '1 changed on both sides and merged, here too: user/a');
});

test('of very many the first are shown and the others counted', () => {
  const events = Array.from(
    { length: 300 },
    (_, index): SyncEvent => ({
      kind: 'mailbox:replica-only',
      name: `user.u${index}`,
      uniqueid: `${index}`,
      inDeleted: false,
    }),
  );
  const [line = '', ...others] = remarked(...events);
  assert.equal(others.length, 0);
  assert.match(line, /^300 only on the replica, .*: user\/u0, .*user\/u19 and 280 more$/);
  const names = Array.from(
    { length: 30 },
    (_, index): SyncEvent => ({
      kind: 'run:unmatched',
      mode: 'users',
      name: `n${index}`,
      guess: undefined,
    }),
  );
  assert.equal(remarked(...names).length, 21);
  assert.equal(remarked(...names).at(-1), '... and 10 more names that match nothing here');
});
