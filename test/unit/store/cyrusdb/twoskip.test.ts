import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import test, { type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { compareMailboxOrder, compareUnsigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { key, rows, value } from './arbitraries.ts';
import { allRows, failure, inOrder, Scratch } from './scratch.ts';
import { writeSkiplist } from './write-skiplist.ts';
import { type TwoskipRecord, writeTwoskip } from './write-twoskip.ts';

const shape = fc.record({
  level: fc.integer({ min: 1, max: 6 }),
  longKey: fc.boolean(),
  longValue: fc.boolean(),
  newest: fc.constantFrom<0 | 1>(0, 1),
  deletionAfter: fc.boolean(),
});
const records = fc
  .uniqueArray(fc.tuple(key, value, shape), { selector: ([k]) => k, maxLength: 60 })
  .map((list): TwoskipRecord[] =>
    list.sort(([a], [b]) => compareUnsigned(a, b)).map(([k, v, rest]) => ({ key: k, value: v, ...rest })),
  );

for (const killed of [false, true]) {
  test(`every key is found, every range is right${killed ? ', in what a killed writer leaves' : ''}`, (context) => {
    const scratch = new Scratch(context);
    fc.assert(
      fc.property(records, key, key, (list, prefix, after) => {
        const path = scratch.file(writeTwoskip(list, { killed }));
        const expected = list.map((record): [string, string] => [record.key, record.value]);
        withDatabase(path, (database) => {
          assert.deepEqual([...database.entries('')], expected);
          for (const [k, v] of expected) assert.equal(database.get(k), v);
          for (const k of [prefix, after]) assert.equal(database.get(k), new Map(expected).get(k));
          const shortened = prefix.slice(0, 1);
          for (const p of ['', shortened, prefix]) {
            const below = expected.filter(([k]) => k.startsWith(p));
            assert.deepEqual([...database.entries(p)], below);
            assert.deepEqual(
              [...database.entries(p, after)],
              below.filter(([k]) => k > after),
            );
            assert.deepEqual(
              [...database.entries(p, p)],
              below.filter(([k]) => k > p),
            );
            const [known] = below[Math.floor(below.length / 2)] ?? [after];
            assert.deepEqual(
              [...database.entries(p, known)],
              below.filter(([k]) => k > known),
            );
          }
        });
      }),
      { numRuns: 150 },
    );
  });
}

/** Every kind of record, pointer and length once, in little room. */
const few: TwoskipRecord[] = [
  { key: 'N', value: 'x', level: 1 },
  { key: 'user.anna', value: '%(I abc)', level: 4 },
  { key: 'user.anna.Sent', value: '', level: 1, newest: 1, deletionAfter: true },
  { key: 'user.bob', value: '%(I def)', level: 2, longKey: true },
  { key: 'user.bob.x', value: 'v'.repeat(9), level: 3, longValue: true },
  { key: 'user.eve', value: '1', level: 1 },
];
const asked = [
  ...few.map((record) => record.key),
  '',
  'M',
  'user.',
  'user.anna.',
  'user.carl',
  'user.f',
  '~',
];

/** Hundreds of thousands of errors are made, and nobody looks where. */
function withoutStacks(context: TestContext): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  context.after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
}

/** The findings of each look-up and each walk; the code of an error is told apart from all findings. */
function answers(path: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const opened = outcome(path, () =>
    withDatabase(path, (database) => {
      for (const k of asked) {
        found.set(
          `get ${k}`,
          outcome(path, () => [database.get(k)]),
        );
        found.set(
          `below ${k}`,
          outcome(path, () => [...database.entries(k)]),
        );
        found.set(
          `after ${k}`,
          outcome(path, () => [...database.entries('user.', k)]),
        );
      }
    }),
  );
  if (typeof opened === 'string') found.set('open', opened);
  return found;
}

function outcome<T>(path: string, ask: () => T): T | string {
  try {
    return ask();
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error));
    assert.match(error.code, /^DATABASE_(DAMAGED|UNSUPPORTED)$/);
    assert.ok(error.message.includes(path));
    return error.code;
  }
}

