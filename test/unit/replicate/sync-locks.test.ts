import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { SyncLocks } from '../../../src/replicate/connection/sync-locks.ts';
import { rejection } from '../../lab/errors.ts';

/** A store of which these owners are locked by somebody else; `log` has what was taken and given back. */
function contextWith(locked: readonly string[], log: string[]): EngineContext {
  const trySyncLock = (server: string, owner: string) => {
    log.push(`${server} ${owner}`);
    if (locked.includes(owner)) return undefined;
    return { [Symbol.dispose]: () => void log.push(`free ${owner}`) };
  };
  return { store: { trySyncLock }, options: { server: 'replica' } } as unknown as EngineContext;
}

test('two jobs with owners in common try them in one order, so that one of the two gets them all', () => {
  const log: string[] = [];
  const context = contextWith([], log);
  for (const owners of [
    ['bob', '', 'anna'],
    ['anna', 'bob', ''],
  ]) {
    const locks = new SyncLocks(context, owners);
    assert.deepEqual(log.splice(0), ['replica ', 'replica anna', 'replica bob']);
    locks[Symbol.dispose]();
    assert.deepEqual(log.splice(0), ['free ', 'free anna', 'free bob']);
  }
});

test('a job that does not get all of its locks gives back those that it has', async () => {
  const log: string[] = [];
  const context = contextWith(['bob'], log);
  const error = await rejection((async () => new SyncLocks(context, ['bob', 'anna']))());
  assert.equal(error.code, 'USER_LOCKED');
  assert.equal(error.user, 'bob');
  assert.equal(error.retryable, true, 'the other client will be done some time');
  assert.deepEqual(log, ['replica anna', 'replica bob', 'free anna']);
});
