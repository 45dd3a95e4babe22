import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compareUnsigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { key, rows } from './arbitraries.ts';
import { allRows, failure, inOrder, Scratch } from './scratch.ts';

function escaped(octets: string): string {
  return octets.replace(/[\0\t\r\n\xff]/g, (octet) =>
    octet === '\xff' ? '\xff\xff' : `\xff${String.fromCharCode(octet.charCodeAt(0) | 0x80)}`,
  );
}

test('every key is found, every range is right, whatever octets are escaped', (context) => {
  const scratch = new Scratch(context);
  fc.assert(
    fc.property(rows, key, (list, after) => {
      const expected = inOrder(list, compareUnsigned);
      const text = expected.map(([k, v]) => `${escaped(k)}\t${escaped(v)}\n`).join('');
      const path = scratch.file(Buffer.from(text, 'latin1'));
      withDatabase(path, (database) => {
        for (const [k, v] of list) assert.equal(database.get(k), v);
        assert.deepEqual([...database.entries('')], expected);
        assert.deepEqual(
          [...database.entries('user.', after)],
          expected.filter(([k]) => k.startsWith('user.') && k > after),
        );
        for (const [k] of [...list, [after] as const]) {
          const below = expected.filter(([each]) => each.startsWith(k));
          assert.deepEqual([...database.entries(k)], below);
          assert.deepEqual(
            [...database.entries(k, k)],
            below.filter(([each]) => each !== k),
          );
        }
      });
    }),
    { numRuns: 100 },
  );
});

test('a subscription file of Cyrus: keys without values', (context) => {
  const path = new Scratch(context).file('user.amy\t\nuser.amy.Sent\t\n');
  assert.deepEqual(allRows(path), [
    ['user.amy', ''],
    ['user.amy.Sent', ''],
  ]);
});

test('a line that was cut, and one without a tab, are damage', (context) => {
  const scratch = new Scratch(context);
  const cut = scratch.file('user.amy\tx\nuser.bob\ty', 'cut');
  assert.throws(() => allRows(cut), failure('DATABASE_DAMAGED', cut, 'offset 11'));
  const tabless = scratch.file('user.amy\tx\nuser.bob\nuser.cat\ty\n', 'tabless');
  assert.throws(() => allRows(tabless), failure('DATABASE_DAMAGED', tabless, 'offset 11', 'TAB'));
});

test('a line of no octets is damage, a key of none is a key, wherever in the file', (context) => {
  const scratch = new Scratch(context);
  for (const [before, offset] of [
    ['', 0],
    ['a\tx\n', 4],
  ] as const) {
    const empty = scratch.file(`${before}\nb\ty\n`, 'empty');
    assert.throws(() => allRows(empty), failure('DATABASE_DAMAGED', empty, `offset ${offset}:`, 'no TAB'));
    const keyless = scratch.file(`${before}\tvalue\nb\ty\n`, 'keyless');
    assert.equal(
      withDatabase(keyless, (database) => database.get('')),
      'value',
    );
    assert.equal(allRows(keyless)?.length, before === '' ? 2 : 3);
    const nul = scratch.file(`${before}\0\tx\n`, 'nul');
    assert.throws(() => allRows(nul), failure('DATABASE_DAMAGED', nul, `offset ${offset}:`, 'NUL'));
  }
});

test('an escape is of the octet behind it, and of itself at the end of a text', (context) => {
  const bytes = Buffer.from('k\xff\x80\xff\xff\t\xff\x8a\xff\x8d\xff\x89\xff\n', 'latin1');
  assert.deepEqual(allRows(new Scratch(context).file(bytes)), [['k\0\xff', '\n\r\t\xff']]);
});