for (const killed of [false, true]) {
  test(`whichever bit flips, what is found is as it was or an error${killed ? ', after a killed writer too' : ''}`, (context) => {
    const scratch = new Scratch(context);
    withoutStacks(context);
    const bytes = writeTwoskip(few, { killed });
    const sound = answers(scratch.file(bytes));
    let noticed = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      for (const [question, found] of answers(scratch.file(flipped))) {
        if (typeof found === 'string') noticed++;
        else assert.deepEqual(found, sound.get(question), `${question}, bit ${bit & 7} of octet ${bit >> 3}`);
      }
    }
    assert.ok(noticed > bytes.length, 'hardly a flipped bit was noticed');
  });
}

test('a walk that is told of damage passes over it: no wrong row, and none missing without a word', (context) => {
  const scratch = new Scratch(context);
  withoutStacks(context);
  const bytes = writeTwoskip(few);
  const rows = few.map((record) => [record.key, record.value]);
  let passedOver = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const path = scratch.file(flipped);
    for (const [prefix, after] of [
      ['', undefined],
      ['user.', 'user.anna'],
    ] as const) {
      const expected = rows.filter(([k = '']) => k.startsWith(prefix) && k > (after ?? ''));
      const damages: SyncError[] = [];
      const note = (damage: SyncError): void => void damages.push(damage);
      const found = outcome(path, () =>
        withDatabase(path, (database) => [...database.entries(prefix, after, note)]),
      );
      if (!Array.isArray(found)) continue;
      const missing = expected.filter((row) => !found.some(([k]) => k === row[0]));
      assert.deepEqual([...found, ...missing].sort(), expected.sort(), `bit ${bit}`);
      assert.ok(damages.length >= missing.length, `bit ${bit}: ${missing.length} rows are missing`);
      if (missing.length > 0) passedOver++;
    }
  }
  assert.ok(passedOver > 100, 'hardly a record was passed over');
});

test('wherever a file is cut, its rows are as they were, or an error', (context) => {
  const scratch = new Scratch(context);
  const bytes = writeTwoskip(few);
  const sound = answers(scratch.file(bytes));
  for (let length = 1; length < bytes.length; length++) {
    for (const [question, found] of answers(scratch.file(bytes.subarray(0, length)))) {
      if (typeof found !== 'string')
        assert.deepEqual(found, sound.get(question), `${question}, ${length} octets`);
    }
  }
});

test('keys longer than 16 bits, and records longer than a cache block', (context) => {
  const path = new Scratch(context).file(
    writeTwoskip([
      { key: 'k'.repeat(65_534), value: 'short', level: 2 },
      { key: 'k'.repeat(65_535), value: 'v'.repeat(100_000), level: 1 },
      { key: 'k'.repeat(70_000), value: '', level: 3 },
    ]),
  );
  withDatabase(path, (database) => {
    assert.equal(database.get('k'.repeat(65_534)), 'short');
    assert.equal(database.get('k'.repeat(65_535)), 'v'.repeat(100_000));
    assert.equal(database.get('k'.repeat(70_000)), '');
    assert.deepEqual(
      [...database.entries('k')].map(([k]) => k.length),
      [65_534, 65_535, 70_000],
    );
  });
});

test('a file larger than the cache, while lookups interrupt a walk', (context) => {
  const list = Array.from({ length: 12_000 }, (_, i): TwoskipRecord => {
    const level = 1 + Math.min(Math.floor(Math.log2(i & -i || 1)), 12);
    return { key: `user.u${String(i).padStart(6, '0')}`, value: `${i} ${'v'.repeat(600)}`, level };
  });
  const path = new Scratch(context).file(writeTwoskip(list));
  withDatabase(path, (database) => {
    let i = 0;
    for (const [k, v] of database.entries('user.')) {
      assert.equal(k, list[i]?.key);
      assert.equal(v, list[i]?.value);
      const elsewhere = list[(i * 7919) % list.length];
      if (i % 5 === 0) assert.equal(database.get(elsewhere?.key ?? ''), elsewhere?.value);
      i++;
    }
    assert.equal(i, list.length);
  });
});

