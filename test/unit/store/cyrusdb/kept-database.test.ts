import assert from 'node:assert/strict';
import fs, { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { KeptDatabase, KeptDatabases } from '../../../../src/store/cyrusdb/kept-database.ts';
import { openBelow } from '../../../lab/open-below.ts';
import { writeTwoskip } from './write-twoskip.ts';

function place(): { path: string; put(rows: Record<string, string>): void } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'kept-'));
  const path = join(directory, 'db');
  return {
    path,
    put: (rows) => {
      const records = Object.entries(rows).map(([key, value]) => ({ key, value, level: 1 }));
      writeFileSync(`${path}.NEW`, writeTwoskip(records));
      renameSync(`${path}.NEW`, path);
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test('a file that was replaced is read anew, one that is gone is none, one that comes is found', () => {
  using at = place();
  using database = new KeptDatabase(at.path);
  const get = (key: string): string | undefined => database.read((db) => db.get(key));
  assert.equal(get('a'), undefined);
  at.put({ a: '1' });
  assert.deepEqual([get('a'), get('a')], ['1', '1']);
  at.put({ a: '2' });
  assert.equal(get('a'), '2');
  rmSync(at.path);
  assert.equal(get('a'), undefined);
  at.put({ a: '3' });
  assert.equal(get('a'), '3');
});

test('a read that throws leaves the database usable', () => {
  using at = place();
  at.put({ a: '1' });
  using database = new KeptDatabase(at.path);
  assert.throws(
    () =>
      database.read(() => {
        throw new RangeError('mine');
      }),
    RangeError,
  );
  assert.equal(
    database.read((db) => db.get('a')),
    '1',
  );
});

test('a file that cannot be read is an error that names it, whichever read it is, and is read again when that is over', (context) => {
  using at = place();
  at.put({ a: '1' });
  using database = new KeptDatabase(at.path);
  const get = (): string | undefined => database.read((db) => db.get('a'));
  const { readSync, fstatSync } = fs;
  const eio = (syscall: string): never => {
    throw Object.assign(new Error(`EIO: i/o error, ${syscall}`), { code: 'EIO', errno: -5, syscall });
  };
  /** The call of that number fails. */
  const failing = (name: 'readSync' | 'fstatSync', real: (...args: never[]) => unknown, at: number): void => {
    let calls = 0;
    context.mock.method(fs, name, (...args: never[]) => (++calls === at ? eio(name) : real(...args)));
    syncBuiltinESMExports();
  };
  const named = (caught: unknown): boolean =>
    caught instanceof SyncError && caught.code === 'IO' && caught.message.includes(at.path);
  try {
    for (const call of [1, 2, 3]) {
      failing('readSync', readSync, call);
      assert.throws(get, named, `read ${call}`);
      context.mock.restoreAll();
      syncBuiltinESMExports();
      assert.equal(get(), '1');
      database[Symbol.dispose]();
    }
    get();
    // What is remembered is not believed of a file that cannot be asked whether it is the same.
    failing('fstatSync', fstatSync, 1);
    assert.equal(get(), '1');
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test('no more databases than allowed stay open, the least recently used is closed, and all are readable', () => {
  const limit = 2;
  const places = Array.from({ length: 4 }, (_, i) => {
    const made = place();
    made.put({ a: String(i) });
    return made;
  });
  const databases = new KeptDatabases(limit);
  const open = (): string[] => places.flatMap(({ path }) => openBelow(dirname(path))).sort();
  try {
    const used: string[] = [];
    for (const i of [0, 1, 2, 3, 2, 0, 0, 3, 1, 2, 3]) {
      const { path } = places[i] ?? assert.fail();
      assert.equal(
        databases.read(path, (db) => db.get('a')),
        String(i),
      );
      used.unshift(path);
      assert.deepEqual(open(), [...new Set(used)].slice(0, limit).sort());
    }
    databases[Symbol.dispose]();
    assert.deepEqual(open(), []);
  } finally {
    for (const made of places) made[Symbol.dispose]();
  }
});

test('no descriptor stays open of what was replaced, is gone, is damaged, or is no database to be kept', () => {
  using at = place();
  using databases = new KeptDatabases(2);
  const open = (): string[] => openBelow(dirname(at.path));
  const get = (): string | undefined => databases.read(at.path, (db) => db.get('a'), { atLeast: 'rows' });
  at.put({ a: '1' });
  get();
  at.put({ a: '2' });
  assert.equal(get(), '2');
  assert.deepEqual(open(), [at.path], 'that of the former file is closed');
  writeFileSync(at.path, '');
  assert.throws(get, SyncError);
  assert.deepEqual(open(), []);
  writeFileSync(at.path, 'a\t3\n');
  assert.equal(get(), '3');
  assert.deepEqual(open(), [], 'flat');
  at.put({ a: '4' });
  assert.equal(get(), '4');
  rmSync(at.path);
  assert.equal(get(), undefined);
  assert.deepEqual(open(), []);
});

test('a file that has grown in place is read anew, though its time says that nothing happened', () => {
  using at = place();
  at.put({ a: '1' });
  utimesSync(at.path, 1_000, 1_000);
  using database = new KeptDatabase(at.path);
  assert.equal(
    database.read((db) => db.get('a')),
    '1',
  );
  writeFileSync(at.path, writeTwoskip([{ key: 'a', value: '2'.repeat(1_000), level: 1 }]));
  utimesSync(at.path, 1_000, 1_000);
  assert.equal(
    database.read((db) => db.get('a')),
    '2'.repeat(1_000),
  );
});

test('what was asked before is answered from memory, until the file changes', () => {
  using at = place();
  at.put({ a: '1', b: '2' });
  using database = new KeptDatabase(at.path);
  const get = (key: string): string | undefined => database.read((db) => db.get(key));
  assert.deepEqual([get('a'), get('none'), get('a'), get('none')], ['1', undefined, '1', undefined]);
  let calls = 0;
  const both = database.read((db) => {
    calls++;
    return [db.get('a'), [...db.entries('')].length];
  });
  assert.deepEqual(both, ['1', 2]);
  assert.equal(calls, 2, 'memory was asked first, and does not know all rows');
  at.put({ a: '3' });
  assert.deepEqual([get('a'), get('b')], ['3', undefined]);
});

test('what is made of remembered rows alone is an answer, an error too; what is made of a gap is none', () => {
  using at = place();
  at.put({ a: '1', b: '2' });
  using database = new KeptDatabase(at.path);
  database.read((db) => db.get('a'));
  let calls = 0;
  const failing = (key: string) => () =>
    database.read((db) => {
      calls += 1;
      if (db.get(key) !== '3') throw new RangeError('mine');
    });
  assert.throws(failing('a'), RangeError);
  assert.equal(calls, 1);
  calls = 0;
  const found = database.read((db) => {
    calls += 1;
    const value = db.get('b');
    if (value === undefined) throw new RangeError('of a gap');
    return value;
  });
  assert.deepEqual([found, calls], ['2', 2]);
});

test('a walk is remembered row by row, and how much is remembered has a bound', () => {
  using at = place();
  at.put({ a: '1', b: '2' });
  using database = new KeptDatabase(at.path);
  const callsFor = (key: string): number => {
    let calls = 0;
    database.read((db) => {
      calls += 1;
      return db.get(key);
    });
    return calls;
  };
  database.read((db) => [...db.entries('')].length);
  assert.deepEqual([callsFor('a'), callsFor('b'), callsFor('none')], [1, 1, 2]);
  database.read((db) => {
    for (let i = 0; i < 5_000; i += 1) db.get(`none ${i}`);
  });
  assert.deepEqual([callsFor('none 4999'), callsFor('a')], [1, 2]);
});
