import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, median, ofTheLastProcess, type Sample } from '../../soak/samples.ts';

test('growth is from the second quarter to the last: a process that warms up does not grow, one that leaks does', () => {
  const samples = (memory: (index: number) => number): Sample[] =>
    Array.from({ length: 40 }, (_, index) => ({
      minute: index,
      pid: 1,
      memoryMiB: memory(index),
      files: 30,
      sockets: 9,
      behindSeconds: 0,
    }));
  assert.equal(
    growth(
      samples((index) => (index < 8 ? index : 80)),
      'memoryMiB',
    ),
    0,
  );
  assert.equal(
    growth(
      samples((index) => index),
      'memoryMiB',
    ),
    20,
  );
  assert.equal(
    median(
      samples((index) => index),
      'memoryMiB',
    ),
    20,
  );
});

test('only the process that lived to the end tells of growth', () => {
  const sample: Sample = { minute: 1, pid: 1, memoryMiB: 1, files: 1, sockets: 1, behindSeconds: 0 };
  const [second, third] = [2, 3].map((minute) => ({ ...sample, minute, pid: 2 }));
  assert.deepEqual(ofTheLastProcess([sample, second ?? sample, third ?? sample]), [second, third]);
  assert.deepEqual(ofTheLastProcess([]), []);
});