test('keys out of order are damage; in the order of mailboxes they are what an old Cyrus wrote', (context) => {
  const expected = inOrder(
    [
      ['user.a b', '2'],
      ['user.a.x', '1'],
      ['user.a', '0'],
      ['user.a-b', '3'],
    ],
    compareMailboxOrder,
  );
  assert.deepEqual(
    expected.map(([k]) => k),
    ['user.a', 'user.a.x', 'user.a b', 'user.a-b'],
  );
  const path = new Scratch(context).file(
    writeTwoskip(expected.map(([k, v]) => ({ key: k, value: v, level: 1 }))),
  );
  assert.throws(() => allRows(path), failure('DATABASE_DAMAGED', path, 'offset', 'user.a b'));
  assert.deepEqual(allRows(path, { order: 'mailbox' }), expected);
  assert.equal(
    withDatabase(path, (database) => database.get('user.a-b'), { order: 'mailbox' }),
    '3',
  );
});

test('in the order of mailboxes every range is right too', (context) => {
  const scratch = new Scratch(context);
  fc.assert(
    fc.property(rows, key, (list, after) => {
      const expected = inOrder(list, compareMailboxOrder);
      const path = scratch.file(
        writeTwoskip(expected.map(([k, v], i) => ({ key: k, value: v, level: 1 + (i % 3) }))),
      );
      const found = withDatabase(path, (database) => [...database.entries('', after)], { order: 'mailbox' });
      assert.deepEqual(
        found,
        expected.filter(([k]) => compareMailboxOrder(k, after) > 0),
      );
    }),
    { numRuns: 60 },
  );
});

test('a version that is not known is refused', (context) => {
  const path = new Scratch(context).file(writeTwoskip([], { version: 2 }));
  assert.throws(() => allRows(path), failure('DATABASE_UNSUPPORTED', path, 'version 1', 'found 2'));
});

test('damage names the file, the offset, what was expected and what to run', (context) => {
  const bytes = writeTwoskip([{ key: 'user.a', value: 'value', level: 1 }]);
  bytes[bytes.length - 3] = 0x21;
  const path = new Scratch(context).file(bytes);
  assert.throws(
    () => allRows(path),
    (error) =>
      failure('DATABASE_DAMAGED', path, /offset \d+/, /expected [0-9a-f]{8}, found [0-9a-f]{8}/)(error) &&
      error instanceof SyncError &&
      /ctl_cyrusdb/.test(error.hint ?? ''),
  );
});

test('records are found wherever the end of a block of the cache falls into them', (context) => {
  const scratch = new Scratch(context);
  const shape = { level: 3, longKey: true, longValue: true };
  // The head of the second record takes 24 + 8 * (level + 1) + 8 octets, then come key and value.
  for (let before = 0; before <= 96; before += 8) {
    const [first, second, third] = ['a', 'b', 'c'].map((key) => ({ key, value: `of ${key}`, ...shape }));
    assert.ok(first && second && third);
    const sound = writeTwoskip([{ ...first, value: '' }]);
    const filled = { ...first, value: 'x'.repeat(16 * 1024 - sound.length - before + 7) };
    const path = scratch.file(writeTwoskip([filled, second, third]));
    withDatabase(path, (database) => {
      assert.equal(database.get('b'), 'of b');
      assert.deepEqual(
        [...database.entries('')].map(([key]) => key),
        ['a', 'b', 'c'],
      );
    });
  }
});

