import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { SyncError } from '../../../src/report/sync-error.ts';
import { IndexFile, readIndexHeader } from '../../../src/store/mailbox/index-file.ts';
import {
  FLAG_ARCHIVED,
  FLAG_EXPUNGED,
  FLAG_SEEN,
  FLAG_UNLINKED,
  unusableFlags,
} from '../../../src/store/mailbox/record-flags.ts';
import type { RecordPage } from '../../../src/store/master-store.ts';
import { indexBytes, recordSizeOf } from '../../lab/index-bytes.ts';
import { lockInThread, patiently } from '../../lab/lock-holders.ts';
import { openBelow } from '../../lab/open-below.ts';

const directory = mkdtempSync(join(tmpdir(), 'index-file-'));
test.after(() => rmSync(directory, { recursive: true }));
let files = 0;

async function open(bytes: Buffer): Promise<IndexFile> {
  const path = join(directory, `${files++}.index`);
  writeFileSync(path, bytes);
  const file = IndexFile.open(path, 'user.anna');
  assert.ok(file);
  return file;
}

function pagesOf(
  file: IndexFile,
  fromUid = 1,
  userFlags: (string | null)[] = [],
): Generator<RecordPage, void> {
  return file.pages(fromUid, {
    path: file.path,
    mailbox: 'user.anna',
    header: file.header,
    userFlags,
    unusableFlags: unusableFlags(userFlags),
    annotationsOf: () => [],
  });
}

function firstPage(file: IndexFile): RecordPage | undefined {
  const [page] = pagesOf(file);
  return page;
}

function uidsOf(pages: Iterable<RecordPage>): number[] {
  const uids: number[] = [];
  for (const page of pages) for (let i = 0; i < page.count; i++) uids.push(page.uid(i));
  return uids;
}

const isDamage = (error: unknown): boolean => error instanceof SyncError && error.code === 'MAILBOX_DAMAGED';

for (const version of [10, 12, 13, 14, 15, 16, 17, 18, 19, 20]) {
  test(`index version ${version}: header and records are read at their own offsets`, async () => {
    const record = {
      uid: 4,
      modseq: 9,
      flags: FLAG_SEEN | FLAG_ARCHIVED,
      userFlags: [0, 33, 127],
      cid: 0xdfn,
      savedate: 1_650_000_000,
      createdmodseq: 8,
    };
    using file = await open(
      indexBytes({ version, lastUid: 4, highestmodseq: 12, options: 4, uidvalidity: 99 }, [record]),
    );
    const { header } = file;
    assert.deepEqual(
      [header.version, header.records, header.exists, header.lastUid, header.highestmodseq, header.options],
      [version, 1, 1, 4, 12, 4],
    );
    assert.deepEqual([header.uidvalidity, header.lastAppenddate], [99, 1_700_000_000]);
    assert.equal(header.deletedmodseq, version === 10 ? 12 : 0);
    const names = Array.from({ length: 128 }, (_, slot) => (slot === 33 ? null : `flag${slot}`));
    const [page] = pagesOf(file, 1, names);
    assert.deepEqual(page?.record(0), {
      uid: 4,
      modseq: 9,
      lastUpdated: 1_600_000_001,
      flags: ['\\Seen', 'flag0', 'flag127'],
      internaldate: 1_600_000_000,
      size: 1004,
      guid: 'ab'.repeat(20),
      annotations: virtualOf(version),
      unlinked: false,
      archived: true,
    });
  });
}

function virtualOf(version: number): object[] {
  const annotation = (name: string, value: string) => ({
    entry: `/vendor/cmu/cyrus-imapd/${name}`,
    userid: '',
    modseq: 0,
    value,
  });
  const thrid = annotation('thrid', '00000000000000df');
  const savedate = annotation('savedate', '1650000000');
  const createdmodseq = annotation('createdmodseq', '8');
  if (version >= 20) return [createdmodseq, savedate, thrid];
  if (version >= 16) return [thrid, savedate, createdmodseq];
  if (version === 15) return [thrid, savedate];
  return version >= 13 ? [thrid] : [];
}

test('records of version 20 under a header of version 19 are recognised by their size', async () => {
  const old = indexBytes({ version: 19 }, []);
  const bytes = Buffer.concat([old, indexBytes({ version: 20 }, [{ uid: 1, modseq: 6 }]).subarray(192)]);
  bytes.writeUInt32BE(recordSizeOf(20), 16);
  bytes.writeUInt32BE(1, 20);
  bytes.writeUInt32BE(1, 28);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 156)), 156);
  using file = await open(bytes);
  assert.deepEqual(uidsOf(pagesOf(file)), [1]);
  assert.equal(firstPage(file)?.record(0).modseq, 6);
});

