import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { SyncError } from '../../../src/report/sync-error.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import { isUser, Site } from './site.ts';

const WRITER = fileURLToPath(new URL('./limited-writer.js', import.meta.url));

/** A log with one line, and a process that may write 1 KiB to a file: to it, that is where the disk is full. */
function write(what: 'append' | 'join' | 'keep', check: (file: string, directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'full-'));
  try {
    const file = join(directory, 'log');
    writeFileSync(file, 'USER alice\n');
    const command = `ulimit -f 1 && exec ${process.execPath} ${WRITER} ${what} ${file}`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', command], { encoding: 'utf8' });
    assert.equal(stdout, 'IO', stderr);
    check(file, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('on a full disk half a line is not left in the log, for the next writer to go on with', () => {
  write('append', (file) => {
    assert.equal(readFileSync(file, 'latin1'), 'USER alice\n');
  });
});

test('on a full disk a log is not joined to what is pending: both stay, and nothing is in the way', () => {
  write('join', (file, directory) => {
    assert.equal(readFileSync(`${file}-run`, 'latin1'), 'USER alice\n');
    assert.equal(readFileSync(file, 'latin1'), 'USER bob\n');
    assert.deepEqual(readdirSync(directory).sort(), ['log', 'log-run']);
  });
});

test('on a full disk log-run says at the end what it said, and nothing is in the way', () => {
  write('keep', (file, directory) => {
    assert.equal(readFileSync(`${file}-run`, 'latin1'), 'USER alice\n');
    assert.deepEqual(readdirSync(directory), ['log-run']);
  });
});

test('half a line that somebody else left does not swallow the next one', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'full-'));
  try {
    const file = join(directory, 'log');
    writeFileSync(file, 'MAILBOX user.al');
    await appendToLog(file, [{ type: 'USER', userid: 'bob' }]);
    assert.equal(readFileSync(file, 'latin1'), 'MAILBOX user.al\nUSER bob\n');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

for (const once of [false, true]) {
  test(`lines of a locked user that cannot be handed back to the log are kept${once ? ' (-1)' : ''}`, async () => {
    using site = new Site('ch');
    let locked = true;
    site.resultOf = (action) =>
      locked && isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined;
    const log = new ChannelLog(site.file, () => undefined);
    log.relog = async () => {
      throw new SyncError('IO', 'no space left on device');
    };
    await site.change({ type: 'META', userid: 'alice' }, { type: 'USER', userid: 'bob' });
    const { daemon, ended } = site.start({ relogLocked: true, once }, { log });
    await site.clock.advance(5_000);
    assert.ok(site.logged().some((text) => text.includes('no space left on device')));
    assert.ok(site.linesOnDisk().includes('META alice'), site.linesOnDisk().join());
    if (once) {
      assert.equal(ended()?.unfinished, 1);
      return;
    }
    locked = false;
    await site.clock.advance(60_000);
    assert.deepEqual(site.behind(), []);
    assert.ok(!existsSync(`${site.file}-run`));
    daemon.stop();
  });
}
