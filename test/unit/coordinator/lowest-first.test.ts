import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LowestFirst } from '../../../src/coordinator/run/lowest-first.ts';

const operation = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), item: fc.nat(9), rank: fc.nat(5) }),
  fc.record({ kind: fc.constant('delete' as const), item: fc.nat(9) }),
  fc.record({ kind: fc.constant('take' as const), most: fc.nat(5) }),
);

test('the lowest comes first, of one rank the one that came first, whatever was removed meanwhile', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
      const queue = new LowestFirst<number>();
      let model: { item: number; rank: number }[] = [];
      for (const one of operations) {
        model.sort((a, b) => a.rank - b.rank);
        if (one.kind === 'add') {
          queue.add(one.item, one.rank);
          model = [...model.filter(({ item }) => item !== one.item), one];
        } else if (one.kind === 'delete') {
          assert.equal(
            queue.delete(one.item),
            model.some(({ item }) => item === one.item),
          );
          model = model.filter(({ item }) => item !== one.item);
        } else {
          assert.equal(queue.lowest(), model[0]?.rank);
          const first = model[0] && model[0].rank <= one.most ? model.shift() : undefined;
          assert.equal(queue.take(one.most), first?.item);
        }
        assert.equal(queue.size, model.length);
        assert.deepEqual([...queue].sort(), model.map(({ item }) => item).sort());
      }
    }),
  );
});
