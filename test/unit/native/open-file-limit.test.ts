import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { openFileLimit } from '../../../src/native/open-file-limit.ts';

test('the limit on open files is that of this process', () => {
  const told = execFileSync('bash', ['--norc', '-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  // Node raises its soft limit to the hard one.
  assert.equal(openFileLimit(), told === 'unlimited' ? undefined : Number(told));
});
