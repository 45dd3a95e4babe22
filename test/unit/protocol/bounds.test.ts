import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DlistParser, type DlistParserOptions } from '../../../src/protocol/dlist/parser.ts';
import { DlistFile } from '../../../src/protocol/dlist/value.ts';
import {
  MAX_LINE_OCTETS,
  MAX_LITERAL_HEAD_OCTETS,
  MAX_NESTING,
  MAX_WORD_OCTETS,
  VALUE_OVERHEAD_OCTETS,
} from '../../../src/protocol/limits.ts';
import { LineReader } from '../../../src/protocol/wire/line-reader.ts';
import { ResponseReader } from '../../../src/protocol/wire/response-reader.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { Transport } from '../../../src/protocol/wire/transport.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { socketPair } from './support/socket-pair.ts';

/* Contract: what is as large as its bound is taken, what is one octet, value or list larger is refused. */

const REFUSED = (error: unknown): boolean =>
  error instanceof SyncError && error.code === 'IMAP_PROTOCOL_ERROR' && error.family === 'link';

/** Reads a value of this size, and is asked for one more. */
function assertBound(wireOf: (size: number) => string, most: number, options: DlistParserOptions = {}): void {
  const parser = new DlistParser(options);
  parser.push(Buffer.from(wireOf(most), 'latin1'));
  assert.ok(parser.done, `${most} is not read to its end`);
  assert.throws(() => new DlistParser(options).push(Buffer.from(wireOf(most + 1), 'latin1')), REFUSED);
}

test('lists within lists, and kvlists within kvlists', () => {
  assertBound((depth) => '('.repeat(depth) + ')'.repeat(depth), MAX_NESTING);
  assertBound((depth) => `${'%(A '.repeat(depth - 1)}%(${')'.repeat(depth)}`, MAX_NESTING);
});

test('words, bare and quoted, by the bound of all or by one of their own', () => {
  for (const [most, options] of [
    [MAX_WORD_OCTETS, {}],
    [10, { maxWordOctets: 10 }],
  ] as const) {
    assertBound((size) => `${'a'.repeat(size)} `, most, options);
    assertBound((size) => `"${'a'.repeat(size)}"`, most, options);
  }
});

test('literals, files and heads of either', () => {
  assertBound((size) => `{${size}+}\r\n${'x'.repeat(size)}`, 10, { maxLiteralOctets: 10 });
  assertBound((size) => `%{default ab ${size}}\r\n${'x'.repeat(size)}`, 10, { maxFileOctets: 10 });
  const rest = ' ab 1}\r\n'.length;
  assertBound((size) => `%{${'p'.repeat(size - rest)} ab 1}\r\nx`, MAX_LITERAL_HEAD_OCTETS);
});

test('memory: a value is its octets and its place, a key its octets, a file that is kept all of it', () => {
  for (const [wire, octets] of [
    ['abc ', 3 + VALUE_OVERHEAD_OCTETS],
    ['"abcd"', 4 + VALUE_OVERHEAD_OCTETS],
    ['{5}\r\nabcde', 5 + VALUE_OVERHEAD_OCTETS],
    ['()', VALUE_OVERHEAD_OCTETS],
    ['(a b)', 2 + 3 * VALUE_OVERHEAD_OCTETS],
    ['%(KEY a)', 4 + 2 * VALUE_OVERHEAD_OCTETS],
    ['%{default ab 7}\r\n1234567', 7],
  ] as const) {
    const parser = new DlistParser({ maxMemoryOctets: octets });
    parser.push(Buffer.from(wire));
    assert.deepEqual([parser.done, parser.memoryOctets], [true, octets], wire);
    const less = new DlistParser({ maxMemoryOctets: octets - 1 });
    assert.throws(() => less.push(Buffer.from(wire)), /memory set aside/, wire);
  }
});

test('a file that somebody else takes needs no memory of the answer', () => {
  const parser = new DlistParser({
    maxMemoryOctets: 0,
    openFile: () => ({ write: () => {}, end: () => new DlistFile('default', 'ab', 7) }),
  });
  parser.push(Buffer.from('%{default ab 7}\r\n1234567'));
  assert.deepEqual([parser.done, parser.memoryOctets], [true, 0]);
});

test('what was half read is forgotten, and its memory with it', () => {
  const parser = new DlistParser({ maxMemoryOctets: 1000 });
  for (const half of [
    '(a (b %(KEY ',
    'ato',
    '"quo',
    '"quo\\',
    '{5}\r\nab',
    '%{default ab 7}\r\n123',
    '{5',
    '%',
  ]) {
    parser.push(Buffer.from(half));
    assert.equal(parser.done, false);
    parser.reset();
    assert.equal(parser.memoryOctets, 0);
    parser.push(Buffer.from('(x)'));
    assert.deepEqual(parser.take(), ['x'], half);
    parser.reset();
  }
});

