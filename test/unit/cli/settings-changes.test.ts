import assert from 'node:assert/strict';
import test from 'node:test';
import { settingsChanges } from '../../../src/cli/carry-out/settings-changes.ts';
import { parseSettings, type Settings } from '../../../src/config/settings.ts';

const settingsOf = (content: string): Settings => parseSettings(content, '/etc/cyrus-sync.ini', undefined);

const FILE = `
  workers = 3
  metrics = [::1]:9765
  tls_fingerprint = ${'ab'.repeat(32)}
  master_fingerprint = ${'cd'.repeat(32)}
`;

test('a file that is read again as it was has no changes, whatever its values are made of', () => {
  assert.deepEqual(settingsChanges(settingsOf(FILE), settingsOf(FILE)), { now: [], later: [] });
});

test('changes are named as in the file, those that a run can be given apart', () => {
  const changed = FILE.replace('3', '4')
    .replace('9765', '9766')
    .replace('abab', 'abac')
    .replace('cdcd', 'cdce');
  assert.deepEqual(settingsChanges(settingsOf(FILE), settingsOf(changed)), {
    now: ['workers'],
    later: ['tls_fingerprint', 'master_fingerprint', 'metrics'],
  });
});
