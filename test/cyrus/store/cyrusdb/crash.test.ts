import assert from 'node:assert/strict';
import test from 'node:test';
import { compareSigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { CyrusScratch, kill, MARKER, type Operation } from '../../../lab/cyrus-scratch.ts';
import { applied, randomOperations, sorted } from '../../../lab/operations.ts';

for (const format of ['twoskip', 'skiplist']) {
  test(`${format}: a writer killed in the middle of a transaction leaves what was committed before`, async (context) => {
    const scratch = new CyrusScratch(context);
    const compare = format === 'skiplist' ? compareSigned : undefined;
    for (let round = 0; round < 12; round++) {
      const path = scratch.path(`round-${round}`);
      const first: Operation[] = [
        { set: MARKER, value: 'x' },
        ...randomOperations(round * 3 + 1, 120, new Map()),
      ];
      scratch.transaction(path, format, first);
      const committed = applied(new Map(), first);
      const second = randomOperations(round * 3 + 2, 90, committed);
      scratch.transaction(path, format, second);
      applied(committed, second);
      const lost = randomOperations(round * 3 + 3, 1 + round * 8, committed);

      const writer = await scratch.openTransaction(path, format, lost);
      await kill(writer);

      const expected = sorted(committed, compare);
      const middle = Math.floor(expected.length / 2);
      withDatabase(path, (database) => {
        assert.deepEqual([...database.entries('')], expected);
        for (const [key, value] of committed) assert.equal(database.get(key), value);
        assert.equal(database.get('no such key'), undefined);
        const after = expected[middle]?.[0] ?? '';
        assert.deepEqual([...database.entries('', after)], expected.slice(middle + 1));
      });
      if (format === 'twoskip') {
        // Cyrus repairs at its next open; it must come to the same rows.
        scratch.run(path, format, ['show']);
        assert.deepEqual(
          withDatabase(path, (database) => [...database.entries('')]),
          expected,
        );
      }
    }
  });
}
