import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flushesOf, flushOf, parseFlush, withFlush } from '../../flush/flush.ts';

test('a case with slow flushes has a name of its own, which tells the flush again', () => {
  const bench = { id: 'f-lag', title: 'Lag' };
  assert.deepEqual(withFlush(bench, 0), bench);
  for (const flush of [0, 0.5, 5, 'disk'] as const) assert.equal(flushOf(withFlush(bench, flush).id), flush);
  assert.match(withFlush(bench, 5).title, /5 ms/);
});

test('results are found for every flush, fast ones first and the disk last', () => {
  const files = ['a.json', 'a-flush-disk.json', 'a-flush-10.json', 'a-flush-5.json', 'ab-flush-1.json'];
  assert.deepEqual(flushesOf('a', files), [0, 5, 10, 'disk']);
});

test('nonsense is refused as given', () => {
  for (const text of ['', 'slow', '-1', '5ms']) {
    assert.throws(() => parseFlush(text), { name: 'TypeError', message: new RegExp(`"${text}"`) });
  }
});
