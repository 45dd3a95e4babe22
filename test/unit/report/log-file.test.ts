import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { SyncEvent } from '../../../src/report/events.ts';
import { type LogFormat, openLogFile } from '../../../src/report/sinks/log-file.ts';
import { logSink } from '../../../src/report/sinks/log-sink.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

class LogScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'log-file-'));
  readonly path = join(this.directory, 'log');

  open(format: LogFormat) {
    const file = openLogFile(this.path, format, 'sync_client', (text) => assert.fail(text));
    const sink = logSink({
      ...{ run: '17-4', channel: 'offsite', server: 'replica', verboseLog: true },
      spellMailbox: (internal) => internal.replaceAll('.', '/'),
      targets: [file.log],
    });
    return { file, sink };
  }

  lines(path = this.path): string[] {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const failed: SyncEvent = {
  ...{ kind: 'run:retry', key: 'user:anna', user: 'anna', delayMs: 5 },
  error: {
    ...{ code: 'MAILBOX_DAMAGED', family: 'local', phase: 'read', mailbox: 'user.anna.Sent\u00c3\u00a9' },
    ...{ message: 'bad\r\n{"level":"forged"}', retryable: true },
  },
};

test('each JSON line says which run, channel, user, mailbox, phase and code it is about', () => {
  using scene = new LogScene();
  {
    const { file, sink } = scene.open('json');
    using _file = file;
    sink(failed);
    sink({ kind: 'command:mailbox', name: 'user.bert', local: false });
    sink({ kind: 'run:steered', what: 'stop' });
  }
  const [first, second, third, ...more] = scene.lines().map((line) => JSON.parse(line));
  assert.deepEqual(more, []);
  const { time, text, ...about } = first;
  assert.ok(!Number.isNaN(Date.parse(time)));
  assert.match(text, /^will try 'anna' again in 5 ms: MAILBOX_DAMAGED: user\/anna\/Sent/);
  assert.deepEqual(about, {
    ...{ level: 'notice', run: '17-4', channel: 'offsite', event: 'run:retry', user: 'anna' },
    ...{ mailbox: 'user/anna/Sent\u00e9', phase: 'read', code: 'MAILBOX_DAMAGED' },
  });
  assert.deepEqual([second.mailbox, second.level, second.text], ['user/bert', 'info', 'MAILBOX user.bert']);
  assert.deepEqual([third.user, third.code, third.text], [null, null, 'steered: stop']);
});

test('text lines are one each, with time, ident and level, whatever a peer has said', () => {
  using scene = new LogScene();
  {
    const { file, sink } = scene.open('text');
    using _file = file;
    sink(failed);
  }
  const lines = scene.lines();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z sync_client\[\d+\]: notice: will try 'anna' again/);
});

test('a file that was moved away is opened anew, and no line is lost', () => {
  using scene = new LogScene();
  {
    const { file, sink } = scene.open('json');
    using _file = file;
    sink(failed);
    renameSync(scene.path, `${scene.path}.1`);
    sink(failed);
    file.reopen();
    sink(failed);
  }
  assert.deepEqual([scene.lines(`${scene.path}.1`).length, scene.lines().length], [2, 1]);
});

test('one that cannot be opened anew is complained of, and the lines go on to where they went', async () => {
  using scene = new LogScene();
  const complaints: string[] = [];
  const folder = join(scene.directory, 'folder');
  mkdirSync(folder);
  {
    using file = openLogFile(join(folder, 'log'), 'text', 'sync_client', (text) => complaints.push(text));
    const about = { run: '1', channel: null, event: 'x', user: null, mailbox: null, phase: null, code: null };
    file.log('info', 'before', about);
    renameSync(folder, `${folder}.1`);
    for (let signal = 0; signal < 2; signal++) file.reopen();
    file.log('info', 'after', about);
    mkdirSync(folder);
    file.reopen();
    await setImmediate();
    file.log('info', 'anew', about);
  }
  assert.equal(complaints.length, 2, complaints.join('\n'));
  assert.match(
    complaints[0] ?? '',
    /log cannot be opened anew, lines go on to the file that was there: ENOENT/,
  );
  assert.match(readFileSync(join(`${folder}.1`, 'log'), 'utf8'), /before\n.*after\n$/);
  assert.match(readFileSync(join(folder, 'log'), 'utf8'), /^[^\n]*anew\n$/);
});

test('a file that cannot be opened is refused before anything is begun', () => {
  assert.throws(
    () => openLogFile('/nowhere/log', 'json', 'sync_client', () => {}),
    (error) =>
      error instanceof SyncError && error.code === 'USAGE' && /^--log-file: expected/.test(error.message),
  );
});
