import assert from 'node:assert/strict';
import test from 'node:test';
import { closingLines, failureLines } from '../../../src/report/document/failures.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

const error: ErrorData = {
  code: 'IMAP_PERMISSION_DENIED',
  family: 'refused',
  message: 'Permission denied',
  hint: 'add the user to admins on the replica',
  retryable: false,
};

function spell(internal: string): string {
  return internal.replaceAll('.', '/');
}

test('each failure is told with its reason and what to do', () => {
  assert.deepEqual(
    failureLines(
      [
        {
          user: 'alice',
          error: { ...error, mailbox: 'user.alice.Sent', alsoMailboxes: ['user.alice.A', 'user.alice.B'] },
        },
        { user: '', error: { ...error, hint: undefined, mailbox: 'shared.x' } },
      ],
      spell,
    ),
    [
      'alice: user/alice/Sent: Permission denied; also user/alice/A, user/alice/B (add the user to admins on the replica)',
      'shared/x: Permission denied',
      '2 users failed: IMAP_PERMISSION_DENIED 2',
    ],
  );
});

test('one reason of very many users does not flood the terminal, whatever file each is about; another is not lost in it', () => {
  const failures = Array.from({ length: 1_000 }, (_, index) => ({
    user: `u${index}`,
    error: { ...error, message: `/spool/${index}/cyrus.index: damaged`, mailbox: `user.u${index}` },
  }));
  failures.splice(500, 0, {
    user: 'other',
    error: { ...error, code: 'IMAP_MAILBOX_LOCKED', message: 'Mailbox is locked', mailbox: 'user.other' },
  });
  const lines = failureLines(failures, spell);
  assert.equal(lines.length, 23);
  assert.equal(
    lines[0],
    'u0: user/u0: /spool/0/cyrus.index: damaged (add the user to admins on the replica)',
  );
  assert.ok(
    lines.includes('... and 980 more: IMAP_PERMISSION_DENIED (add the user to admins on the replica)'),
  );
  assert.ok(lines.some((line) => line.startsWith('other: user/other: Mailbox is locked')));
  assert.equal(lines.at(-1), '1001 users failed: IMAP_PERMISSION_DENIED 1000, IMAP_MAILBOX_LOCKED 1');
});

test('when the run ended early, the reason is told once, and all who were not replicated are counted', () => {
  const endedBy: ErrorData = { ...error, message: 'connect(replica) failed', hint: undefined };
  const own: ErrorData = { ...error, message: 'Mailbox is locked', hint: undefined };
  const closing = {
    failures: [{ user: 'alice', error: own }],
    unreached: [{ user: 'bob' }, { user: 'carl' }],
    allFound: true,
  };
  assert.deepEqual(closingLines({ ...closing, endedBy }, spell), [
    'alice: Mailbox is locked',
    'sync_client: connect(replica) failed',
    '3 users not replicated',
  ]);
  assert.deepEqual(closingLines({ ...closing, failures: [], allFound: false }, spell), [
    'sync_client: stopped; run again to continue',
    'at least 2 users not replicated',
  ]);
  assert.deepEqual(closingLines({ failures: [], unreached: [], allFound: true }, spell), []);
});
