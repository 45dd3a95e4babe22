import assert from 'node:assert/strict';
import test from 'node:test';
import { failureLines, failureText } from '../../src/report/failures.ts';
import type { ErrorData } from '../../src/report/sync-error.ts';

const error: ErrorData = {
  code: 'IMAP_PERMISSION_DENIED',
  family: 'refused',
  message: 'Permission denied',
  hint: 'add the user to admins on the replica',
  retryable: false,
};

test('each failure is told with its reason and what to do', () => {
  assert.deepEqual(
    failureLines([
      { user: 'alice', error },
      { user: '', error: { ...error, hint: undefined, mailbox: 'shared.x' } },
    ]),
    [
      'alice: Permission denied (add the user to admins on the replica)',
      'mailbox shared.x: Permission denied',
    ],
  );
});

test('one reason of very many users does not flood the terminal, another one is not lost in it', () => {
  const failures = Array.from({ length: 1_000 }, (_, index) => ({ user: `u${index}`, error }));
  failures.push({ user: 'other', error: { ...error, message: 'Mailbox is locked', hint: undefined } });
  const lines = failureLines(failures);
  assert.equal(lines.length, 22);
  assert.ok(lines.includes('... and 980 more: Permission denied (add the user to admins on the replica)'));
  assert.ok(lines.includes('other: Mailbox is locked'));
});

test('when the run ended early, the reason is told once, and all who were not replicated are counted', () => {
  const endedBy: ErrorData = { ...error, message: 'connect(replica) failed', hint: undefined };
  const own: ErrorData = { ...error, message: 'Mailbox is locked', hint: undefined };
  const closing = {
    failures: [{ user: 'alice', error: own }],
    unreached: [{ user: 'bob' }, { user: 'carl' }],
    allFound: true,
  };
  assert.equal(
    failureText({ ...closing, endedBy }),
    'alice: Mailbox is locked\nsync_client: connect(replica) failed\n3 users not replicated\n',
  );
  assert.equal(
    failureText({ ...closing, failures: [], allFound: false }),
    'sync_client: stopped; run again to continue\nat least 2 users not replicated\n',
  );
  assert.equal(failureText({ failures: [], unreached: [], allFound: true }), '');
});
