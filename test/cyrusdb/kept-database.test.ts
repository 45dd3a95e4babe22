import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { KeptDatabase, KeptDatabases } from '../../src/store/cyrusdb/kept-database.ts';
import { writeTwoskip } from './twoskip-writer.ts';

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

test('no more databases than allowed stay open, and all are readable', () => {
  using one = place();
  using two = place();
  one.put({ a: '1' });
  two.put({ a: '2' });
  using databases = new KeptDatabases(1);
  for (let round = 0; round < 3; round++) {
    assert.equal(
      databases.read(one.path, (db) => db.get('a')),
      '1',
    );
    assert.equal(
      databases.read(two.path, (db) => db.get('a')),
      '2',
    );
  }
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
