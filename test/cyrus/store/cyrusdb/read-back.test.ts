import assert from 'node:assert/strict';
import test from 'node:test';
import { compareSigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { CyrusScratch } from '../../../lab/cyrus-scratch.ts';
import { applied, randomOperations, sorted } from '../../../lab/operations.ts';

for (const format of ['twoskip', 'skiplist', 'flat']) {
  test(`${format}: every row that Cyrus has written, and no other, through transactions and a repack`, (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    const rows = new Map<string, string>();
    for (let seed = 1; seed <= 12; seed++) {
      const operations = randomOperations(seed, 60, rows);
      scratch.transaction(path, format, operations);
      applied(rows, operations);
      if (seed === 6 && format === 'twoskip') scratch.run(path, format, ['repack']);
      const expected = sorted(rows, format === 'skiplist' ? compareSigned : undefined);
      withDatabase(path, (database) => {
        assert.deepEqual([...database.entries('')], expected);
        for (const [key, value] of rows) assert.equal(database.get(key), value);
        assert.equal(database.get('no such key'), undefined);
        assert.deepEqual(
          [...database.entries('user.u1', 'user.u12')],
          expected.filter(([key]) => key.startsWith('user.u1') && key > 'user.u12'),
        );
      });
    }
  });

  test(`${format}: Cyrus's own empty database has no rows`, (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    scratch.transaction(path, format, [{ set: 'a', value: 'b' }]);
    scratch.transaction(path, format, [{ delete: 'a' }]);
    assert.deepEqual(
      withDatabase(path, (database) => [...database.entries(''), database.get('a')]),
      [undefined],
    );
  });
}
