import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { assertNoLockHeld, lockPatienceMs, lockScope } from '../../../src/native/lock-scope.ts';
import { lockNow } from '../../../src/native/when-locked.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { scratchFile } from '../../lab/lock-holders.ts';

const isBug = (error: unknown): boolean => error instanceof SyncError && error.code === 'BUG';

test('what is waited for one lock of a scope is not waited again for the next, and a new scope begins anew', (context) => {
  const path = scratchFile(context);
  const [holder, waiter] = [openSync(path, 'r+'), openSync(path, 'r+')];
  lockNow(holder, 'exclusive', path);
  const alone = lockPatienceMs();
  lockScope(() => {
    const before = lockPatienceMs();
    assert.ok(before > 0 && before < alone);
    assert.throws(() => lockNow(waiter, 'exclusive', path), { code: 'LOCK_TIMEOUT' });
    assert.equal(lockPatienceMs(), 0);
    lockScope(() => assert.equal(lockPatienceMs(), 0, 'an inner scope holds what the outer one does'));
  });
  assert.equal(lockPatienceMs(), alone);
  lockScope(() => assert.ok(lockPatienceMs() > 0));
  closeSync(holder);
  closeSync(waiter);
});

test('a scope is over with whatever it throws, and never goes on behind a promise', () => {
  assert.throws(
    () =>
      lockScope(() => {
        throw new RangeError('mine');
      }),
    RangeError,
  );
  assertNoLockHeld('something was done');
  const awaits = async (): Promise<void> => {};
  // @ts-expect-error: the compiler says so first.
  assert.throws(() => lockScope(awaits), isBug);
  assertNoLockHeld('something was done');
});

test('no command can be sent to a replica under a lock of Cyrus', async () => {
  await using scene = await EngineScene.start();
  const { session } = await scene.context();
  assert.throws(() => lockScope(() => void session.noop()), isBug);
  await session.noop();
});
