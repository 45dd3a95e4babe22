import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { tryLock, unlock } from '../../src/native/locks.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import { lockInThread, scratchFile } from './lock-holders.ts';

test('two descriptors of one process exclude each other as two processes do', (context) => {
  const path = scratchFile(context);
  const [a, b] = [openSync(path, 'r+'), openSync(path, 'r+')];
  assert.equal(tryLock(a, 'exclusive'), true);
  assert.equal(tryLock(b, 'exclusive'), false);
  assert.equal(tryLock(b, 'shared'), false);
  unlock(a);
  assert.equal(tryLock(b, 'shared'), true);
  assert.equal(tryLock(a, 'shared'), true);
  assert.equal(tryLock(a, 'exclusive'), false, 'no upgrade while another one reads');
  closeSync(b);
  assert.equal(tryLock(a, 'exclusive'), true, 'closing is letting go');
  closeSync(a);
});

test('closing another descriptor of the same file does not drop the lock', (context) => {
  const path = scratchFile(context);
  const [a, b] = [openSync(path, 'r+'), openSync(path, 'r+')];
  assert.equal(tryLock(a, 'exclusive'), true);
  closeSync(openSync(path, 'r'));
  assert.equal(tryLock(b, 'shared'), false);
  closeSync(a);
  closeSync(b);
});

test('two threads exclude each other', async (context) => {
  const path = scratchFile(context);
  const thread = await lockInThread({ path, kind: 'exclusive' });
  assert.equal(thread.got, true);
  const fd = openSync(path, 'r+');
  assert.equal(tryLock(fd, 'shared'), false);
  thread.release();
  await thread.gone;
  assert.equal(tryLock(fd, 'exclusive'), true);
  closeSync(fd);
});

const HOLD = `
import fcntl, sys
file = open(sys.argv[1], 'r+')
fcntl.lockf(file, fcntl.LOCK_SH if sys.argv[2] == 'shared' else fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
`;

test("another process's classic record lock keeps us out, by its kind", async (context) => {
  const path = scratchFile(context);
  const fd = openSync(path, 'r+');
  for (const kind of ['shared', 'exclusive']) {
    const holder = spawn('python3', ['-c', HOLD, path, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
    const gone = once(holder, 'exit');
    const held = once(holder.stdout, 'data').then(() => true);
    assert.equal(await Promise.race([held, gone.then(() => false)]), true, 'python3 must be installed');
    assert.equal(tryLock(fd, 'shared'), kind === 'shared');
    assert.equal(tryLock(fd, 'exclusive'), false);
    unlock(fd);
    holder.stdin.end();
    await gone;
    assert.equal(tryLock(fd, 'exclusive'), true);
    unlock(fd);
  }
  closeSync(fd);
});

const TRY = `
import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], 'r+'), (fcntl.LOCK_SH if sys.argv[2] == 'shared' else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    print('got it')
except BlockingIOError:
    print('refused')
`;

test("our lock keeps another process's classic record lock out, by its kind", (context) => {
  const path = scratchFile(context);
  const fd = openSync(path, 'r+');
  const attempt = (kind: string) =>
    spawnSync('python3', ['-c', TRY, path, kind], { encoding: 'utf8' }).stdout.trim();
  assert.equal(tryLock(fd, 'shared'), true);
  assert.equal(attempt('shared'), 'got it');
  assert.equal(attempt('exclusive'), 'refused');
  assert.equal(tryLock(fd, 'exclusive'), true);
  assert.equal(attempt('shared'), 'refused');
  unlock(fd);
  assert.equal(attempt('exclusive'), 'got it');
  closeSync(fd);
});

test('what is not a held lock is an error with the name of its errno', (context) => {
  const readable = openSync(scratchFile(context), 'r');
  const badDescriptor = (error: unknown) =>
    error instanceof SyncError &&
    error.code === 'IO' &&
    error.phase === 'lock' &&
    error.message.startsWith('EBADF');
  assert.throws(() => tryLock(readable, 'exclusive'), badDescriptor);
  closeSync(readable);
  assert.throws(() => tryLock(1_000_000, 'shared'), badDescriptor);
  assert.throws(() => unlock(1_000_000), badDescriptor);
});
