import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { bytesFromText } from '../../../src/byte-string.ts';
import { openScreen } from '../../../src/operate/progress/screen.ts';
import { failureList } from '../../../src/report/document/failure-list.ts';
import { ReportFile } from '../../../src/report/document/report-file.ts';
import { jsonFormat } from '../../../src/report/document/report-format.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { printable, printableBytes, printableLines } from '../../../src/report/printable.ts';
import { openReport } from '../../../src/report/report.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

/*
 * Contract: whatever a peer or a file puts into a name or a reason, it makes neither a line of its own nor a move of the
 * terminal, wherever it is printed, logged or listed.
 */

test('what is drawn on a screen, and where there is none, moves no cursor of its own', () => {
  for (const isTTY of [true, false]) {
    let written = '';
    const stream = { write: (text: string) => (written += text), isTTY, on() {}, off() {} };
    using screen = openScreen(stream, 'xterm');
    screen.show(['an\u202ena\u009b2J', 'bob\nmore']);
    assert.equal(written, 'an\\u{202e}na\\x9b2J\nbob\\x0amore\n');
  }
});

test('what steers a terminal or ends a line is shown by its number, and names as they are', () => {
  const cases: [octets: string, shown: string][] = [
    ['user.anna.Sent Items', 'user.anna.Sent Items'],
    [bytesFromText('Müller/Entwürfe 漢字'), 'Müller/Entwürfe 漢字'],
    ['a\nNov 28 sync_client[1]: b', 'a\\x0aNov 28 sync_client[1]: b'],
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['\r\t\0\x7f', '\\x0d\\x09\\x00\\x7f'],
    ['caf\xe9 \x9b31m', 'caf\\xe9 \\x9b31m'],
    [bytesFromText('\u009b31m'), '\\x9b31m'],
    [bytesFromText('a\u202egnp.exe\u2066\u200b\u2028'), 'a\\u{202e}gnp.exe\\u{2066}\\u{200b}\\u{2028}'],
    // Overlong, a surrogate, and above the last character: no UTF-8.
    ['\xc0\x8a \xed\xa0\x80 \xf4\x90\x80\x80', '\\xc0\\x8a \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80'],
    // Text in the place of octets: cut to octets, U+010A would be a line feed.
    ['\u010a and 漢', '\u010a and 漢'],
  ];
  for (const [bytes, shown] of cases) assert.equal(printableBytes(bytes), shown);
  assert.equal(printable('\ud800'), '\\u{d800}');
  assert.equal(printableLines('<1<* OK \x1b[2J\r\n* BYE\n'), '<1<* OK \\x1b[2J\r\n* BYE\n');
});

const error: ErrorData = {
  code: 'IMAP_REMOTE_DENIED',
  family: 'refused',
  message: 'x',
  user: 'x',
  mailbox: 'x',
  alsoMailboxes: ['x'],
  outstanding: { command: 'x', mailbox: 'x' },
  hint: 'x',
  retryable: false,
};
const counts = { synced: 1, absent: 0, locked: 0, failed: 0 };
const script = { user: 'x', filename: 'x' };
const annotation = { name: 'x', entry: 'x', user: 'x' };

