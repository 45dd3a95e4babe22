import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatLogLine, type LogLine, shown } from '../../../src/rolling/log/log-line.ts';
import { LogParser, type ParsedLine } from '../../../src/rolling/log/log-parser.ts';
import { logLine, plain } from './names.ts';

function parse(text: string, cuts: readonly number[] = []): ParsedLine[] {
  const parser = new LogParser();
  const bytes = Buffer.from(text, 'latin1');
  const parsed: ParsedLine[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut <= from || cut >= bytes.length) continue;
    parsed.push(...parser.feed(bytes.subarray(from, cut)));
    from = cut;
  }
  parsed.push(...parser.feed(bytes.subarray(from)), ...parser.end());
  return parsed;
}

function linesOf(text: string): LogLine[] {
  return parse(text).flatMap((one) => (one.kind === 'line' ? [one.line] : []));
}

function badNumbers(text: string): number[] {
  return parse(text).flatMap((one) => (one.kind === 'bad' ? [one.number] : []));
}

const octets = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));
const anyLine: fc.Arbitrary<LogLine> = fc.oneof(
  logLine,
  fc.record({ type: fc.constant('MAILBOX' as const), name: octets }, plain),
  fc.record({ type: fc.constant('SUB' as const), userid: octets, name: octets }, plain),
  fc.record({ type: fc.constant('RENAME' as const), from: octets, to: octets }, plain),
);

test('what is written is what is read, wherever the chunks are cut', () => {
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 8 }), fc.array(fc.nat(300)), (lines, cuts) => {
      const parsed = parse(lines.map(formatLogLine).join(''), cuts);
      assert.deepEqual(
        parsed.map((one) => (one.kind === 'line' ? one.line : one)),
        lines,
      );
    }),
  );
});

test('a bad line costs no other line', () => {
  const garbage = fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength: 30 })
    .map((codes) => String.fromCharCode(...codes).replace(/[\n{]/g, '.'));
  fc.assert(
    fc.property(fc.array(logLine), garbage, fc.array(logLine), (before, bad, after) => {
      const text = [...before.map(formatLogLine), `UNKNOWN ${bad}\n`, ...after.map(formatLogLine)].join('');
      assert.deepEqual(linesOf(text), [...before, ...after]);
      assert.deepEqual(badNumbers(text), [before.length + 1]);
    }),
  );
});

test('sync_log_mailbox_with_spaces: names with spaces are quoted, others are not', () => {
  assert.equal(formatLogLine({ type: 'APPEND', name: 'user.a.One Two' }), 'APPEND "user.a.One Two"\n');
  assert.equal(formatLogLine({ type: 'APPEND', name: 'user.a.OneTwo' }), 'APPEND user.a.OneTwo\n');
});

test('braces, quotes and backslashes are escaped as by the writers of Cyrus', () => {
  assert.equal(
    formatLogLine({ type: 'MAILBOX', name: 'user.a.{b}\\"' }),
    'MAILBOX "user.a.\\{b\\}\\\\\\""\n',
  );
  assert.equal(formatLogLine({ type: 'ANNOTATION', name: '' }), 'ANNOTATION ""\n');
});

test('types are read in any case, CR before LF is allowed, blank lines are passed over', () => {
  assert.deepEqual(linesOf('\n\r\nmailbox user.a\r\nUser bob\n'), [
    { type: 'MAILBOX', name: 'user.a' },
    { type: 'USER', userid: 'bob' },
  ]);
  assert.deepEqual(badNumbers('\n\r\nmailbox user.a\r\nUser bob\n'), []);
});

test('literals of both kinds are read, and their line breaks are counted', () => {
  const text = 'MAILBOX {6}\r\nuser.a\nSUB bob {8+}\r\nuser.b\r\n\nUSER\nUSER bob\n';
  assert.deepEqual(linesOf(text), [
    { type: 'MAILBOX', name: 'user.a' },
    { type: 'SUB', userid: 'bob', name: 'user.b\r\n' },
    { type: 'USER', userid: 'bob' },
  ]);
  assert.deepEqual(badNumbers(text), [6]);
});

