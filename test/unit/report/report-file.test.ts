import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { failureList } from '../../../src/report/document/failure-list.ts';
import { ReportFile } from '../../../src/report/document/report-file.ts';
import { csvFormat, jsonFormat, type ReportFormat } from '../../../src/report/document/report-format.ts';
import type { Effort, SyncEvent, UserSettled } from '../../../src/report/events.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

const HEAD = {
  ...{ program: 'sync_client', programVersion: '1.0.0', channel: null },
  started: '2026-11-28T00:00:00.000Z',
};
const effort: Effort = {
  ...{ attempts: 2, lockWaits: 1, mailboxes: 3, messages: 40, octets: 5_000, elapsedMs: 1_234.5 },
};
const refused: ErrorData = {
  ...{ code: 'MAILBOX_DAMAGED', family: 'local', phase: 'read', mailbox: 'user.bert.Sent' },
  ...{ message: 'cyrus.index is cut', hint: 'run reconstruct', retryable: false },
};

function settled(user: string, fields: Partial<UserSettled> = {}): SyncEvent {
  return { kind: 'user:settled', key: `user:${user}`, user, status: 'replicated', effort, ...fields };
}

function damagedMessage(user: string, name: string, uid: number): SyncEvent {
  const damage = { uid, guid: 'ab'.repeat(20), path: `/spool/${uid}.`, cause: 'missing' } as const;
  return { kind: 'message:damaged', user, name, damage };
}

function opened(t: TestContext, file: string): { path: string; report: ReportFile } {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, file);
  writeFileSync(path, 'what an earlier run has left\n'.repeat(200));
  const report = ReportFile.open('--report', path, file.endsWith('CSV') ? csvFormat : jsonFormat, HEAD);
  report.attach(
    (internal) => internal.replaceAll('.', '/'),
    () => assert.fail('nothing to complain about'),
  );
  return { path, report };
}

// biome-ignore lint/suspicious/noExplicitAny: what a reader of the file sees
function document(path: string): any {
  return JSON.parse(readFileSync(path, 'utf8'));
}

test('at every moment the report is a whole document, which says whether the run has ended', (t) => {
  const { path, report } = opened(t, 'report.json');
  assert.deepEqual([document(path).schema, document(path).version], ['cyrus-sync-report', 1]);
  assert.deepEqual([document(path).users, document(path).run.complete], [[], false]);
  report.hear({ kind: 'run:start', server: 'replica', mode: 'all', connections: 4 });
  report.hear({ kind: 'run:discovered', users: 3, messages: 100, complete: true });
  report.hear(settled('anna'));
  assert.equal(document(path).users.length, 1);
  report.hear(settled('bert', { status: 'failed', error: refused }));
  report.hear(settled('carl', { status: 'not-reached' }));
  const underWay = document(path);
  assert.equal(underWay.run.complete, false);
  assert.equal(underWay.run.server, 'replica');
  assert.deepEqual(
    underWay.users.map(({ user, grade }: { user: string; grade: string }) => [user, grade]),
    [
      ['anna', 'identical'],
      ['bert', 'failed'],
      ['carl', 'not-reached'],
    ],
  );
  report.close({ allFound: true }, 0);
  const { run, users } = document(path);
  assert.deepEqual([run.complete, run.ended, run.endedBy], [true, '1970-01-01T00:00:00.000Z', null]);
  assert.deepEqual([run.users.failed, run.grades.failed, run.messages], [1, 1, 120]);
  assert.deepEqual(users[1].error, {
    ...{ code: 'MAILBOX_DAMAGED', family: 'local', phase: 'read', mailbox: 'user/bert/Sent' },
    ...{ alsoMailboxes: [], message: 'cyrus.index is cut', hint: 'run reconstruct', retryable: false },
  });
  const { attempts, lockWaits, seconds, octets } = users[0];
  assert.deepEqual([attempts, lockWaits, seconds, octets], [2, 1, 1.235, 5_000]);
});

test('damaged messages are listed with the user who has them, once, whatever was tried how often', (t) => {
  const { path, report } = opened(t, 'report.json');
  for (const _attempt of [1, 2]) report.hear(damagedMessage('anna', 'user.anna', 7));
  report.hear(damagedMessage('', 'news', 1));
  report.hear(damagedMessage('', 'other', 1));
  report.hear(settled('anna', { status: 'failed', error: { ...refused, leaves: 'damaged-at-source' } }));
  report.hear(settled('', { mailboxes: ['news'] }));
  const [anna, shared] = document(path).users;
  assert.equal(anna.grade, 'damaged-at-source');
  assert.deepEqual(anna.damaged, [
    { mailbox: 'user/anna', uid: 7, guid: 'ab'.repeat(20), path: '/spool/7.', cause: 'missing' },
  ]);
  assert.deepEqual([shared.user, shared.mailboxes, shared.damagedMessages], [null, ['news'], 1]);
  report.close({ allFound: true }, 0);
});

test('what a comparison found counts for more than the end of the work', (t) => {
  const { path, report } = opened(t, 'report.json');
  report.hear({ kind: 'user:graded', user: 'anna', grade: 'changing', differences: 3 });
  report.hear(settled('anna'));
  const [anna] = document(path).users;
  assert.deepEqual([anna.grade, anna.compared, anna.differences], ['changing', true, 3]);
  report.close({ allFound: true }, 0);
});