/** One of each kind; the strings of these are replaced, except those that say of which sort something is. */
const events: Record<SyncEvent['kind'], object> = {
  'run:warning': { text: 'x', hint: 'x' },
  'run:start': { server: 'x', mode: 'all', connections: 1 },
  'run:discovered': { users: 1, messages: 1, complete: true },
  'run:parked': { key: 'x', user: 'x' },
  'job:postponed': { key: 'x', wayMs: 1, backlogMs: 1 },
  'connection:traffic': { connection: 'x', sentOctets: 1, receivedOctets: 1, answers: 1, servedMs: 1 },
  'run:retry': { key: 'x', user: 'x', delayMs: 1, error },
  'run:unmatched': { mode: 'users', name: 'x', guess: { why: 'similar', name: 'x' } },
  'run:status': {
    status: {
      ...{ state: 'copying', users: 1, complete: true, ...counts },
      ...{ left: 0, connections: 1, connectionsMost: null, messages: 1, octets: 1, elapsedMs: 1 },
    },
  },
  'run:stopping': {},
  'run:end': {
    summary: {
      ...{ ...counts, unmatched: 0, messagesUploaded: 0, octetsUploaded: 0, mailboxesUpdated: 0 },
      ...{ elapsedMs: 1, failures: [], unreached: [], allFound: true, connections: { most: 1, why: 'jobs' } },
    },
  },
  'rolling:damaged': { channel: 'x', user: 'x', error },
  'rolling:full-pass': { jobs: 1, untold: 1, elapsedMs: 1, error },
  'verify:difference': {
    difference: { kind: 'annotation', user: 'x', mailbox: 'x', uid: 1, what: 'x', master: 'x', replica: 'x' },
  },
  'verify:unmended': { user: 'x', name: 'x', error },
  'verify:listed': { listing: 'failed', server: 'x', error },
  'verify:verdict': { user: 'x', verdict: 'changing', mailboxes: 1, differences: 1 },
  'connection:open': {
    ...{ server: 'x', flavour: 'csync', mechanism: 'x', tls: false, compression: false, sieveMailbox: true },
  },
  'connection:exposed': { server: 'x', exposure: 'clear' },
  'connection:failed': { server: 'x', error, retryInSeconds: 15 },
  'connection:lost': { server: 'x', error },
  'replica:ill': { server: 'x', error, retryInSeconds: 15 },
  'host:out-of-files': { limit: 256, retryInSeconds: 1, error },
  'connection:compressed': { server: 'x', level: 1, rate: 1 },
  'connection:closed': { server: 'x' },
  'replica:closed-idle': { server: 'x' },
  'replica:full': { server: 'x', connections: 1 },
  'replica:no-archive': { server: 'x' },
  'master:said': { line: 'x' },
  'thread:failed': { error },
  traffic: { direction: 'received', text: Buffer.from('* OK\r\n') },
  'user:start': { user: 'x', work: 'user' },
  'user:absent': { user: 'x' },
  'name:absent': { name: 'x' },
  'user:locked': { user: 'x', mailboxes: ['x'] },
  'work:begun': { key: 'x', connection: 'x', users: ['x'] },
  'work:ended': { key: 'x', connection: 'x', users: ['x'], result: 'synced', size: 1 },
  'rolling:replicated': { channel: 'x', users: ['x'], lagMs: 1 },
  'run:connections': { most: 1, why: 'asked' },
  'hook:ended': { hook: 'on_done', program: 'x', code: 1, reason: 'x', elapsedMs: 1 },
  'hook:left-out': { hook: 'on_done', most: 1 },
  'run:settings-read': { now: ['x'], later: ['x'] },
  'run:steered': { what: 'skip', user: 'x' },
  'user:done': { user: 'x' },
  'user:failed': { user: 'x', work: 'user', error },
  'user:settled': {
    ...{ user: 'x', mailboxes: ['x'], status: 'failed', error },
    effort: { attempts: 1, lockWaits: 0, mailboxes: 1, messages: 1, octets: 1, elapsedMs: 1 },
  },
  'user:graded': { user: 'x', grade: 'identical', differences: 0 },
  'user:scripts-as-files': { user: 'x', error },
  'user:progress': { user: 'x', messages: 1, octets: 1 },
  'mailbox:merged': { name: 'x', changed: 'both' },
  'mailbox:replica-only': { name: 'x', uniqueid: 'x', inDeleted: false },
  'message:damaged': {
    ...{ user: 'x', name: 'x' },
    damage: { uid: 1, guid: 'x', path: 'x', cause: 'missing' },
  },
  'mailbox:diverged': { name: 'x', reason: 'modseq-coincides', detail: 'x' },
  'message:merged': { name: 'x', uid: 1, rule: 'both-renumbered', masterGuid: 'x', replicaGuid: 'y' },
  'mailbox:conversations-uncounted': { name: 'x' },
  'mailbox:checksum-stale': {
    ...{ name: 'x', stored: { crcBasic: 1, crcAnnotations: 1 }, counted: { crcBasic: 2, crcAnnotations: 1 } },
  },
  'mailbox:no-tombstone': { name: 'x' },
  'annotations:of-server-refused': {},
  'mailbox:unknown-there': { name: 'x' },
  'mailbox:name-too-long': { name: 'x', longestName: 1, inDeleted: false },
  'mailbox:blocked': { name: 'x', command: 'MAILBOX', uniqueid: 'x', otherUniqueid: 'x' },
  'mailbox:failed': { name: 'x', error },
  'mailbox:part-unread': { error },
  'mailbox:held-back': { above: 'x', names: ['x'] },
  'command:mailboxes': { names: ['x', 'x'] },
  'command:mailbox': { name: 'x', local: false },
  'command:fullmailbox': { name: 'x' },
  'command:rename': { oldName: 'x', newName: 'x', partition: 'x', local: false },
  'command:unmailbox': { name: 'x', local: true },
  'command:quota': { root: 'x' },
  'command:unquota': { root: 'x' },
  'command:sub': { user: 'x', name: 'x' },
  'command:unsub': { user: 'x', name: 'x' },
  'command:seen': { user: 'x', uniqueid: 'x' },
  'command:sieve': script,
  'command:unsieve': script,
  'command:activate-sieve': script,
  'command:unactivate-sieve': { user: 'x' },
  'command:annotation': annotation,
  'command:unannotation': annotation,
  'rolling:pass': { channel: 'x', file: 'x', lines: 1, bad: 0, units: 1 },
  'rolling:bad-line': { file: 'x', line: 1, expected: 'x', found: 'x' },
  'rolling:retry': { channel: 'x', user: 'x', failures: 1, delayMs: 1, error },
  'rolling:quarantined': { channel: 'x', user: 'x', failures: 5, delayMs: 1, error },
  'rolling:released': { channel: 'x', user: 'x' },
  'rolling:parked': { channel: 'x', user: 'x', why: 'skipped' },
  'rolling:leftover': { file: 'x' },
  'rolling:promoted': {
    from: { type: 'MAILBOX', operands: ['x'] },
    to: { type: 'USER', operands: ['x'] },
  },
  'rolling:deferred': { line: 'x' },
  'rolling:not-deferred': { error },
  'rolling:restarted': {},
  'rolling:restart-failed': { error },
  'rolling:take-failed': { file: 'x', error },
  'rolling:file-failed': { error },
  'rolling:backlog': {
    backlog: {
      ...{
        channel: 'x',
        lines: 1,
        oldestMs: 1,
        inFlight: 0,
        waiting: 0,
        locked: 0,
        lastSuccess: 1,
        link: 'up',
      },
      quarantined: [{ user: 'x', failures: 5, retryMs: 1, error }],
    },
  },
};