test('a last line without a line break is kept', () => {
  assert.deepEqual(linesOf('USER alice\nUSER bob'), [
    { type: 'USER', userid: 'alice' },
    { type: 'USER', userid: 'bob' },
  ]);
});

test('a double name after MAILBOX or APPEND ties as DOUBLEMAILBOX does, as in the C reader', () => {
  assert.deepEqual(linesOf('APPEND user.a user.b\nDOUBLEMAILBOX user.c\n'), [
    { type: 'DOUBLEMAILBOX', from: 'user.a', to: 'user.b' },
    { type: 'MAILBOX', name: 'user.c' },
  ]);
});

for (const [what, text] of [
  ['one word only', 'MAILBOX'],
  ['a third name', 'RENAME a b c'],
  ['a type that Cyrus does not write', 'FROB user.a'],
  ['a trailing blank', 'MAILBOX user.a '],
  ['an open quote', 'MAILBOX "user.a'],
  ['a parenthesis', 'MAILBOX (user.a)'],
  ['a literal without its end', 'MAILBOX {9999999999}'],
  ['an empty mailbox name', 'MAILBOX ""'],
  ['a RENAME of one name', 'RENAME user.a'],
  ['a SEEN without uniqueid', 'SEEN alice'],
  ['a tab between type and name', 'MAILBOX\tuser.a'],
  ['a NUL in a quoted name', 'MAILBOX "a\0b"'],
  ['a NUL in a name without quotes', 'MAILBOX a\0b'],
] as const) {
  test(`bad line: ${what} is reported with its number and skipped`, () => {
    assert.deepEqual(
      parse(`USER alice\n${text}\nUSER bob\n`).map((one) => [one.kind, one.number]),
      [
        ['line', 1],
        ['bad', 2],
        ['line', 3],
      ],
    );
  });
}

test('a line that never ends is reported once and costs no memory', () => {
  const parser = new LogParser();
  const parsed: ParsedLine[] = [];
  const block = Buffer.alloc(64 * 1024);
  for (let i = 0; i < 20; i++) parsed.push(...parser.feed(block));
  parsed.push(...parser.feed(Buffer.from('\nUSER bob\n')), ...parser.end());
  assert.deepEqual(
    parsed.map((one) => [one.kind, one.number]),
    [
      ['bad', 1],
      ['line', 2],
    ],
  );
});

test('a literal cut off by the end of the log is a bad line', () => {
  assert.deepEqual(badNumbers('USER a\nMAILBOX {20}\r\nuser.a\n'), [2]);
});

test('each type takes as many words as it has, none of them empty but the name of the server’s annotations', () => {
  const words = ['', ' one', ' one two', ' one two three', ' ""', ' "" two', ' one ""'];
  const taken = (type: string) => words.filter((each) => linesOf(`${type}${each}\n`).length === 1);
  for (const type of ['USER', 'UNUSER', 'META', 'SIEVE', 'UNMAILBOX', 'QUOTA'])
    assert.deepEqual(taken(type), [' one'], type);
  for (const type of ['RENAME', 'SEEN', 'SUB', 'UNSUB']) assert.deepEqual(taken(type), [' one two'], type);
  for (const type of ['MAILBOX', 'APPEND', 'DOUBLEMAILBOX'])
    assert.deepEqual(taken(type), [' one', ' one two'], type);
  assert.deepEqual(taken('ANNOTATION'), [' one', ' ""']);
});

test('of a bad line a hundred octets are repeated, none of which steers a terminal', () => {
  assert.equal(shown('a'.repeat(100)), 'a'.repeat(100));
  assert.equal(shown('a'.repeat(101)), `${'a'.repeat(100)}...`);
  assert.equal(shown('\x1b[2J\x07\x7f'), '?[2J??');
});
