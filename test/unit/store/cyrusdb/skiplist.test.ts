import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { compareSigned } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { key, rows, value } from './arbitraries.ts';
import { allRows, failure, inOrder, type Rows, Scratch } from './scratch.ts';
import { type LogEntry, type SkiplistRecord, withLog, writeSkiplist } from './write-skiplist.ts';

function inFile(list: Rows): SkiplistRecord[] {
  return inOrder(list, compareSigned).map(([k, v], i) => ({ key: k, value: v, level: 1 + (i % 4) }));
}

/** Shuffles repeatably. */
function fileOrder(count: number, seed: number): number[] {
  const rank = (i: number) => ((i + 1) * (seed * 2 + 1) * 2654435761) % 4294967296;
  return Array.from({ length: count }, (_, i) => i).sort((a, b) => rank(a) - rank(b));
}

test('octets from 0x80 sort before those below, the shorter key first', () => {
  const ordered = ['', '\x80', '\xff', '\xff\x00', '\x00', 'a', 'a\xff', 'a\x00', 'ab', 'b'];
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries())
      assert.equal(Math.sign(compareSigned(a, b)), Math.sign(i - j), `${i} ${j}`);
  }
});

test('every key is found, every range is right, wherever the records stand in the file', (context) => {
  const scratch = new Scratch(context);
  fc.assert(
    fc.property(
      rows,
      fc.nat({ max: 1000 }),
      fc.boolean(),
      key,
      key,
      (list, seed, shuffled, prefix, after) => {
        const records = inFile(list);
        const path = scratch.file(writeSkiplist(records, shuffled ? fileOrder(records.length, seed) : []));
        const expected = records.map((record): [string, string] => [record.key, record.value]);
        withDatabase(path, (database) => {
          assert.deepEqual([...database.entries('')], expected);
          for (const [k, v] of expected) assert.equal(database.get(k), v);
          for (const k of [prefix, after]) assert.equal(database.get(k), new Map(expected).get(k));
          for (const p of ['', prefix.slice(0, 1), prefix]) {
            const below = expected.filter(([k]) => k.startsWith(p));
            assert.deepEqual([...database.entries(p)], below);
            const [known] = below[Math.floor(below.length / 2)] ?? [after];
            for (const from of [after, known, p]) {
              assert.deepEqual(
                [...database.entries(p, from)],
                below.filter(([k]) => compareSigned(k, from) > 0),
              );
            }
          }
        });
      },
    ),
    { numRuns: 150 },
  );
});

test('without a final commit only what was committed counts, whatever is linked in', (context) => {
  const scratch = new Scratch(context);
  const change = fc.oneof(
    fc.record({ key, value, level: fc.integer({ min: 1, max: 3 }) }).map((add): LogEntry => ({ add })),
    fc.nat({ max: 50 }).map((n): LogEntry => ({ delete: String(n) })),
    fc.constant<LogEntry>('commit'),
  );
  fc.assert(
    fc.property(rows, fc.array(change, { maxLength: 40 }), fc.nat({ max: 11 }), (list, changes, cut) => {
      const base = inFile(list);
      const committed = new Map(list);
      let pending = new Map(committed);
      const log: LogEntry[] = [];
      for (const entry of changes) {
        if (entry === 'commit') {
          committed.clear();
          for (const [k, v] of pending) committed.set(k, v);
        } else if ('add' in entry) {
          // Cyrus replaces by deleting first.
          if (pending.has(entry.add.key)) log.push({ delete: entry.add.key });
          pending.set(entry.add.key, entry.add.value);
        } else {
          const victim = [...pending.keys()][Number(entry.delete)];
          if (victim === undefined) continue;
          pending.delete(victim);
          log.push({ delete: victim });
          continue;
        }
        log.push(entry);
      }
      // The writer's last words: one addition, cut at any octet.
      log.push({ add: { key: 'never committed', value: 'x'.repeat(cut), level: 2 } });
      const bytes = withLog(writeSkiplist(base), base, log);
      const path = scratch.file(bytes.subarray(0, bytes.length - cut));
      assert.deepEqual(allRows(path), inOrder(committed, compareSigned));
      pending = committed;
      withDatabase(path, (database) => {
        for (const [k, v] of committed) assert.equal(database.get(k), v);
        assert.equal(database.get('never committed'), undefined);
      });
    }),
    { numRuns: 150 },
  );
});

