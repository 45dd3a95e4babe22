import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { encodeValue } from '../../../../src/protocol/dlist/encoders.ts';
import { DlistParser, type DlistParserOptions } from '../../../../src/protocol/dlist/parser.ts';
import { DlistFile, type DlistValue } from '../../../../src/protocol/dlist/value.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';

/** Parses with the text cut after `split` octets; the value must end exactly before the CRLF. */
function parseSplit(wire: string, split: number, options?: DlistParserOptions): DlistValue {
  const octets = Buffer.from(`${wire}\r\n`, 'latin1');
  const parser = new DlistParser(options);
  let at = parser.push(octets.subarray(0, split));
  if (!parser.done) at = split + parser.push(octets.subarray(split));
  assert.ok(parser.done, `not complete: ${JSON.stringify(wire)} split at ${split}`);
  assert.equal(at, octets.length - 2);
  return parser.take();
}

function parse(wire: string, options?: DlistParserOptions): DlistValue {
  return parseSplit(wire, Buffer.byteLength(wire, 'latin1') + 2, options);
}

const octetString = fc.oneof(
  fc.string({ maxLength: 20 }).map((text) => Buffer.from(text).toString('latin1')),
  fc.uint8Array({ maxLength: 30 }).map((octets) => Buffer.from(octets).toString('latin1')),
  fc.constantFrom('NIL', '', '\\Seen', '{5+}', '%(', '%{', '"', 'x'.repeat(1100)),
);

const { tree } = fc.letrec<{ tree: DlistValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    octetString,
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.array(fc.tuple(octetString, tie('tree')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc
      .tuple(fc.constantFrom('default', 'my part'), fc.uint8Array({ maxLength: 20 }))
      .map(([partition, octets]) => {
        const content = Buffer.from(octets);
        return new DlistFile(partition, 'ab'.repeat(20), content.length, content);
      }),
  ),
}));

test('what is encoded is parsed back, whatever the chunk boundary', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const wire = encodeValue(value);
      for (let split = 0; split <= wire.length + 2; split++) {
        assert.deepEqual(parseSplit(wire, split), value);
      }
    }),
    { numRuns: 200 },
  );
});

test('octet by octet gives the same as whole', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const octets = Buffer.from(`${encodeValue(value)} `, 'latin1');
      const parser = new DlistParser();
      for (let i = 0; i < octets.length && !parser.done; i++) parser.push(octets.subarray(i, i + 1));
      assert.deepEqual(parser.take(), value);
    }),
    { numRuns: 200 },
  );
});

test('both literal spellings of servers, and a quoted pair', () => {
  assert.equal(parse('{5}\r\nhello'), 'hello');
  assert.equal(parse('{5+}\r\nhello'), 'hello');
  assert.equal(parse('{0}\r\n'), '');
  assert.equal(parse('"a\\"b\\\\c"'), 'a"b\\c');
});

test('bare NIL is null, a quoted one is a string', () => {
  assert.equal(parse('NIL'), null);
  assert.equal(parse('"NIL"'), 'NIL');
  assert.deepEqual(parse('(NIL nil {3}\r\nNIL)'), [null, 'nil', 'NIL']);
});

test('white space and line ends between items are passed over', () => {
  assert.deepEqual(parse('(a\r\n \t b  ( ) %( A \r\n 1 ) )'), ['a', 'b', [], new Map([['A', '1']])]);
});

test('the first of duplicate keys wins', () => {
  assert.deepEqual(parse('%(A 1 A 2)'), new Map([['A', '1']]));
});

test('consecutive values are taken one by one, the octet after an atom left alone', () => {
  const octets = Buffer.from('abc (d) ef\r\n');
  const parser = new DlistParser();
  let at = parser.push(octets);
  assert.equal(at, 3);
  assert.equal(parser.take(), 'abc');
  at = parser.push(octets, at);
  assert.deepEqual(parser.take(), ['d']);
  at = parser.push(octets, at);
  assert.equal(parser.take(), 'ef');
  assert.equal(octets.toString('latin1', at), '\r\n');
});

test('items under the stream key are handed over and not kept, at every split', () => {
  const wire = '%(A (1 2) RECORD (%(UID 1 RECORD (x)) %(UID 2)) B 3 RECORD (9))';
  for (let split = 0; split <= wire.length + 2; split++) {
    const items: DlistValue[] = [];
    const value = parseSplit(wire, split, { streamKey: 'RECORD', onItem: (item) => items.push(item) });
    assert.deepEqual(items, [
      new Map<string, DlistValue>([
        ['UID', '1'],
        ['RECORD', ['x']],
      ]),
      new Map([['UID', '2']]),
    ]);
    assert.deepEqual(
      value,
      new Map<string, DlistValue>([
        ['A', ['1', '2']],
        ['RECORD', []],
        ['B', '3'],
      ]),
    );
  }
});

test('a file goes to its sink in pieces and never into one string', () => {
  const written: number[] = [];
  const parser = new DlistParser({
    openFile: (partition, guid, size) => ({
      write: (piece) => written.push(piece.length),
      end: () => new DlistFile(partition, guid, size),
    }),
  });
  parser.push(Buffer.from('(%{default abc 10}\r\n01234'));
  parser.push(Buffer.from('56789 x)'));
  assert.deepEqual(written, [5, 5]);
  assert.deepEqual(parser.take(), [new DlistFile('default', 'abc', 10), 'x']);
});

test('what is not DLIST is refused with what was expected', () => {
  const bad = [
    ')',
    '\r\n',
    '%x',
    '%(A)',
    '%((a) b)',
    '%((a) b c)',
    '%(%(a b) c d)',
    '%(%{p g 1}\r\nx 1)',
    '{x}\r\n',
    '{5 }\r\n',
    '{5}\nhello',
    '%{default}\r\n',
    '%{default abc -1}\r\n',
    '('.repeat(33),
    '{99999999999}\r\n',
    'a'.repeat(200_000),
    `"${'a'.repeat(200_000)}`,
    `{${'1'.repeat(5000)}`,
  ];
  for (const wire of bad) {
    assert.throws(
      () => new DlistParser().push(Buffer.from(wire)),
      (error) =>
        error instanceof SyncError &&
        error.code === 'IMAP_PROTOCOL_ERROR' &&
        /^expected /.test(error.message),
      wire.slice(0, 40),
    );
  }
});

test('limits are the caller’s to lower', () => {
  const parser = new DlistParser({ maxLiteralOctets: 10 });
  assert.throws(() => parser.push(Buffer.from('{11+}\r\n')), /at most 10 octets/);
});

test('random octets either parse, wait for more, or fail as IMAP_PROTOCOL_ERROR', () => {
  const noise = fc.array(
    fc.constantFrom('(', ')', '%', '{', '}', '"', '\\', ' ', '\r\n', '3', 'a', 'NIL', '+'),
  );
  fc.assert(
    fc.property(noise, (parts) => {
      try {
        new DlistParser().push(Buffer.from(parts.join('')));
      } catch (error) {
        assert.ok(error instanceof SyncError && error.code === 'IMAP_PROTOCOL_ERROR');
      }
    }),
    { numRuns: 2000 },
  );
});
