import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { logSink } from '../../../src/report/sinks/log-sink.ts';
import { syslogFileTarget } from '../../../src/report/sinks/syslog-file-target.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

function logged(events: readonly SyncEvent[], verboseLog = false): string[] {
  const lines: string[] = [];
  const sink = logSink({
    run: '1-1',
    channel: 'offsite',
    server: 'replica',
    spellMailbox: (internal) => internal.replaceAll('.', '/'),
    verboseLog,
    targets: [(level, text) => lines.push(`${level}: ${text}`)],
  });
  for (const event of events) sink(event);
  return lines;
}

const error: ErrorData = {
  code: 'IMAP_SYNC_CHECKSUM',
  family: 'refused',
  message: 'Checksum\r\nfailure',
  retryable: false,
};

const ordinary: SyncEvent[] = [
  { kind: 'run:start', server: 'replica', mode: 'users', connections: 1 },
  {
    kind: 'connection:open',
    connection: '0.1',
    server: 'replica',
    flavour: 'csync',
    mechanism: 'PLAIN',
    tls: false,
    compression: false,
    sieveMailbox: true,
  },
  { kind: 'user:start', user: 'alice', work: 'user' },
  { kind: 'command:mailbox', name: 'user.alice', local: false },
  { kind: 'user:progress', user: 'alice', messages: 1, octets: 2 },
  { kind: 'user:done', user: 'alice' },
];

test('a run without trouble logs nothing', () => {
  assert.deepEqual(logged(ordinary), []);
});

test('-l logs the verbose lines', () => {
  assert.deepEqual(logged(ordinary, true), [
    'info: ENABLE 0x800',
    'info: USER alice',
    'info: MAILBOX user.alice',
  ]);
});

test('a failed user is logged in the words that alerts look for', () => {
  const events: SyncEvent[] = [
    { kind: 'run:start', server: 'replica', mode: 'users', connections: 1 },
    { kind: 'user:failed', user: 'alice', work: 'user', error },
  ];
  assert.deepEqual(logged(events), [
    'error: IOERROR: user replication failed: error=<IMAP_SYNC_CHECKSUM: Checksum failure> userid=<alice> ' +
      'channel=<offsite> servername=<replica>',
    'error: Error in sync_do_user(alice): bailing out!',
  ]);
});

test('connection failures say what failed, and at last that it is given up', () => {
  const failed = (message: string, retryInSeconds: number | undefined): SyncEvent => ({
    kind: 'connection:failed',
    server: 'replica',
    error: { ...error, code: 'CONNECT_FAILED', family: 'link', message },
    retryInSeconds,
  });
  assert.deepEqual(
    logged([failed('connect(replica) failed: a', 15), failed('connect(replica) failed: b', undefined)]),
    [
      'error: connect(replica) failed: a; next try in 15 seconds',
      'error: connect(replica) failed: b',
      "error: Can not connect to server 'replica'",
    ],
  );
});

test('names are decoded for the log', () => {
  const name = Buffer.from('user.müller', 'utf8').toString('latin1');
  assert.deepEqual(logged([{ kind: 'mailbox:no-tombstone', name }]), [
    'notice: SYNCNOTICE: attempt to UNMAILBOX without a tombstone user.müller',
  ]);
});

test('what is only for those who look for it is below the level of the log', () => {
  assert.deepEqual(
    logged([{ kind: 'mailbox:replica-only', name: 'DELETED.x', uniqueid: 'id', inDeleted: true }]),
    [],
  );
});

test('lines for a syslog file look like syslogd wrote them', () => {
  const directory = mkdtempSync(join(tmpdir(), 'syslog-file-'));
  try {
    const path = join(directory, 'syslog');
    {
      using target = syslogFileTarget(path, 'sync_client');
      target('error', 'first');
      target('info', 'second');
    }
    const lines = readFileSync(path, 'utf8').split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? '', /^[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \S+ sync_client\[\d+\]: first$/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the mailbox of a failure is named as its administrator types it', () => {
  const about = { ...error, message: '/spool/x/cyrus.index: damaged', mailbox: 'user.amy.Sent' };
  const lines = logged([
    { kind: 'user:failed', user: 'amy', work: 'user', error: about },
    { kind: 'run:retry', key: 'user:x', user: 'amy', delayMs: 5, error: about },
    { kind: 'rolling:retry', channel: undefined, user: 'amy', failures: 1, delayMs: 5, error: about },
  ]);
  assert.equal(
    lines.filter((line) => line.includes('user/amy/Sent: /spool/x/cyrus.index: damaged')).length,
    3,
  );
});