test('damage ends in rows or in an error, never in a loop or a crash', (context) => {
  const scratch = new Scratch(context);
  const position = fc.nat({ max: 9_999 }).map((part) => part / 10_000);
  fc.assert(
    fc.property(rows, position, fc.integer({ min: 0, max: 255 }), (list, where, octet) => {
      const bytes = writeSkiplist(inFile(list));
      bytes[20 + Math.floor(where * (bytes.length - 20))] = octet;
      const path = scratch.file(bytes);
      try {
        assert.ok(Array.isArray(allRows(path)));
      } catch (error) {
        assert.ok(error instanceof SyncError, String(error));
        assert.match(error.code, /^DATABASE_(DAMAGED|UNSUPPORTED)$/);
      }
    }),
    { numRuns: 300 },
  );
});

test('a flipped bit in one key never hides the row of another: there is no checksum, but an order', (context) => {
  const scratch = new Scratch(context);
  const names = ['B1', 'Fanna', 'Fannb', 'Fbob', 'Fcarl', 'Fcarl.x', 'Fdora', 'Feve', 'Fzoe', 'S'];
  const levels = [1, 3, 1, 2, 1, 4, 1, 2, 1, 1];
  const bytes = writeSkiplist(names.map((k, i) => ({ key: k, value: `of ${k}`, level: levels[i] ?? 1 })));
  let noticed = 0;
  for (const victim of names) {
    const at = bytes.indexOf(Buffer.concat([lengthOf(victim), Buffer.from(victim)]), 144) + 4;
    for (let bit = 0; bit < victim.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[at + (bit >> 3)] = (flipped[at + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
      const path = scratch.file(flipped);
      for (const sought of names.filter((k) => k !== victim)) {
        const found = outcome(() => withDatabase(path, (database) => database.get(sought)));
        if (found === 'DATABASE_DAMAGED') noticed++;
        else assert.equal(found, `of ${sought}`, `${sought}, with bit ${bit} of ${victim} flipped`);
      }
    }
  }
  assert.ok(noticed > 0);
});

function lengthOf(text: string): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(text.length);
  return word;
}

function outcome<T>(ask: () => T): T | string {
  try {
    return ask();
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error));
    return error.code;
  }
}

test('a replay that ends before the log begins is damage, not the death of a writer', (context) => {
  const list = inFile([
    ['a', '1'],
    ['b', '2'],
  ]);
  const bytes = withLog(writeSkiplist(list), list, [{ add: { key: 'c', value: '3', level: 1 } }]);
  const path = new Scratch(context).file(bytes);
  assert.deepEqual(allRows(path), [
    ['a', '1'],
    ['b', '2'],
  ]);
  // The type of the second record.
  const second = bytes.indexOf('b\0', 144, 'latin1') - 8;
  bytes.writeUInt32BE(9, second);
  const damaged = new Scratch(context).file(bytes, 'damaged');
  assert.throws(() => allRows(damaged), failure('DATABASE_DAMAGED', damaged, `offset ${second}`));
});

test('a pointer to nowhere and a cycle are damage, with their offset', (context) => {
  const scratch = new Scratch(context);
  const records = inFile([
    ['a', '1'],
    ['b', '2'],
  ]).map((record) => ({ ...record, level: 1 }));
  const bytes = writeSkiplist(records);
  // The last pointer of the file, before the terminator: that of the second record.
  bytes.writeUInt32BE(bytes.length + 400, bytes.length - 8);
  const nowhere = scratch.file(bytes, 'nowhere');
  assert.throws(() => allRows(nowhere), failure('DATABASE_DAMAGED', nowhere, 'offset'));
  bytes.writeUInt32BE(144, bytes.length - 8);
  const cycle = scratch.file(bytes, 'cycle');
  assert.throws(() => allRows(cycle), failure('DATABASE_DAMAGED', cycle, 'offset 144', '"b"'));
});

test('a version that is not known is refused', (context) => {
  const bytes = writeSkiplist([]);
  bytes.writeUInt32BE(7, 20);
  const path = new Scratch(context).file(bytes);
  assert.throws(() => allRows(path), failure('DATABASE_UNSUPPORTED', path, 'version 1', 'found 7'));
});

test('records are found wherever the end of a block of the cache falls into them', (context) => {
  const scratch = new Scratch(context);
  for (let before = 0; before <= 48; before += 4) {
    const [first, second, third] = ['a', 'b', 'c'].map((k) => ({ key: k, value: `of ${k}`, level: 3 }));
    assert.ok(first && second && third);
    const room = 16 * 1024 - writeSkiplist([{ ...first, value: '' }]).length - before;
    const path = scratch.file(writeSkiplist([{ ...first, value: 'x'.repeat(room) }, second, third]));
    withDatabase(path, (database) => {
      assert.equal(database.get('b'), 'of b');
      assert.deepEqual(
        [...database.entries('')].map(([k]) => k),
        ['a', 'b', 'c'],
      );
    });
    // A writer that died behind it: everything is read from the log.
    const base = [{ ...first, value: 'x'.repeat(room) }, second, third];
    const log: LogEntry[] = [{ delete: 'c' }, 'commit', { add: { key: 'd', value: '', level: 1 } }];
    const left = scratch.file(withLog(writeSkiplist(base), base, log));
    assert.deepEqual(
      allRows(left),
      base.slice(0, 2).map(({ key: k, value: v }) => [k, v]),
    );
  }
});

