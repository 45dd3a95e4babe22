import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, median, type Sample } from '../../soak/samples.ts';

test('growth is from the second quarter to the last: a process that warms up does not grow, one that leaks does', () => {
  const samples = (memory: (index: number) => number): Sample[] =>
    Array.from({ length: 40 }, (_, index) => ({
      minute: index,
      memoryMiB: memory(index),
      descriptors: 30,
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
