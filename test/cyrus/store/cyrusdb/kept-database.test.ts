import assert from 'node:assert/strict';
import test from 'node:test';
import { KeptDatabase } from '../../../../src/store/cyrusdb/kept-database.ts';
import { CyrusScratch } from '../../../lab/cyrus-scratch.ts';

const COMMITS = 25;

for (const format of ['twoskip', 'skiplist', 'flat'] as const) {
  test(`${format}: a database that is kept open shows every commit of Cyrus, new rows and changed ones`, (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    using database = new KeptDatabase(path);
    const expected = new Map<string, string>();
    for (let commit = 0; commit < COMMITS; commit++) {
      const changed = { set: `user.u${commit % 7}`, value: `value ${commit}` };
      const added = { set: `user.new${commit}`, value: 'x'.repeat(commit * 40) };
      const removed = `user.new${commit - 3}`;
      scratch.transaction(path, format, [
        changed,
        added,
        ...(expected.has(removed) ? [{ delete: removed }] : []),
      ]);
      expected.set(changed.set, changed.value).set(added.set, added.value);
      expected.delete(removed);
      const rows = database.read((db) => [...db.entries('')]);
      assert.deepEqual(new Map(rows), expected);
      assert.equal(
        database.read((db) => db.get(changed.set)),
        changed.value,
      );
    }
  });
}