test('a record may have as many levels as there are', (context) => {
  const list = ['a', 'b', 'c'].map((k) => ({ key: k, value: `of ${k}`, level: 20 }));
  const path = new Scratch(context).file(writeSkiplist(list));
  assert.deepEqual(
    allRows(path),
    list.map(({ key: k, value: v }) => [k, v]),
  );
  for (const { key: k, value: v } of list)
    assert.equal(
      withDatabase(path, (database) => database.get(k)),
      v,
    );
});

test('a replay passes over words of padding, and ends at what is no record', (context) => {
  const scratch = new Scratch(context);
  const base = inFile([['a', '1']]);
  const [c, d, e] = ['c', 'd', 'e'].map((k): LogEntry => ({ add: { key: k, value: `of ${k}`, level: 1 } }));
  assert.ok(c && d && e);
  const more = (log: readonly LogEntry[]): Buffer => withLog(Buffer.alloc(0), [], log);
  const start = withLog(writeSkiplist(base), base, [c, 'commit']);
  const padded = [start, Buffer.alloc(8), more([d, 'commit'])];
  const [a, ofC, ofD] = [
    ['a', '1'],
    ['c', 'of c'],
    ['d', 'of d'],
  ];
  for (const [rest, expected] of [
    [[more([e])], [a, ofC, ofD]],
    [
      [lengthOf('four'), more(['commit']), Buffer.alloc(4)],
      [a, ofC, ofD],
    ],
    [
      [lengthOf('a word'), more([e, 'commit']), Buffer.alloc(4)],
      [a, ofC, ofD],
    ],
    [[more([{ delete: 'none' }]).subarray(0, 4)], [a, ofC, ofD]],
    [
      [more([e]), lengthOf('a word'), more(['commit']), Buffer.alloc(4)],
      [a, ofC, ofD],
    ],
  ] as const) {
    assert.deepEqual(allRows(scratch.file(Buffer.concat([...padded, ...rest]))), expected);
  }
});

test('a header that says what no Cyrus writes is damage', (context) => {
  const scratch = new Scratch(context);
  const sound = writeSkiplist(inFile([['a', '1']]));
  for (const [said, at, value] of [
    ['expected version 1, found 256', 20, 256],
    ['at most 20 levels, found 1 of 21', 28, 21],
    ['at most 20 levels, found 21 of 20', 32, 21],
    ['offset 48: expected the dummy, found type 2', 48, 2],
  ] as const) {
    const bytes = Buffer.from(sound);
    bytes.writeUInt32BE(value, at);
    const path = scratch.file(bytes);
    assert.throws(() => allRows(path), failure('DATABASE_DAMAGED', path, said));
  }
  const newest = Buffer.from(sound);
  newest.writeUInt32BE(255, 20);
  const path = scratch.file(newest);
  assert.throws(() => allRows(path), failure('DATABASE_UNSUPPORTED', path, 'found 255'));
});

test('lengths that lead out of the file, and an end of the pointers where one should be, are damage', (context) => {
  const scratch = new Scratch(context);
  const sound = writeSkiplist([{ key: 'a', value: '1', level: 1 }]);
  // type, key length, key, value length, value, pointer, terminator
  const at = sound.length - 28;
  for (const [said, offset, value] of [
    [`offset ${at}: expected a record, found type 257`, 0, 257],
    [`offset ${at}: record reaches past`, 4, sound.length],
    [`offset ${at}: record reaches past`, 12, sound.length],
    [`offset ${at}: expected a pointer at level 0, found the terminator`, 20, 0xffffffff],
  ] as const) {
    const bytes = Buffer.from(sound);
    bytes.writeUInt32BE(value, at + offset);
    const path = scratch.file(bytes);
    assert.throws(() => allRows(path), failure('DATABASE_DAMAGED', path, said));
  }
  const bytes = Buffer.from(sound);
  bytes.writeUInt32BE(sound.length, at + 12);
  const path = scratch.file(bytes);
  assert.throws(
    () => withDatabase(path, (database) => database.get('a')),
    failure('DATABASE_DAMAGED', path, `offset ${at + 16}: expected ${sound.length} octets`),
  );
});
