import assert from 'node:assert/strict';
import test from 'node:test';
import { Stopwatch } from '../../../src/protocol/wire/stopwatch.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

test('time during which several things go on counts once, and what still goes on counts so far', (t) => {
  let now = 1000;
  mockNowMs(t.mock, () => now);
  const watch = new Stopwatch();
  assert.equal(watch.total, 0);
  watch.begin();
  now += 10;
  assert.equal(watch.total, 10);
  watch.begin();
  now += 10;
  watch.end();
  now += 10;
  assert.equal(watch.total, 30);
  watch.end();
  now += 100;
  assert.equal(watch.total, 30);
  watch.begin();
  now += 5;
  assert.equal(watch.total, 35);
  watch.end();
  assert.equal(watch.total, 35);
});
