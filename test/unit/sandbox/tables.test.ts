import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { LmdbTables } from '../../../src/sandbox/storage/lmdb-tables.ts';
import { MemoryTables } from '../../../src/sandbox/storage/memory-tables.ts';
import type { KeyRange, Table, TableKey, Tables } from '../../../src/sandbox/storage/tables.ts';

/** One set of expectations for both kinds of tables, and a property that holds them against one another. */
const kinds: Record<string, (directory: string) => Tables> = {
  lmdb: (directory) => new LmdbTables(directory, false),
  memory: () => new MemoryTables(),
};

for (const [kind, open] of Object.entries(kinds)) {
  test(`${kind}: keys are in the order of their parts, and a range leaves out its end`, () =>
    using(open, (tables) => {
      const table = tables.table<number>('t');
      for (const [value, key] of [
        ['b', 1],
        ['a', 'x'],
        ['a', 2],
        ['a', 10],
      ].entries())
        table.putSync(key, value);
      assert.deepEqual(
        [...table.getKeys()],
        [
          ['a', 2],
          ['a', 10],
          ['a', 'x'],
          ['b', 1],
        ],
      );
      assert.deepEqual(
        [...table.getKeys({ start: ['a', 2], end: ['a', 'x'] })],
        [
          ['a', 2],
          ['a', 10],
        ],
      );
      const last = { start: ['a', Number.MAX_SAFE_INTEGER], end: ['a', 0], reverse: true, limit: 1 };
      assert.deepEqual([...table.getKeys(last)], [['a', 10]]);
    }));

  test(`${kind}: what throws in a transaction leaves nothing behind`, () =>
    using(open, (tables) => {
      const table = tables.table<string>('t');
      table.putSync('kept', 'before');
      table.putSync('removed', 'before');
      const failing = () =>
        tables.transact(() => {
          table.putSync('kept', 'after');
          table.putSync('kept', 'after that');
          table.removeSync('removed');
          table.putSync('new', 'after');
          throw new Error('in the middle');
        });
      assert.throws(failing, /in the middle/);
      assert.deepEqual(
        [...table.getRange()],
        [
          { key: 'kept', value: 'before' },
          { key: 'removed', value: 'before' },
        ],
      );
      assert.equal(
        tables.transact(() => table.get('kept')),
        'before',
      );
    }));

  test(`${kind}: a value that was got is a copy`, () =>
    using(open, (tables) => {
      const table = tables.table<{ flags: string[] }>('t');
      const stored = { flags: ['one'] };
      table.putSync('k', stored);
      stored.flags.push('two');
      table.get('k')?.flags.push('three');
      assert.deepEqual(table.get('k'), { flags: ['one'] });
    }));

  test(`${kind}: an iteration shows what was there when it began`, () =>
    using(open, (tables) => {
      const table = tables.table<number>('t');
      for (const key of ['a', 'b', 'c']) table.putSync(key, 0);
      const seen: TableKey[] = [];
      for (const key of [...table.getKeys()]) {
        seen.push(key);
        table.removeSync(key);
      }
      assert.deepEqual(seen, ['a', 'b', 'c']);
      assert.deepEqual([...table.getKeys()], []);
    }));

  test(`${kind}: octets are kept as they are`, () =>
    using(open, (tables) => {
      const table = tables.octetTable('o');
      const octets = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));
      table.putSync('k', octets);
      assert.deepEqual(table.get('k'), octets);
      assert.equal(table.doesExist('k'), true);
      assert.equal(table.doesExist('l'), false);
    }));
}

/** Octets as the sandbox has them in names, and numbers as it has them in UIDs and ids. */
const part = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\x1f', ' ', '\xff'), minLength: 1, maxLength: 3 }),
  fc.nat({ max: 20 }),
);
const key = fc.tuple(
  fc.string({ unit: fc.constantFrom('a', 'b', '\x1f', '\xff'), minLength: 1, maxLength: 3 }),
  part,
);
const change = fc.record({ key, value: fc.option(fc.nat()) });

test('both kinds of tables hold the same after any changes, in any range', () =>
  using(kinds.lmdb, (lmdb) => {
    let run = 0;
    fc.assert(
      fc.property(fc.array(change), key, key, fc.boolean(), (changes, start, end, reverse) => {
        const name = `t${run++ % 8}`;
        const [one, other] = [lmdb.table<number>(name), new MemoryTables().table<number>(name)];
        for (const old of [...one.getKeys()]) one.removeSync(old);
        for (const each of changes) {
          for (const table of [one, other]) {
            if (each.value === null) table.removeSync(each.key);
            else table.putSync(each.key, each.value);
          }
        }
        for (const range of [{}, { start }, { start, end, reverse }, { start, end, reverse, limit: 2 }]) {
          assert.deepEqual(rowsOf(other, range), rowsOf(one, range));
        }
      }),
    );
  }));

function rowsOf(table: Table<number>, range: KeyRange): unknown[] {
  return Array.from(table.getRange(range), ({ key: found, value }) => [found, value]);
}

async function using(
  open: ((directory: string) => Tables) | undefined,
  use: (tables: Tables) => void,
): Promise<void> {
  assert.ok(open);
  const directory = mkdtempSync(join(tmpdir(), 'tables-'));
  const tables = open(directory);
  try {
    use(tables);
  } finally {
    await tables.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
