import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { patiently } from '../../../src/store/files/patiently.ts';

/** Fails so many times before it succeeds. */
function failing(times: number, error: Error): () => string {
  return () => {
    if (times-- > 0) throw error;
    return 'read';
  };
}

/** Goes on until it has something, and counts the pauses. */
function drive<T>(reading: Generator<void, T>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const next = reading.next();
    if (next.done) return { value: next.value, pauses };
  }
}

test('the search for work outlasts a database that is locked for a while, and pauses between its tries', () => {
  const locked = new SyncError('LOCK_TIMEOUT', 'locked');
  assert.deepEqual(drive(patiently(failing(5, locked))), { value: 'read', pauses: 5 });
});

test('it outlasts neither damage nor a lock that never goes', () => {
  const damage = new SyncError('DATABASE_DAMAGED', 'broken');
  assert.throws(() => drive(patiently(failing(1, damage))), damage);
  const locked = new SyncError('LOCK_TIMEOUT', 'locked');
  assert.throws(() => drive(patiently(failing(Number.POSITIVE_INFINITY, locked))), locked);
});
