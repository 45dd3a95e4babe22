import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../src/report/sync-error.ts';
import { patiently } from '../../src/store/files/patiently.ts';

/** Fails so many times before it succeeds. */
function failing(times: number, error: Error): () => string {
  return () => {
    if (times-- > 0) throw error;
    return 'read';
  };
}

test('the search for work outlasts a database that is locked for a while', () => {
  assert.equal(patiently(failing(5, new SyncError('LOCK_TIMEOUT', 'locked'))), 'read');
});

test('it outlasts neither damage nor a lock that never goes', () => {
  const damage = new SyncError('DATABASE_DAMAGED', 'broken');
  assert.throws(() => patiently(failing(1, damage)), damage);
  const locked = new SyncError('LOCK_TIMEOUT', 'locked');
  assert.throws(() => patiently(failing(Number.POSITIVE_INFINITY, locked)), locked);
});
