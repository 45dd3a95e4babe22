import assert from 'node:assert/strict';
import fs, { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { RecordSpool } from '../../../src/store/remote/record-spool.ts';

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
/** Objects are compared with those that are made here. */
const PLAIN = { noNullPrototype: true };
const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const annotation = fc.record({ entry: octets, userid: octets, modseq: number, value: octets }, PLAIN);
const records = fc
  .array(
    fc.record(
      {
        uid: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        modseq: number,
        lastUpdated: number,
        flags: fc.array(fc.oneof(octets, fc.constant('\\Expunged'))),
        internaldate: number,
        size: number,
        guid: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 }),
        annotations: fc.array(annotation),
      },
      PLAIN,
    ),
  )
  .map((found): WireRecord[] => {
    const byUid = new Map(found.map((one) => [one.uid, one]));
    return [...byUid.values()].sort((a, b) => a.uid - b.uid);
  });

test('records come back as they went in, from any UID on', () => {
  fc.assert(
    fc.property(records, fc.nat(), (all, at) => {
      const fromUid = all[at % Math.max(1, all.length)]?.uid ?? 1;
      using spool = filled(tmpdir(), all);
      const expected = all.filter(({ uid }) => uid >= fromUid);
      const read = recordsOf(spool, fromUid);
      assert.deepEqual(
        read.map(({ unlinked: _unlinked, archived: _archived, ...record }) => record),
        expected,
      );
    }),
  );
});

test('what does not fit into memory is on disk without a name, and gone with the spool', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spool-'));
  const all = Array.from({ length: 20_000 }, (_, i) => ordinary(i + 1));
  {
    using spool = filled(directory, all);
    assert.deepEqual(await readdir(directory), []);
    assert.equal(recordsOf(spool, 19_990).length, 11);
    assert.deepEqual(recordsOf(spool, 1)[12_345]?.guid, all[12_345]?.guid);
    assert.equal(namelessBelow(directory), 1);
  }
  assert.equal(namelessBelow(directory), 0);
  await rm(directory, { recursive: true });
});

test('a disk that takes and gives part of what is asked at a time loses nothing', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'spool-'));
  const { writeSync, readSync } = fs;
  const part = (length: number): number => Math.max(1, Math.floor(length / 3));
  context.mock.method(
    fs,
    'writeSync',
    (fd: number, octets: Buffer, offset: number, length: number, at: number) =>
      writeSync(fd, octets, offset, part(length), at),
  );
  context.mock.method(
    fs,
    'readSync',
    (fd: number, octets: Buffer, offset: number, length: number, at: number) =>
      readSync(fd, octets, offset, part(length), at),
  );
  syncBuiltinESMExports();
  try {
    const all = Array.from({ length: 5_000 }, (_, i) => ordinary(i + 1));
    using spool = filled(directory, all);
    assert.deepEqual(
      recordsOf(spool, 1).map(({ guid }) => guid),
      all.map(({ guid }) => guid),
    );
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
    await rm(directory, { recursive: true });
  }
});

test('records that were given up cannot be read', () => {
  const spool = filled(tmpdir(), [ordinary(1)]);
  spool[Symbol.dispose]();
  assert.throws(() => recordsOf(spool, 1), { code: 'BUG' });
});

test('a directory that takes nothing is named, with what to do', () => {
  using spool = new RecordSpool('/nonexistent');
  const add = (): void => {
    for (let uid = 1; uid < 5_000; uid++) spool.add(ordinary(uid));
  };
  assert.throws(add, { code: 'IO', message: /cannot be kept in \/nonexistent/, hint: /TMPDIR/ });
});

test('a file that ends too soon is a failure of the disk, and too many open files are what they are', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'spool-'));
  const all = Array.from({ length: 5_000 }, (_, i) => ordinary(i + 1));
  const { openSync } = fs;
  try {
    using spool = filled(directory, all);
    context.mock.method(fs, 'readSync', () => 0);
    syncBuiltinESMExports();
    assert.throws(() => recordsOf(spool, 1), {
      code: 'IO',
      message: /the end came too soon/,
      hint: /TMPDIR/,
    });
    context.mock.restoreAll();
    context.mock.method(fs, 'openSync', (...given: Parameters<typeof openSync>) => {
      if (!String(given[0]).startsWith(directory)) return openSync(...given);
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' });
    });
    syncBuiltinESMExports();
    assert.throws(() => filled(directory, all), { code: 'TOO_MANY_FILES', message: /cannot be kept in/ });
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
    await rm(directory, { recursive: true });
  }
});

/** Files that this process has open and nobody can find any more. */
function namelessBelow(directory: string): number {
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one that listed them.
      return '';
    }
  });
  return open.filter((path) => path.startsWith(`${directory}/`) && path.endsWith(' (deleted)')).length;
}

function ordinary(uid: number): WireRecord {
  const guid = uid.toString(16).padStart(40, '0');
  const text = `value ${uid} `.repeat(20);
  const annotations = [{ entry: '/comment', userid: '', modseq: uid, value: text }];
  return { uid, modseq: uid, lastUpdated: 1, flags: ['\\Seen'], internaldate: 1, size: 2, guid, annotations };
}

function filled(directory: string, all: readonly WireRecord[]): RecordSpool {
  const spool = new RecordSpool(directory);
  for (const record of all) spool.add(record);
  spool.end();
  return spool;
}

function recordsOf(spool: RecordSpool, fromUid: number) {
  return [...spool.pages(fromUid)].flatMap((page) =>
    Array.from({ length: page.count }, (_, i) => page.record(i)),
  );
}
