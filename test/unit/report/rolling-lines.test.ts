import assert from 'node:assert/strict';
import test from 'node:test';
import type { Backlog, RollingEvent } from '../../../src/report/events.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';
import { type LogContext, logLines } from '../../../src/report/words/log-lines.ts';

const error: ErrorData = {
  code: 'IMAP_SYNC_CHECKSUM',
  family: 'refused',
  message: 'no\r\ngood',
  retryable: true,
};
const backlog: Backlog = {
  channel: 'far',
  lines: 7,
  oldestMs: 1250,
  inFlight: 2,
  waiting: 3,
  locked: 1,
  quarantined: [{ user: 'mallory', failures: 5, retryMs: 1, error }],
  lastSuccess: 0,
  link: 'up',
};

const context: LogContext = {
  mode: 'users',
  channel: undefined,
  server: 'replica',
  spellMailbox: asItIs,
};

for (const [event, expected] of [
  [
    {
      kind: 'rolling:bad-line',
      file: '/x/log',
      line: 3,
      expected: 'one userid after USER',
      found: 'nothing',
    },
    'error /x/log line 3 skipped: expected one userid after USER, found nothing',
  ],
  [
    { kind: 'rolling:retry', channel: 'far', user: 'mallory', failures: 1, delayMs: 1500, error },
    "notice will try 'mallory' again in 1.5 s: IMAP_SYNC_CHECKSUM: no good",
  ],
  [
    { kind: 'rolling:quarantined', channel: 'far', user: 'mallory', failures: 5, delayMs: 16_000, error },
    "error 'mallory' is in quarantine after 5 failures, next try in 16.0 s: IMAP_SYNC_CHECKSUM: no good",
  ],
  [
    { kind: 'rolling:released', channel: 'far', user: 'mallory' },
    "notice 'mallory' is synced again and out of quarantine",
  ],
  [
    { kind: 'rolling:parked', channel: 'far', user: 'amy', why: 'locked' },
    "info 'amy' is being synced elsewhere, waiting for its lock",
  ],
  [
    { kind: 'rolling:parked', channel: 'far', user: 'amy', why: 'skipped' },
    "info 'amy' is skipped as asked, its changes wait",
  ],
  [
    { kind: 'rolling:parked', channel: 'far', user: 'amy', why: 'skip-file' },
    "info 'amy' is skipped by its skipuser file, its changes wait",
  ],
  [
    { kind: 'rolling:backlog', backlog },
    'info backlog: channel=<far> link=<up> lines=<7> oldest=<1.3 s> inflight=<2> waiting=<3> ' +
      'locked=<1> quarantined=<mallory> lastsuccess=<1970-01-01T00:00:00.000Z>',
  ],
] as [RollingEvent, string][]) {
  test(`the log line of ${event.kind}: ${expected}`, () => {
    const lines = logLines(event, context);
    assert.deepEqual(
      lines.map(({ level, text }) => `${level} ${text}`),
      [expected],
    );
  });
}

test('a pass is no line of its own: a busy server has one every second', () => {
  const event: RollingEvent = { kind: 'rolling:pass', channel: 'c', file: 'f', lines: 1, bad: 0, units: 1 };
  assert.deepEqual(logLines(event, context), []);
});