test('an empty mailbox has option P, and a highestmodseq of at least 1', async () => {
  using file = await open(indexBytes({ version: 17, highestmodseq: 0, exists: 0 }, []));
  assert.deepEqual([file.header.options, file.header.highestmodseq], [1, 1]);
  assert.deepEqual(uidsOf(pagesOf(file)), []);
});

test('any starting UID gives exactly the records from there on, over any number of pages', async () => {
  const increasing = fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6000 })
    .map((steps) => {
      let uid = 0;
      return steps.map((step) => {
        uid += step;
        return uid;
      });
    });
  await fc.assert(
    fc.asyncProperty(increasing, fc.integer({ min: 0, max: 20000 }), async (uids, from) => {
      using file = await open(
        indexBytes(
          { version: 17, lastUid: uids.at(-1) ?? 0 },
          uids.map((uid) => ({ uid })),
        ),
      );
      assert.deepEqual(
        uidsOf(pagesOf(file, from)),
        uids.filter((uid) => uid >= from),
      );
    }),
    { numRuns: 15 },
  );
  using two = await open(
    indexBytes(
      { version: 17 },
      Array.from({ length: 5000 }, (_, i) => ({ uid: i + 1 })),
    ),
  );
  assert.equal([...pagesOf(two)].length, 3);
});

test('records that were never completed are passed over, also by the search', async () => {
  using file = await open(
    indexBytes({ version: 17, lastUid: 5 }, [{ uid: 1 }, { uid: 2 }, { uid: 0 }, { uid: 4 }, { uid: 5 }]),
  );
  assert.deepEqual(uidsOf(pagesOf(file)), [1, 2, 4, 5]);
  assert.deepEqual(uidsOf(pagesOf(file, 2)), [2, 4, 5]);
  using last = await open(indexBytes({ version: 17, lastUid: 3 }, [{ uid: 2 }, { uid: 0 }]));
  assert.deepEqual(uidsOf(pagesOf(last, 2)), [2]);
});

test('a hole in the place of records is damage, and does not take as long as it says', async () => {
  const bytes = indexBytes(
    { version: 17, lastUid: 9 },
    Array.from({ length: 300 }, () => ({ uid: 0 })),
  );
  using file = await open(bytes);
  assert.throws(() => uidsOf(pagesOf(file)), isDamage);
});

test('flags of records that are only looked at', async () => {
  using file = await open(
    indexBytes({ version: 17 }, [
      { uid: 1, flags: FLAG_EXPUNGED, guid: '00'.repeat(20) },
      { uid: 2, flags: FLAG_EXPUNGED | FLAG_UNLINKED },
      { uid: 3, flags: FLAG_ARCHIVED },
    ]),
  );
  const [page] = pagesOf(file);
  assert.ok(page);
  assert.deepEqual(
    [0, 1, 2].map((i) => page.expunged(i)),
    [true, true, false],
  );
  assert.deepEqual(
    [0, 1, 2].map((i) => page.unlinked(i)),
    [false, true, false],
  );
  assert.deepEqual(
    [0, 1, 2].map((i) => page.archived(i)),
    [false, false, true],
  );
  assert.deepEqual(
    [0, 1, 2].map((i) => page.guidIsNull(i)),
    [true, false, false],
  );
  assert.deepEqual(page.record(0).flags, ['\\Expunged']);
});

