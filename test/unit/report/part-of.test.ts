import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { openReport } from '../../../src/report/report.ts';
import type { LogFormat } from '../../../src/report/sinks/log-file.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

const PART = { fleet: 'autumn', wave: 'pilot', slice: 'pilot.m1.r1.0a1b' };
const LABEL = 'autumn/pilot/pilot.m1.r1.0a1b: ';

const error: ErrorData = {
  ...{ code: 'MAILBOX_DAMAGED', family: 'local', phase: 'read', user: 'anna', retryable: false },
  message: 'its index ends early',
};
const events: SyncEvent[] = [
  { kind: 'run:retry', key: 'user:anna', user: 'anna', delayMs: 5, error },
  { kind: 'command:mailbox', name: 'user.bert', local: false },
  { kind: 'run:unmatched', mode: 'users', name: 'carl', guess: undefined },
];

test('every line of a run that is a part of a fleet begins with its fleet, wave and slice, wherever it goes', async () => {
  for (const [where, lines] of Object.entries(await saidBy('text'))) {
    assert.ok(lines.length > 0, where);
    for (const line of lines)
      assert.match(line.replace(/^.* notice: |^.* info: |^.*\]: /, ''), begins, where);
  }
});

test('JSON lines of a run that is a part of a fleet have fleet, wave and slice as fields, and no words before them', async () => {
  const { file, stderr } = await saidBy('json');
  const documents = [...file, ...stderr.filter((line) => line.startsWith('{'))].map((line) =>
    JSON.parse(line),
  );
  assert.equal(documents.length, 2 * file.length);
  for (const { fleet, wave, slice, text } of documents) {
    assert.deepEqual({ fleet, wave, slice }, PART);
    assert.doesNotMatch(text, begins);
  }
});

const begins = new RegExp(`^${LABEL.replaceAll('.', '\\.')}`);

/** Everything that a run with a failure leaves, line by line, by where it goes. */
async function saidBy(
  logFormat: LogFormat,
): Promise<Record<'stdout' | 'stderr' | 'syslog' | 'system' | 'file', string[]>> {
  const directory = mkdtempSync(join(tmpdir(), 'part-of-'));
  const at = (name: string): string => join(directory, name);
  const said = { stdout: '', stderr: '' };
  const system: string[] = [];
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += chunk.toString();
        done();
      },
    });
  const report = await openReport({
    ...{ verbose: 1, verboseLog: true, progress: false, logToStderr: true, logFile: at('log'), logFormat },
    ...{ syslogIdent: 'sync_client', syslogFacility: 'mail', syslogFile: at('syslog'), part: PART },
    ...{ failureList: undefined, reportPath: undefined, tellsDifferences: true },
    ...{ channel: undefined, server: 'replica', spellMailbox: (name: string) => name },
    streams: { stdout: stream('stdout'), stderr: stream('stderr') },
    openSyslog: () => ({ log: (_level, text) => void system.push(text), close: () => {} }),
  });
  for (const event of events) report.emit(event);
  report.remark('the disk of the replica is nearly full');
  await report.close({ failures: [{ user: 'anna', error }], unreached: [{ user: 'bert' }], allFound: true });
  const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  const files = { file: readFileSync(at('log'), 'utf8'), syslog: readFileSync(at('syslog'), 'utf8') };
  rmSync(directory, { recursive: true });
  const { stdout, stderr } = said;
  return {
    ...{ stdout: linesOf(stdout), stderr: linesOf(stderr), system },
    ...{ syslog: linesOf(files.syslog), file: linesOf(files.file) },
  };
}