test('what a killed writer leaves is told by its mark as by octets behind the end, each alone', (context) => {
  const scratch = new Scratch(context);
  const bytes = writeTwoskip(few, { killed: true });
  const end = Number(bytes.readBigUInt64BE(48));
  assert.ok(end < bytes.length);
  const unmarked = Buffer.from(bytes);
  unmarked.writeUInt32BE(0, 56);
  unmarked.writeUInt32BE(crc32(unmarked.subarray(0, 60)), 60);
  for (const left of [bytes.subarray(0, end), unmarked]) {
    const path = scratch.file(left);
    assert.deepEqual(
      allRows(path),
      few.map(({ key, value }) => [key, value]),
    );
    for (const { key, value } of few)
      assert.equal(
        withDatabase(path, (database) => database.get(key)),
        value,
      );
  }
});

test('a walk that is told of damage is not told of what lies behind its range', (context) => {
  const bytes = writeTwoskip(few);
  const at = bytes.indexOf('user.eve', 0, 'latin1');
  bytes[at] = (bytes[at] ?? 0) ^ 0x80;
  const path = new Scratch(context).file(bytes);
  const damages: SyncError[] = [];
  const below = (prefix: string): string[] | undefined =>
    withDatabase(path, (database) =>
      [...database.entries(prefix, undefined, (damage) => void damages.push(damage))].map(([key]) => key),
    );
  assert.deepEqual(below('user.anna'), ['user.anna', 'user.anna.Sent']);
  assert.deepEqual(damages, []);
  assert.deepEqual(below('user.b'), ['user.bob', 'user.bob.x']);
  assert.equal(damages.length, 1, 'what comes next may have been one of these');
});

const HEADER = { at: 0, length: 60 };
const DUMMY_HEAD = { at: 64, length: 8 + 32 * 8 };
/** Octets of the head of a record of level 1 without its two checksums. */
const HEAD_OCTETS = 24;

function headOf(bytes: Buffer, key: string): { at: number; length: number } {
  return { at: bytes.indexOf(key, 0, 'latin1') - HEAD_OCTETS - 8, length: HEAD_OCTETS };
}

/** Changes what a checksum is of, and the checksum with it. */
function resealed(
  bytes: Buffer,
  { at, length }: { at: number; length: number },
  change: (part: Buffer) => void,
): Buffer {
  const changed = Buffer.from(bytes);
  change(changed.subarray(at, at + length));
  changed.writeUInt32BE(crc32(changed.subarray(at, at + length)), at + length);
  return changed;
}

test('what no sound file can say is damage, whatever its checksums say', (context) => {
  const scratch = new Scratch(context);
  for (const killed of [false, true]) {
    const bytes = writeTwoskip(
      ['a', 'b', 'c'].map((k) => ({ key: `user.${k}`, value: `of ${k}`, level: 1 })),
      { killed },
    );
    const end = Number(bytes.readBigUInt64BE(48));
    const last = headOf(bytes, 'user.c');
    const pointers = (...offsets: number[]) => {
      return (head: Buffer): void => {
        for (const [i, offset] of offsets.entries()) head.writeBigUInt64BE(BigInt(offset), 8 + 8 * i);
      };
    };
    const cases: [string, { at: number; length: number }, (part: Buffer) => void][] = [
      ['committed end', HEADER, (part) => void part.writeBigUInt64BE(56n, 48)],
      ['committed end', HEADER, (part) => void part.writeBigUInt64BE(BigInt(bytes.length + 8), 48)],
      ['committed end', HEADER, (part) => void part.writeBigUInt64BE(2n ** 60n, 48)],
      ['expected the dummy, found type +', DUMMY_HEAD, (part) => void part.write('+')],
      ['expected a record, found type =', last, (part) => void part.write('=')],
      ['found type 120, level 1', last, (part) => void part.write('x')],
      ['found type 43, level 32', last, (part) => void part.writeUInt8(32, 1)],
      ['reach past', last, (part) => void part.writeUInt16BE(6 + 8, 2)],
      ['reach past', last, (part) => void part.writeUInt32BE(4 + 8, 4)],
      ['reach past', last, (part) => void part.writeUInt32BE(0x7fffffff, 4)],
      [`below ${end}, found ${end} and ${end + 8}`, last, pointers(end, end + 8)],
      [`before the committed end ${end}`, headOf(bytes, 'user.a'), pointers(last.at + 4, 0)],
    ];
    for (const [said, part, change] of cases) {
      const path = scratch.file(resealed(bytes, part, change));
      assert.throws(() => allRows(path), failure('DATABASE_DAMAGED', path, said), said);
    }
  }
});

