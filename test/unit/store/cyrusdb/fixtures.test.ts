import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareSigned, compareUnsigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { inOrder, type Rows } from './scratch.ts';

/** Made by Cyrus 3.6.1 (test/cyrus/store/cyrusdb/make-fixtures.ts). */
const directory = fileURLToPath(new URL('../../../../../test/fixtures/cyrusdb/', import.meta.url));
const rows = JSON.parse(readFileSync(`${directory}rows.json`, 'utf8')) as Rows;

for (const name of ['twoskip-clean', 'twoskip-killed', 'skiplist-clean', 'skiplist-killed', 'flat-clean']) {
  test(`${name}: what Cyrus had committed, no more and no less`, () => {
    const compare = name.startsWith('skiplist') ? compareSigned : compareUnsigned;
    const expected = inOrder(rows, compare);
    const ofUsers = expected.filter(([key]) => key.startsWith('user.'));
    withDatabase(`${directory}${name}`, (database) => {
      assert.deepEqual([...database.entries('')], expected);
      for (const [key, value] of rows) assert.equal(database.get(key), value);
      assert.equal(database.get('user.u3'), undefined, 'was deleted');
      assert.equal(database.get('user.u17'), undefined, 'was never committed');
      assert.deepEqual(
        [...database.entries('user.', 'user.u12')],
        ofUsers.filter(([key]) => key > 'user.u12'),
      );
    });
  });
}
