import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { bytesFromText } from '../../../src/byte-string.ts';
import { parseNameList } from '../../../src/cli/run-plan/read-name-list.ts';
import { failureList, type ListOption } from '../../../src/report/document/failure-list.ts';
import { ReportFile } from '../../../src/report/document/report-file.ts';
import type { UserSettled } from '../../../src/report/events.ts';
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

const HEAD = { program: 'sync_client', programVersion: '1', channel: null, started: '' };

function opened(path: string, option: ListOption = '-u'): ReportFile {
  const file = ReportFile.open('--failures', path, failureList(option), HEAD);
  file.attach(
    (internal) => internal.replaceAll('.', '/'),
    () => assert.fail('nothing to complain about'),
  );
  return file;
}

function settled(
  user: string,
  status: UserSettled['status'],
  fields: Partial<UserSettled> = {},
): UserSettled & { kind: 'user:settled' } {
  const effort = { attempts: 1, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 0 };
  return { kind: 'user:settled', key: `user:${user}`, user, status, effort, ...fields };
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
  file.hear(settled('alice', 'failed', { error }));
  file.hear(settled('done', 'replicated'));
  file.hear(settled('nobody', 'absent'));
  assert.deepEqual(namesIn(path), ['alice']);
  file.hear(settled('bob@example.org', 'locked'));
  assert.deepEqual(namesIn(path), ['alice', 'bob@example.org']);
  assert.match(firstLineOf(path), /^# INCOMPLETE/);
  for (const user of ['carl', 'dora']) file.hear(settled(user, 'not-reached'));
  file.close({ allFound: true }, 0);
  assert.match(firstLineOf(path), /^# Complete/);
  assert.deepEqual(namesIn(path), ['alice', 'bob@example.org', 'carl', 'dora']);
  assert.match(readFileSync(path, 'latin1'), /^# two lines \(do something\)\nalice$/m);
});

test('a run that ended before everybody was found leaves a list that says so', (t) => {
  const path = inFolder(t);
  const file = opened(path);
  file.hear(settled('alice', 'not-reached'));
  file.close({ allFound: false, endedBy: error }, 0);
  assert.match(firstLineOf(path), /^# INCOMPLETE: .* before/);
  assert.deepEqual(namesIn(path), ['alice']);
});

test('mailboxes are listed for the option that named them, and are comments for another', (t) => {
  const path = inFolder(t);
  const failed = settled('', 'failed', { mailboxes: ['a.b', 'c'], error });
  const asMailboxes = opened(path, '-m');
  asMailboxes.hear(failed);
  asMailboxes.close({ allFound: true }, 0);
  assert.deepEqual(namesIn(path), ['a/b', 'c']);
  assert.match(readFileSync(path, 'latin1'), /sync_client -m -f/);
  const asUsers = opened(path);
  asUsers.hear(failed);
  asUsers.close({ allFound: true }, 0);
  assert.deepEqual(namesIn(path), []);
  assert.match(readFileSync(path, 'latin1'), /^# mailbox a\/b$/m);
});

test('a name that a list would not give back as it is stays a comment', (t) => {
  const path = inFolder(t);
  const file = opened(path);
  for (const user of ['#hash', ' blank', 'x\ny']) file.hear(settled(user, 'not-reached'));
  file.close({ allFound: true }, 0);
  assert.deepEqual(namesIn(path), []);
});

test('a name is given back as it is, or is a comment; blanks of no alphabet but ours are letters', (t) => {
  const path = inFolder(t);
  const listed = (users: readonly string[]): string[] => {
    const file = opened(path);
    for (const user of users) file.hear(settled(user, 'not-reached'));
    file.close({ allFound: true }, 0);
    return namesIn(path);
  };
  // UTF-8 has A0 at the end of à and Р, and FEFF is more than an octet.
  const names = ['andreà', 'àndre', 'Р', 'x\u00a0', '\u00a0x'].map(bytesFromText);
  assert.deepEqual(listed(names), names);
  const blank = fc.constantFrom(' ', '\t', '\r', '#', 'à', '\u00a0', 'x');
  fc.assert(
    fc.property(fc.array(blank, { minLength: 1, maxLength: 4 }), (letters) => {
      const name = bytesFromText(letters.join(''));
      const [found = name, ...more] = listed([name]);
      assert.deepEqual([found, more], [name, []]);
    }),
    { numRuns: 60 },
  );
});

test('a place that cannot be written is refused by the name of the option, and nothing is waited for', (t) => {
  const path = inFolder(t);
  const refused = (place: string) =>
    assert.throws(() => ReportFile.open('--failures', place, failureList('-u'), HEAD), {
      code: 'USAGE',
      message: /^--failures: /,
    });
  refused(join(path, 'no-such-folder', 'list'));
  refused(tmpdir());
  refused('/dev/null');
  spawnSync('mkfifo', [path]);
  assert.ok(statSync(path).isFIFO());
  refused(path);
});