test('damage is refused with the file and what is wrong with it', async () => {
  const sound = indexBytes({ version: 17 }, [{ uid: 1 }, { uid: 2 }]);
  const changed = (offset: number, value: number): Buffer => {
    const bytes = Buffer.from(sound);
    bytes.writeUInt32BE(value, offset);
    return bytes;
  };
  await assert.rejects(open(changed(24, 1)), isDamage, 'header CRC');
  await assert.rejects(open(changed(8, 21)), { code: 'INDEX_VERSION_UNKNOWN' }, 'a version from the future');
  await assert.rejects(open(changed(8, 11)), isDamage, 'a version that never was');
  await assert.rejects(open(changed(16, 8)), isDamage, 'records too short');
  await assert.rejects(open(sound.subarray(0, 100)), isDamage, 'header cut off');
  await assert.rejects(open(Buffer.alloc(0)), isDamage, 'empty');
  {
    using file = await open(sound.subarray(0, 160 + 112));
    assert.throws(() => uidsOf(pagesOf(file)), isDamage, 'fewer records than promised');
  }
  {
    using file = await open(changed(160 + 4, 5));
    assert.throws(() => firstPage(file)?.record(0), isDamage, 'record CRC');
    assert.equal(firstPage(file)?.record(1).uid, 2, 'the others can still be read');
  }
  {
    using file = await open(indexBytes({ version: 17 }, [{ uid: 2 }, { uid: 2 }]));
    assert.throws(() => uidsOf(pagesOf(file)), isDamage, 'UIDs that do not ascend');
  }
  {
    using file = await open(changed(160 + 80, 0x200000));
    assert.throws(() => firstPage(file)?.modseq(0), isDamage, 'a modseq beyond 2^53');
  }
});

test('an index that promises headers or records of megabytes is damaged, and no memory is set aside for them', async () => {
  // Version 10 has no checksum of its header.
  for (const offset of [12, 16]) {
    const bytes = indexBytes({ version: 10 }, [{ uid: 1 }, { uid: 2 }]);
    bytes.writeUInt32BE(0x60000000, offset);
    bytes.writeUInt32BE(0xffffffff, 20);
    await assert.rejects(open(bytes), isDamage, `octet ${offset}`);
  }
});

test('an index without GUIDs is not damaged, only too old', async () => {
  const old = Buffer.alloc(96);
  old.writeUInt32BE(9, 8);
  await assert.rejects(
    open(old),
    (error) => error instanceof SyncError && error.code === 'IMAP_MAILBOX_NOTSUPPORTED',
  );
});

test('no file at all is for the caller to judge', () => {
  assert.equal(IndexFile.open(join(directory, 'none'), 'user.anna'), undefined);
});

test('a flag that no Cyrus takes is damage where a message has it, and nothing where none has', async () => {
  const names = ['$ok', 'NIL', 'X) INTERNALDATE 1)\r\nAPPLY UNUSER anna', 'a b', 'caf\xe9', '\\Odd'];
  for (const [slot, name] of names.entries()) {
    using file = await open(indexBytes({ version: 17, lastUid: 1 }, [{ uid: 1, userFlags: [slot] }]));
    const [page] = pagesOf(file, 1, names);
    if (slot < 2) assert.deepEqual(page?.record(0).flags, [name]);
    else assert.throws(() => page?.record(0), isDamage, name);
  }
});

test('a number that the wire cannot carry is damage of its message, found before anything is sent', async () => {
  for (const odd of [{ internaldate: -1_000_000 }, { size: 2 ** 60 }]) {
    using file = await open(indexBytes({ version: 20, lastUid: 1 }, [{ uid: 1, ...odd }]));
    assert.throws(() => firstPage(file)?.record(0), isDamage, JSON.stringify(odd));
  }
});

test('an index that is replaced while its lock is awaited is read from what took its place', async () => {
  const path = join(directory, `${files++}.index`);
  const replaceBy = join(directory, `${files++}.index`);
  writeFileSync(path, indexBytes({ version: 17 }, [{ uid: 1 }]));
  writeFileSync(replaceBy, indexBytes({ version: 17 }, [{ uid: 1 }, { uid: 2 }]));
  const repack = await lockInThread({ path, kind: 'exclusive', replaceBy });
  assert.equal(repack.got, true);
  repack.release();
  using file = patiently(() => IndexFile.open(path, 'user.anna'));
  assert.equal(file?.header.records, 2);
  await repack.gone;
});

test('a GUID is null if each of its octets is 0', async () => {
  const guids = Array.from({ length: 20 }, (_, octet) => `${'00'.repeat(octet)}01${'00'.repeat(19 - octet)}`);
  // What follows a GUID is the MODSEQ.
  const records = [...guids, '00'.repeat(20)].map((guid, i) => ({ uid: i + 1, guid, modseq: 2 ** 52 + i }));
  using file = await open(indexBytes({ version: 17 }, records));
  const page = firstPage(file);
  assert.deepEqual(
    records.map((_, i) => page?.guidIsNull(i)),
    records.map((_, i) => i === 20),
  );
});