test('what a comparison found is listed with the user, each difference once', (t) => {
  const { path, report } = opened(t, 'report.json');
  const acl = { kind: 'acl', user: 'anna', mailbox: 'user.anna', master: 'anna\tlr\t', replica: '' } as const;
  const lost = {
    kind: 'message',
    user: 'anna',
    mailbox: 'user.anna.Sent',
    uid: 7,
    master: 'ab',
    replica: undefined,
  } as const;
  const shared = { kind: 'mailbox', user: '', mailbox: 'news', master: '', replica: undefined } as const;
  for (const difference of [acl, lost, acl, shared]) report.hear({ kind: 'verify:difference', difference });
  report.hear(settled('anna'));
  report.hear(settled('', { mailboxes: ['other'] }));
  report.hear(settled('', { mailboxes: ['news'] }));
  const nothing = { uid: null, what: null };
  assert.deepEqual(
    document(path).users.map(({ found }: { found: object[] }) => found),
    [
      [
        { kind: 'acl', mailbox: 'user/anna', ...nothing, master: 'anna\\x09lr\\x09', replica: '' },
        { kind: 'message', mailbox: 'user/anna/Sent', uid: 7, what: null, master: 'ab', replica: null },
      ],
      [],
      [{ kind: 'mailbox', mailbox: 'news', ...nothing, master: '', replica: null }],
    ],
  );
  report.close({ allFound: true }, 0);
});

test('whatever names and reasons hold, the report stays one document with as many users as were told', (t) => {
  const anyText = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText, anyText)), (users) => {
      const { path, report } = opened(t, 'report.json');
      for (const [user, message] of users) {
        report.hear(settled(user, { status: 'failed', error: { ...refused, message, mailbox: user } }));
      }
      assert.equal(document(path).users.length, users.length);
      report.close({ endedBy: refused, allFound: true }, 0);
      assert.equal(document(path).run.endedBy.code, 'MAILBOX_DAMAGED');
    }),
    { numRuns: 25 },
  );
});

test('as CSV it has a row for each user, and a last one that says that the run has ended', (t) => {
  const { path, report } = opened(t, 'report.CSV');
  const rows = (): string[] => readFileSync(path, 'utf8').trimEnd().split('\r\n');
  assert.match(rows().at(-1) ?? '', /^run,,,incomplete,/);
  report.hear(settled('anna'));
  report.hear(settled('=1+1', { status: 'failed', error: { ...refused, message: 'say "no", twice' } }));
  assert.match(rows()[1] ?? '', /^user,anna,,replicated,identical,false,0,3,40,5000,1.235,2,1,/);
  assert.match(rows()[2] ?? '', /^user,'=1\+1,,failed,failed,.*"say ""no"", twice",run reconstruct$/);
  assert.match(rows()[3] ?? '', /^run,,,incomplete,/);
  report.close({ allFound: true }, 0);
  assert.equal(rows().length, 4);
  assert.match(rows()[3] ?? '', /^run,,,complete,/);
});

test('a report that cannot be written is refused before anything is done', () => {
  assert.throws(() => ReportFile.open('--report', '/nonexistent/report.json', jsonFormat, HEAD), {
    code: 'USAGE',
    message: /^--report: expected a file that can be written/,
  });
  assert.throws(() => ReportFile.open('--report', '/dev/null', jsonFormat, HEAD), {
    code: 'USAGE',
    message: /no regular file/,
  });
});

test('whoever has another last word has one entry, and file and totals are as if that had been the only one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const written = (format: ReportFormat, events: readonly SyncEvent[], close: boolean): string => {
    const path = join(folder, 'report');
    rmSync(path, { force: true });
    const report = ReportFile.open('--report', path, format, HEAD);
    report.attach(
      (internal) => internal,
      (text) => assert.fail(text),
    );
    for (const event of events) report.hear(event);
    if (close) report.close({ allFound: true }, 0);
    else report[Symbol.dispose]();
    return readFileSync(path, 'latin1');
  };
  const statuses = fc.constantFrom<UserSettled['status']>('failed', 'failed', 'replicated', 'locked');
  const end = fc.record({ user: fc.constantFrom('a', 'b', 'c', 'd', 'e'), status: statuses });
  const formats = fc.constantFrom(jsonFormat, csvFormat, failureList('-u'));
  fc.assert(
    fc.property(formats, fc.array(end, { maxLength: 20 }), fc.boolean(), (format, ends, close) => {
      const told: UserSettled[] = [];
      for (const [attempts, { user, status }] of ends.entries()) {
        // Only who has failed has another.
        const before = told.findLast((each) => each.user === user);
        if (before && before.status !== 'failed') continue;
        const error = status === 'failed' ? { ...refused, message: 'x'.repeat(attempts) } : undefined;
        const again = before !== undefined;
        told.push({ key: `user:${user}`, user, status, again, error, effort: { ...effort, attempts } });
      }
      const events = told.map((each): SyncEvent => ({ kind: 'user:settled', ...each }));
      const last = events.filter(
        (_event, index) => !told.slice(index + 1).some((each) => each.user === told[index]?.user),
      );
      assert.equal(written(format, events, close), written(format, last, close));
    }),
  );
});