test('a value that is not complete cannot be taken, and one is taken once', () => {
  const parser = new DlistParser();
  parser.push(Buffer.from('(a'));
  assert.throws(() => parser.take(), { code: 'BUG' });
  parser.push(Buffer.from(')'));
  assert.deepEqual(parser.take(), ['a']);
  assert.throws(() => parser.take(), { code: 'BUG' });
});

/** @returns final lines and notices, in order */
function read(...chunks: string[]): string[] {
  const seen: string[] = [];
  const reader = new ResponseReader(
    {
      valueOptions: () => ({}),
      untagged: (name, value) => seen.push(`${name}=${JSON.stringify(value)}`),
      notice: (name, text) => seen.push(`${name}:${text}`),
      final: (line) => seen.push(line),
    },
    new Traffic(undefined),
  );
  for (const chunk of chunks) reader.push(Buffer.from(chunk, 'latin1'));
  return seen;
}

test('lines of an answer, final ones and notices', () => {
  for (const start of ['OK ', '* BYE ', 'X']) {
    const fitting = start + 'a'.repeat(MAX_LINE_OCTETS - start.length - 2);
    assert.equal(read(`${fitting}\r\n`).length, 1, start);
    for (const chunks of [[`${fitting}aa`, 'a'], [`${fitting}aaa\r\n`]]) {
      assert.throws(() => read(...chunks), REFUSED, start);
    }
  }
});

test('lines are told apart by their first words, wherever the octets are cut', () => {
  const text =
    '* LSUB (a)\r\n* Fatal error: x y\r\n* BYE\r\n* OK [A] b\r\n*\r\n* \r\nOK success\r\nOK\r\nNO x  y\n* N %(A 1) \r\n * x\r\n';
  const whole = read(text);
  assert.deepEqual(whole, [
    'LSUB=["a"]',
    'Fatal:Fatal error: x y',
    'BYE:BYE',
    'OK:OK [A] b',
    '*',
    ':',
    'OK success',
    'OK',
    'NO x  y',
    'N={}',
    ' * x',
  ]);
  for (let at = 1; at < text.length; at++) assert.deepEqual(read(text.slice(0, at), text.slice(at)), whole);
  assert.deepEqual(read(...text), whole);
});

test('what stands behind a value ends the link', () => {
  for (const found of ['* N (a) b\r\n', '* N (a)(b)\r\n', '* N a\tb\r\n'])
    assert.throws(() => read(found), REFUSED);
});

test('lines before replication', async () => {
  const { near, close } = await socketPair();
  const lines = new LineReader(new Transport(near));
  const fitting = 'a'.repeat(MAX_LINE_OCTETS);
  lines.octets(Buffer.from(fitting));
  const line = lines.readLine('the banner');
  lines.octets(Buffer.from('\r\nnext\nrest'));
  assert.equal(await line, fitting);
  assert.equal(await lines.readLine('the banner'), 'next');
  assert.equal(lines.takeRest().toString(), 'rest');
  assert.equal(lines.buffered.length, 0);
  lines.octets(Buffer.from(`${fitting}a`));
  await assert.rejects(lines.readLine('the banner'), REFUSED);
  close();
});

test('lines before replication are the same however they are cut', async () => {
  const { near, close } = await socketPair();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), async (sizes) => {
      const lines = new LineReader(new Transport(near));
      const wire = '* SASL PLAIN\r\n* OK ready\r\n\r\n\nlast\nrest';
      for (let at = 0, next = 0; at < wire.length; next += 1) {
        const size = sizes[next % sizes.length] ?? 1;
        lines.octets(Buffer.from(wire.slice(at, at + size)));
        at += size;
      }
      for (const line of ['* SASL PLAIN', '* OK ready', '', '', 'last'])
        assert.equal(await lines.readLine('the banner'), line);
      assert.equal(lines.takeRest().toString(), 'rest');
    }),
  );
  close();
});

test('a line is shown while it comes: at most 256 octets of it until it is there', async () => {
  const { near, close } = await socketPair();
  const lines = new LineReader(new Transport(near));
  const shown: number[] = [];
  const line = lines.readLine('the banner', (soFar) => shown.push(soFar.length));
  await Promise.resolve();
  lines.octets(Buffer.from('a'.repeat(300)));
  await Promise.resolve();
  await Promise.resolve();
  lines.octets(Buffer.from('\r\n'));
  await line;
  assert.deepEqual(shown, [256, 301]);
  close();
});

test('a connection that ends before the line does is told by its reason, or by what was waited for', async () => {
  const { near, close } = await socketPair();
  const lines = new LineReader(new Transport(near));
  lines.octets(Buffer.from('whole\r\nhal'));
  lines.closed(undefined);
  assert.equal(await lines.readLine('the banner'), 'whole');
  await assert.rejects(lines.readLine('the banner'), /zero length response: command=<the banner>/);
  lines.closed(new SyncError('LINK_BROKEN', 'reset'));
  await assert.rejects(lines.readLine('the banner'), /reset/);
  close();
});
