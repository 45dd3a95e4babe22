import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { skipUsers } from '../../../src/rolling/daemon/skip-users.ts';

test('a user is left alone as long as a file beside the log says so, and a name that is no file’s is nobody’s', (t) => {
  const configdirectory = mkdtempSync(join(tmpdir(), 'skip-users-'));
  t.after(() => rmSync(configdirectory, { recursive: true }));
  const directory = join(configdirectory, 'sync', 'far');
  mkdirSync(join(directory, 'skipuser-a'), { recursive: true });
  for (const file of ['skipuser-bob', 'skipuser-', 'skipuser-a/b']) writeFileSync(join(directory, file), '');
  const isSkipped = skipUsers(configdirectory, 'far');
  assert.equal(isSkipped('bob'), true);
  assert.deepEqual(['carl', '', 'a/b', 'bob\0'].map(isSkipped), [false, false, false, false]);
  rmSync(join(directory, 'skipuser-bob'));
  assert.equal(isSkipped('bob'), false);
  assert.equal(skipUsers(configdirectory, undefined)('bob'), false);
});
