import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { tryLock, unlock } from '../../../src/native/locks.ts';
import { lockNow, whenLocked } from '../../../src/native/when-locked.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { lockInThread, patiently, scratchFile } from '../../lab/lock-holders.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

/** Never reached by a test that passes. */
const AMPLE_MS = 60_000;

const timeout = (what: string) => (error: unknown) =>
  error instanceof SyncError &&
  error.code === 'LOCK_TIMEOUT' &&
  error.retryable &&
  error.phase === 'lock' &&
  error.hint !== undefined &&
  error.message.includes(what);

test('a lock that is held for moments is had when another thread lets go of it', async (context) => {
  const path = scratchFile(context);
  const thread = await lockInThread({ path, kind: 'exclusive' });
  const fd = openSync(path, 'r+');
  thread.release();
  patiently(() => lockNow(fd, 'exclusive', path));
  await thread.gone;
  const other = openSync(path, 'r');
  assert.equal(tryLock(other, 'shared'), false);
  closeSync(fd);
  closeSync(other);
});

test('a lock that is free again is had by a thread that got no processor until its time was over', (context) => {
  const path = scratchFile(context);
  const [holder, waiter] = [openSync(path, 'r+'), openSync(path, 'r+')];
  lockNow(holder, 'exclusive', path);
  const now = performance.now.bind(performance);
  let late = 0;
  mockNowMs(context.mock, () => {
    const time = now() + late;
    // From the first try on nothing runs here until that time is over, and the lock is free.
    late = AMPLE_MS;
    unlock(holder);
    return time;
  });
  lockNow(waiter, 'exclusive', path);
  assert.equal(tryLock(holder, 'shared'), false);
  closeSync(holder);
  closeSync(waiter);
});

test('waiting for a lock that is held long leaves the thread to others, and the lock is free again afterwards', async (context) => {
  const path = scratchFile(context);
  const [holder, waiter] = [openSync(path, 'r+'), openSync(path, 'r+')];
  lockNow(holder, 'exclusive', path);
  const waiting = whenLocked(waiter, 'exclusive', AMPLE_MS, path, () => tryLock(holder, 'shared'));
  // Only a waiter that does not block the thread lets this line be reached.
  unlock(holder);
  assert.equal(await waiting, false, 'the work was done without the lock');
  assert.equal(tryLock(holder, 'exclusive'), true);
  closeSync(holder);
  closeSync(waiter);
});

test('a lock that stays held ends the wait at its deadline', async (context) => {
  const path = scratchFile(context);
  const [holder, waiter] = [openSync(path, 'r+'), openSync(path, 'r+')];
  lockNow(holder, 'shared', path);
  assert.throws(() => lockNow(waiter, 'exclusive', path), timeout(path));
  for (const deadline of [0, 20]) {
    await assert.rejects(
      whenLocked(waiter, 'exclusive', deadline, path, () => {}),
      timeout(path),
    );
  }
  await whenLocked(waiter, 'shared', 0, path, () => {});
  closeSync(holder);
  closeSync(waiter);
});

test('a lock that cannot be taken at all is an error at once, with the name of the lock', async (context) => {
  const path = scratchFile(context);
  const readable = openSync(path, 'r');
  const refused = (error: unknown) =>
    error instanceof SyncError &&
    error.code === 'IO' &&
    error.message.includes(path) &&
    error.message.includes('EBADF');
  assert.throws(() => lockNow(readable, 'exclusive', path), refused);
  await assert.rejects(
    whenLocked(readable, 'exclusive', AMPLE_MS, path, () => {}),
    refused,
  );
  closeSync(readable);
});
