import assert from 'node:assert/strict';
import test from 'node:test';
import { growingPercent } from '../../../src/cli/start/keep-heap-small.ts';

test('garbage is collected seldom while the process is small, and soon when it is not', () => {
  const mebibyte = 1024 ** 2;
  assert.ok(growingPercent(60 * mebibyte) > growingPercent(300 * mebibyte));
  assert.ok(growingPercent(300 * mebibyte) <= 50);
});
