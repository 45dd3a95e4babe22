import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { openReport } from '../../../src/report/report.ts';

const exposed = (server: string, exposure: 'clear' | 'unverified'): SyncEvent => ({
  kind: 'connection:exposed',
  server,
  exposure,
});

test('a run over connections that somebody on the way can read or alter says so once, on stderr and in the log', async () => {
  const stderr = new PassThrough({ encoding: 'utf8' });
  const logged: string[] = [];
  const report = await openReport({
    verbose: 0,
    verboseLog: false,
    progress: false,
    logToStderr: false,
    syslogIdent: 'sync_client',
    syslogFacility: 'mail',
    syslogFile: undefined,
    failureList: undefined,
    reportPath: undefined,
    tellsDifferences: true,
    channel: undefined,
    server: 'replica',
    spellMailbox: (name) => name,
    streams: { stdout: new PassThrough(), stderr },
    openSyslog: () => ({ log: (level, text) => logged.push(`${level}: ${text}`), close: () => {} }),
  });
  for (let connection = 0; connection < 3; connection++) {
    report.emit(exposed('replica', 'clear'));
    report.emit(exposed('master', 'unverified'));
  }
  // A read() gives one chunk or all of them, as the version of Node has it.
  const lines = (await text(stderr.end())).trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^sync_client: the connection to 'replica' is not encrypted/);
  assert.match(lines[1] ?? '', /^sync_client: the certificate of 'master' is not verified/);
  assert.deepEqual(
    logged.map((line) => line.replace('warning', 'sync_client')),
    lines,
  );
});
