import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { tryLockFile } from '../../../src/store/files/while-file-locked.ts';

test('a lock whose name is too long for a file says so, and what may help', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'));
  try {
    const file = join(directory, `*S*replica*${'x'.repeat(250)}.lock`);
    assert.throws(
      () => tryLockFile(file, 'exclusive'),
      (error) =>
        error instanceof SyncError && error.code === 'IO' && /a shorter sync_host/.test(error.hint ?? ''),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
