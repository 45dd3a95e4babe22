import assert from 'node:assert/strict';
import test from 'node:test';
import { versionFinding } from '../../../src/preflight/check-replica.ts';

test('a release is judged by whether anybody has tried it', () => {
  const verdict = (banner: string): string => versionFinding(banner).verdict;
  assert.equal(verdict('* OK replica.test Cyrus sync server 3.6.1-Debian-3.6.1-4'), 'ok');
  assert.equal(verdict('* OK replica.test Cyrus sync server v2.4.17'), 'problem');
  assert.equal(verdict('* OK [CAPABILITY IMAP4rev1] replica Cyrus IMAP 3.12.1 server ready'), 'ok');
  assert.equal(verdict('* OK replica.test Cyrus sync server 3.8.2'), 'warning');
  assert.equal(verdict('* OK replica.test Cyrus sync server v2.5.10'), 'warning');
  assert.equal(verdict('* OK hidden'), 'warning');
});
