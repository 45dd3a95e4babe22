import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LargestFirst } from '../../../src/coordinator/run/largest-first.ts';

interface Item {
  size: number;
  number: number;
}

/** More than is kept of what was taken. */
const MANY = 5000;

test('what comes next is the largest or the smallest, the earliest of its size, whatever came and went before', () => {
  const operation = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.constantFrom('largest', 'smallest') },
    { weight: 1, arbitrary: fc.constantFrom('put back', 'give back') },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const queue = new LargestFirst<Item>();
      let front: Item[] = [];
      let rest: Item[] = [];
      const taken: Item[] = [];
      for (const [number, each] of operations.entries()) {
        if (typeof each === 'object') {
          const item = { size: each.add, number };
          queue.add(item, item.size);
          rest.push(item);
        } else if (each === 'largest' || each === 'smallest') {
          const sign = each === 'largest' ? 1 : -1;
          const [expected, ...others] =
            front.length > 0 ? front : rest.toSorted((a, b) => sign * (b.size - a.size));
          assert.deepEqual(queue.take(each), expected && { item: expected, size: expected.size });
          if (front.length > 0) front = others;
          else rest = rest.filter((item) => item !== expected);
          if (expected) taken.push(expected);
        } else {
          const item = taken.pop();
          if (!item) continue;
          if (each === 'put back') {
            queue.putBack(item, item.size);
            front = [item, ...front];
          } else {
            queue.giveBack(item, item.size);
            rest = [item, ...rest];
          }
        }
        const waiting = [...front, ...rest];
        assert.equal(queue.length, waiting.length);
        assert.equal(
          queue.sum,
          waiting.reduce((sum, { size }) => sum + size, 0),
        );
      }
      assert.deepEqual(new Set(queue.takeAll()), new Set([...front, ...rest]));
      assert.equal(queue.take(), undefined);
    }),
  );
});

test('a long line of one size keeps its order', () => {
  const queue = new LargestFirst<number>();
  for (let number = 0; number < MANY; number++) queue.add(number, 3);
  for (let number = 0; number < MANY; number++) assert.equal(queue.take()?.item, number);
  assert.equal(queue.length, 0);
});