test('a pointer past the committed end is damage on the levels above too, and not looked at once a writer was killed', (context) => {
  const scratch = new Scratch(context);
  for (const killed of [false, true]) {
    const bytes = writeTwoskip(few, { killed });
    const changed = resealed(bytes, DUMMY_HEAD, (part) =>
      part.writeBigUInt64BE(BigInt(bytes.length), 8 + 8 * 4),
    );
    const path = scratch.file(changed);
    const get = (): string | undefined => withDatabase(path, (database) => database.get('user.bob'));
    if (killed) assert.equal(get(), '%(I def)');
    else assert.throws(get, failure('DATABASE_DAMAGED', path, 'offset 64', 'expected a pointer below'));
  }
});

test('of two pointers that were committed the later one is the way', (context) => {
  const scratch = new Scratch(context);
  const bytes = writeTwoskip([
    { key: 'user.a', value: 'former', level: 1 },
    { key: 'user.b', value: 'as ever', level: 1 },
  ]);
  const [a, b] = [headOf(bytes, 'user.a').at, headOf(bytes, 'user.b').at];
  const now = Buffer.from(bytes.subarray(a, b));
  now.write('newest', HEAD_OCTETS + 8 + 'user.a'.length);
  now.writeUInt32BE(crc32(now.subarray(HEAD_OCTETS + 8)), HEAD_OCTETS + 4);
  const longer = Buffer.concat([bytes, now]);
  const ended = resealed(longer, HEADER, (part) => part.writeBigUInt64BE(BigInt(longer.length), 48));
  for (const order of [
    [a, bytes.length],
    [bytes.length, a],
  ]) {
    const path = scratch.file(
      resealed(ended, DUMMY_HEAD, (part) => {
        for (const [i, offset] of order.entries()) part.writeBigUInt64BE(BigInt(offset), 8 + 8 * i);
        for (let level = 2; level < 32; level += 1) part.writeBigUInt64BE(0n, 8 + 8 * level);
      }),
    );
    assert.deepEqual(allRows(path), [
      ['user.a', 'newest'],
      ['user.b', 'as ever'],
    ]);
  }
});

test('a look-up in a large file reads little of it, in whatever format', (context) => {
  const scratch = new Scratch(context);
  const rows = 8_192;
  const list = Array.from({ length: rows }, (_, i): TwoskipRecord => {
    const level = 1 + Math.min(Math.floor(Math.log2((i + 1) & -(i + 1))), 12);
    return { key: `user.u${String(i).padStart(6, '0')}`, value: 'v'.repeat(600), level };
  });
  const files = [scratch.file(writeTwoskip(list), 'twoskip'), scratch.file(writeSkiplist(list), 'skiplist')];
  const { readSync } = fs;
  let reads = 0;
  context.mock.method(fs, 'readSync', (...given: Parameters<typeof readSync>) => {
    reads += 1;
    return readSync(...given);
  });
  syncBuiltinESMExports();
  try {
    for (const path of files) {
      for (const i of [0, 1, 4_094, 4_095, 4_096, rows - 2, rows - 1]) {
        reads = 0;
        const found = withDatabase(path, (database) => database.get(list[i]?.key ?? ''));
        assert.equal(found?.length, 600);
        assert.ok(reads < 40, `${reads} reads of ${path} for row ${i}`);
      }
      reads = 0;
      const behind = withDatabase(path, (database) => database.entries('', list[rows - 3]?.key).next().value);
      assert.equal(behind?.[0], list[rows - 2]?.key);
      assert.ok(reads < 40, `${reads} reads of ${path} for the last rows`);
    }
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});
