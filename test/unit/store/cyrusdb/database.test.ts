import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { tryLock } from '../../../../src/native/locks.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { lockInThread, patiently } from '../../../lab/lock-holders.ts';
import { allRows, failure, Scratch } from './scratch.ts';
import { writeSkiplist } from './write-skiplist.ts';
import { writeTwoskip } from './write-twoskip.ts';

const record = { key: 'key', value: 'value', level: 1 };

test('no file is not an error, and not an empty database', (context) => {
  const scratch = new Scratch(context);
  assert.equal(allRows(scratch.path('none')), undefined);
  assert.equal(allRows(scratch.path('no/directory/either')), undefined);
});

test('a file of no octets is an empty database, of whatever format', (context) => {
  const path = new Scratch(context).file('');
  assert.deepEqual(allRows(path), []);
  for (const format of ['twoskip', 'skiplist', 'flat'] as const)
    assert.deepEqual(allRows(path, { format }), []);
});

test('where rows have to be, a file without any is cut short, and what is found there is told', (context) => {
  const scratch = new Scratch(context);
  const empty = scratch.file('', 'empty');
  assert.throws(
    () => allRows(empty, { atLeast: 'rows' }),
    failure('DATABASE_DAMAGED', empty, 'of no octets'),
  );
  const bare = scratch.file(writeTwoskip([]), 'bare');
  assert.throws(() => allRows(bare, { atLeast: 'rows' }), failure('DATABASE_DAMAGED', bare, 'none'));
});

test('the magic decides, not what the configuration says', (context) => {
  const scratch = new Scratch(context);
  const expected = [['key', 'value']];
  assert.deepEqual(allRows(scratch.file(writeTwoskip([record]), 'a'), { format: 'skiplist' }), expected);
  assert.deepEqual(allRows(scratch.file(writeSkiplist([record]), 'b'), { format: 'flat' }), expected);
});

test('a file without the magic that it must have is damaged, not flat', (context) => {
  const path = new Scratch(context).file('key\tvalue\n');
  assert.deepEqual(allRows(path), [['key', 'value']]);
  assert.throws(
    () => allRows(path, { format: 'twoskip' }),
    failure('DATABASE_DAMAGED', path, 'offset 0', 'twoskip'),
  );
});

test('a file that ends within its magic or its header is refused', (context) => {
  const scratch = new Scratch(context);
  for (const bytes of [writeTwoskip([record]), writeSkiplist([record])]) {
    assert.throws(() => allRows(scratch.file(bytes.subarray(0, 40))), failure('DATABASE_DAMAGED'));
    assert.throws(() => allRows(scratch.file(bytes.subarray(0, 12))), failure('DATABASE_UNSUPPORTED'));
  }
});

test('twom and SQLite are recognised and refused', (context) => {
  const scratch = new Scratch(context);
  const twom = scratch.file(Buffer.from(`\xa1\x02\x8b\x0dtwomfile${'\0'.repeat(80)}`, 'latin1'), 'twom');
  assert.throws(() => allRows(twom), failure('DATABASE_UNSUPPORTED', twom, 'found twom'));
  const sqlite = scratch.file(`SQLite format 3\0${'\0'.repeat(80)}`, 'sqlite');
  assert.throws(() => allRows(sqlite), failure('DATABASE_UNSUPPORTED', sqlite, 'found SQLite'));
});

test('what cannot be read is an IO error with the path', (context) => {
  const scratch = new Scratch(context);
  mkdirSync(scratch.path('directory'));
  assert.throws(
    () => allRows(scratch.path('directory')),
    failure('IO', 'a directory, not a regular file', scratch.path('directory')),
  );
});

test('a held exclusive lock is not waited for very long; flat files need no lock', (context) => {
  const scratch = new Scratch(context);
  for (const bytes of [writeTwoskip([record]), writeSkiplist([record]), Buffer.from('key\tvalue\n')]) {
    const path = scratch.file(bytes);
    const holder = openSync(path, 'r+');
    assert.equal(tryLock(holder, 'exclusive'), true);
    const read = () => allRows(path);
    if (bytes.length > 20) assert.throws(read, failure('LOCK_TIMEOUT', path));
    else assert.deepEqual(read(), [['key', 'value']]);
    closeSync(holder);
    assert.deepEqual(read(), [['key', 'value']]);
  }
});

test('a file of no octets that its writer has locked is being made, and never read as one without rows', (context) => {
  const scratch = new Scratch(context);
  for (const bytes of [writeTwoskip([record]), writeSkiplist([record])]) {
    const path = scratch.file('');
    const writer = openSync(path, 'r+');
    assert.equal(tryLock(writer, 'exclusive'), true);
    assert.throws(() => allRows(path), failure('LOCK_TIMEOUT', path));
    writeFileSync(path, bytes);
    closeSync(writer);
    assert.deepEqual(allRows(path), [['key', 'value']]);
  }
});

test('readers share the lock, hold it while they read, and drop it and the descriptor afterwards', (context) => {
  const path = new Scratch(context).file(writeTwoskip([record]));
  const writer = openSync(path, 'r+');
  const before = readdirSync('/proc/self/fd').length;
  withDatabase(path, () => {
    assert.equal(tryLock(writer, 'exclusive'), false);
    assert.deepEqual(allRows(path), [['key', 'value']]);
    assert.equal(
      tryLock(writer, 'exclusive'),
      false,
      'the inner reader must not drop the lock of the outer one',
    );
  });
  assert.throws(() => withDatabase(path, () => assert.fail('inside')), /inside/);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  assert.equal(tryLock(writer, 'exclusive'), true);
  closeSync(writer);
});

test('a database that is replaced while its lock is awaited is opened again', async (context) => {
  const scratch = new Scratch(context);
  const path = scratch.file(writeTwoskip([{ ...record, value: 'old' }]));
  const replaceBy = scratch.file(writeTwoskip([{ ...record, value: 'new' }]), 'database.NEW');
  const repack = await lockInThread({ path, kind: 'exclusive', replaceBy });
  assert.equal(repack.got, true);
  repack.release();
  assert.deepEqual(
    patiently(() => allRows(path)),
    [['key', 'new']],
  );
  await repack.gone;
});

test('nothing is ever written: neither octets nor times of the file change, dirty or not', (context) => {
  const scratch = new Scratch(context);
  for (const killed of [false, true]) {
    const path = scratch.path(`killed-${killed}`);
    writeFileSync(path, writeTwoskip([record], { killed }), { mode: 0o400 });
    const before = statSync(path);
    assert.deepEqual(allRows(path), [['key', 'value']]);
    const after = statSync(path);
    assert.deepEqual(
      [after.mtimeMs, after.ctimeMs, after.size],
      [before.mtimeMs, before.ctimeMs, before.size],
    );
  }
});

test('rows that are asked for after the database was closed are an error, never those of another file', (context) => {
  const scratch = new Scratch(context);
  for (const bytes of [writeTwoskip([record]), writeSkiplist([record])]) {
    const path = scratch.file(bytes);
    const [database, walk] = withDatabase(path, (d) => [d, d.entries('')] as const) ?? [];
    const bug = (error: unknown) =>
      error instanceof SyncError && error.code === 'BUG' && error.message.includes(path);
    assert.throws(() => database?.get('key'), bug);
    assert.throws(() => walk?.next(), bug);
  }
});
