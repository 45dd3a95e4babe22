import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parseNameList } from '../../../src/cli/read-name-list.ts';
import { FailureFile, type ListOption } from '../../../src/report/failure-file.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

const error: ErrorData = {
  code: 'IMAP_PERMISSION_DENIED',
  family: 'refused',
  message: 'two\nlines',
  hint: 'do something',
  retryable: false,
};

function inFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'failures-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'list');
}

function opened(path: string, option: ListOption = '-u'): FailureFile {
  const file = FailureFile.open(path, option);
  file.attach(
    (internal) => internal.replaceAll('.', '/'),
    () => assert.fail('nothing to complain about'),
  );
  return file;
}

function namesIn(path: string): string[] {
  return parseNameList(readFileSync(path, 'latin1')).map(({ name }) => name);
}

function firstLineOf(path: string): string {
  return readFileSync(path, 'latin1').split('\n', 1)[0] ?? '';
}

test('the list says that it is incomplete until the run has ended, and each failure is in it at once', (t) => {
  const path = inFolder(t);
  writeFileSync(path, 'what an earlier run has left\n'.repeat(100));
  const file = opened(path);
  assert.match(firstLineOf(path), /^# INCOMPLETE/);
  assert.deepEqual(namesIn(path), []);
  file.hear({ kind: 'user:failed', user: 'alice', work: 'user', error });
  assert.deepEqual(namesIn(path), ['alice']);
  file.hear({ kind: 'user:locked', user: 'bob@example.org' });
  assert.deepEqual(namesIn(path), ['alice', 'bob@example.org']);
  assert.match(firstLineOf(path), /^# INCOMPLETE/);
  file.close({ unreached: [{ user: 'carl' }, { user: 'dora' }], allFound: true });
  assert.match(firstLineOf(path), /^# Complete/);
  assert.deepEqual(namesIn(path), ['alice', 'bob@example.org', 'carl', 'dora']);
  assert.match(readFileSync(path, 'latin1'), /^# two lines \(do something\)\nalice$/m);
});

test('a run that ended before everybody was found leaves a list that says so', (t) => {
  const path = inFolder(t);
  opened(path).close({ unreached: [{ user: 'alice' }], allFound: false, endedBy: error });
  assert.match(firstLineOf(path), /^# INCOMPLETE: .* before/);
  assert.deepEqual(namesIn(path), ['alice']);
});

test('mailboxes are listed for the option that named them, and are comments for another', (t) => {
  const path = inFolder(t);
  const failed = {
    kind: 'user:failed',
    user: '',
    work: 'mailboxes',
    mailboxes: ['a.b', 'c'],
    error,
  } as const;
  const asMailboxes = opened(path, '-m');
  asMailboxes.hear({ ...failed, mailboxes: [...failed.mailboxes] });
  asMailboxes.close({ unreached: [], allFound: true });
  assert.deepEqual(namesIn(path), ['a/b', 'c']);
  assert.match(readFileSync(path, 'latin1'), /sync_client -m -f/);
  const asUsers = opened(path);
  asUsers.hear({ ...failed, mailboxes: [...failed.mailboxes] });
  asUsers.close({ unreached: [], allFound: true });
  assert.deepEqual(namesIn(path), []);
  assert.match(readFileSync(path, 'latin1'), /^# mailbox a\/b$/m);
});

test('a name that a list would not give back as it is stays a comment', (t) => {
  const path = inFolder(t);
  opened(path).close({
    unreached: [{ user: '#hash' }, { user: ' blank' }, { user: 'x\ny' }],
    allFound: true,
  });
  assert.deepEqual(namesIn(path), []);
});

test('a place that cannot be written is refused by the name of the option, and nothing is waited for', (t) => {
  const path = inFolder(t);
  const refused = (place: string) =>
    assert.throws(() => FailureFile.open(place, '-u'), { code: 'USAGE', message: /^--failures: / });
  refused(join(path, 'no-such-folder', 'list'));
  refused(tmpdir());
  refused('/dev/null');
  spawnSync('mkfifo', [path]);
  assert.ok(statSync(path).isFIFO());
  refused(path);
});