/** Every string 'x' becomes the one given; the sorts are all longer. */
function withStrings<Value>(value: Value, text: string): Value {
  const replaced = (each: unknown): unknown => {
    if (each === 'x') return text;
    if (Array.isArray(each)) return each.map(replaced);
    if (typeof each !== 'object' || each === null || each instanceof Uint8Array) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, replaced(inner)]));
  };
  return replaced(value) as Value;
}

class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** All that a run with this one event and failure leaves anywhere. */
async function said(event: SyncEvent, failure: ErrorData, directory: string): Promise<string[]> {
  const stdout = new Memory();
  const stderr = new Memory();
  const syslog: string[] = [];
  const syslogFile = join(directory, 'syslog');
  const list = join(directory, 'failures');
  const json = join(directory, 'report.json');
  const report = await openReport({
    ...{ verbose: 2, verboseLog: true, progress: false, logToStderr: true },
    ...{
      syslogIdent: 'sync_client',
      syslogFacility: 'mail',
      syslogFile,
      failureList: undefined,
      reportPath: undefined,
      tellsDifferences: true,
    },
    ...{ channel: 'offsite', server: 'replica', spellMailbox: (name) => name },
    files: [
      ReportFile.open('--failures', list, failureList('-u'), HEAD),
      ReportFile.open('--report', json, jsonFormat, HEAD),
    ],
    streams: { stdout, stderr },
    openSyslog: () => ({ log: (_level, text) => syslog.push(`${text}\n`), close: () => {} }),
  });
  report.emit(event);
  await report.close({
    failures: [{ user: failure.user ?? '', error: failure }],
    unreached: [{ user: failure.user ?? '' }],
    allFound: true,
    endedBy: failure,
  });
  const texts = [
    stdout.text,
    stderr.text,
    syslog.join(''),
    readFileSync(syslogFile, 'utf8'),
    readFileSync(list, 'utf8'),
    readFileSync(json, 'utf8'),
  ];
  rmSync(syslogFile);
  return texts;
}

const HEAD = { program: 'sync_client', programVersion: '1', channel: null, started: '' };

const STEERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const NASTY = `a\nb\r\nc\x1b[2J\u010a\x9b31m${bytesFromText('\u202e\u2028')}`;

test('no octets in any field of any event make another line or a control character, wherever they are said', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'printable-'));
  const all = Object.entries(events).map(([kind, fields]) => ({ kind, ...fields }) as SyncEvent);
  const linesOf = (texts: readonly string[]) =>
    texts.map((text) => text.replaceAll('\r\n', '\n').split('\n'));
  const holds = async (event: SyncEvent, text: string): Promise<void> => {
    const withText = (each: string) => said(withStrings(event, each), withStrings(error, each), directory);
    const lines = linesOf(await withText(text));
    const plain = linesOf(await withText('yy'));
    assert.deepEqual(
      lines.map(({ length }) => length),
      plain.map(({ length }) => length),
      `${event.kind}: ${JSON.stringify(lines)}`,
    );
    for (const line of lines.flat()) assert.doesNotMatch(line, STEERS, event.kind);
  };
  const octet = fc.integer({ min: 0, max: 255 }).map((number) => String.fromCharCode(number));
  const octets = fc.oneof(
    fc.string({ unit: octet, minLength: 2 }),
    fc.string({ unit: 'binary', minLength: 2 }),
  );
  try {
    for (const event of all) await holds(event, NASTY);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...all), octets, holds), { numRuns: 50 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