test('whoever looks for the annotations of a message is told which come next in its page', async () => {
  using file = await open(indexBytes({ version: 17 }, [{ uid: 2 }, { uid: 5 }, { uid: 9 }]));
  const told: number[][] = [];
  const [page] = file.pages(1, {
    path: file.path,
    mailbox: 'user.anna',
    header: file.header,
    userFlags: [],
    unusableFlags: unusableFlags([]),
    annotationsOf: (uid, next) => {
      told.push([uid, ...next()]);
      return [];
    },
  });
  for (let i = 0; i < 3; i++) page?.record(i);
  assert.deepEqual(told, [[2, 5, 9], [5, 9], [9]]);
});

test('of a large mailbox hardly more is read than what is new in it', async (context) => {
  const records = 6_000;
  const bytes = indexBytes(
    { version: 17, lastUid: 2 * records },
    Array.from({ length: records }, (_, i) => ({ uid: 2 * (i + 1) })),
  );
  using file = await open(bytes);
  let octets = 0;
  const { readSync } = fs;
  context.mock.method(fs, 'readSync', (...given: Parameters<typeof readSync>) => {
    const got = readSync(...given);
    octets += got;
    return got;
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  for (const from of [2 * records, 2 * records - 1, 2 * records - 200]) {
    octets = 0;
    assert.deepEqual(
      uidsOf(pagesOf(file, from)),
      Array.from({ length: records }, (_, i) => 2 * (i + 1)).filter((uid) => uid >= from),
    );
    assert.ok(octets < 200 * recordSizeOf(17), `${octets} octets from UID ${from} on`);
  }
  octets = 0;
  assert.deepEqual(uidsOf(pagesOf(file, 2 * records + 1)), []);
  assert.equal(octets, 0, 'there is nothing new');
  octets = 0;
  uidsOf(pagesOf(file));
  assert.equal(octets, records * recordSizeOf(17), 'each record once, and nothing besides');
});

test('what is no file in the place of an index is named', () => {
  const path = join(directory, 'a directory');
  mkdirSync(path);
  for (const read of [() => IndexFile.open(path, 'user.anna'), () => readIndexHeader(path, 'user.anna')]) {
    assert.throws(read, { code: 'IO', message: `${path}: a directory, not a regular file` });
  }
  const pipe = join(directory, 'a pipe');
  execFileSync('mkfifo', [pipe]);
  assert.throws(() => readIndexHeader(pipe, 'user.anna'), {
    code: 'IO',
    message: `${pipe}: a FIFO, not a regular file`,
  });
});

test('a header and records that are longer than what is known of them are read all the same', async () => {
  const sound = indexBytes({ version: 17, highestmodseq: 9 }, [
    { uid: 1, modseq: 4 },
    { uid: 2, modseq: 9 },
  ]);
  const header = Buffer.from(sound.subarray(0, 160));
  const records = [160, 160 + 112].map((at) => sound.subarray(at, at + 112));
  header.writeUInt32BE(160 + 32, 12);
  header.writeUInt32BE(112 + 8, 16);
  header.writeUInt32BE(crc32(header.subarray(0, 156)), 156);
  const padding = (octets: number): Buffer => Buffer.alloc(octets, 0xff);
  using file = await open(
    Buffer.concat([header, padding(32), ...records.flatMap((each) => [each, padding(8)])]),
  );
  assert.deepEqual(uidsOf(pagesOf(file)), [1, 2]);
  assert.deepEqual(uidsOf(pagesOf(file, 2)), [2]);
  const page = firstPage(file);
  assert.deepEqual([page?.modseq(0), page?.record(1).modseq], [4, 9]);
});

test('nothing of an index stays open, whether its header was read, was damaged, or its locks were given back', () => {
  const place = mkdtempSync(join(directory, 'open-'));
  const sound = join(place, 'sound');
  writeFileSync(sound, indexBytes({ version: 17 }, [{ uid: 1 }]));
  assert.equal(readIndexHeader(sound, 'user.anna')?.records, 1);
  assert.deepEqual(openBelow(place), []);
  {
    using file = IndexFile.open(sound, 'user.anna');
    assert.ok(file);
    assert.deepEqual(openBelow(place), [sound]);
  }
  const damaged = join(place, 'damaged');
  writeFileSync(damaged, 'no index');
  for (const read of [readIndexHeader, IndexFile.open])
    assert.throws(() => read(damaged, 'user.anna'), isDamage);
  assert.deepEqual(openBelow(place), []);
});
