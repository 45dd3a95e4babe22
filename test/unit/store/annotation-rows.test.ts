import assert from 'node:assert/strict';
import test from 'node:test';
import {
  annotationOf,
  inWireOrder,
  parseAnnotationKey,
  parseAnnotationValue,
  textOfKey,
} from '../../../src/store/mailbox/annotation-rows.ts';

/** A row as Cyrus writes it: length, value, NUL, content type, NUL, obsolete time, modseq, flags. */
function row(value: string, { type = 'text/plain', modseq = 7n, flags = 0 } = {}): string {
  const length = Buffer.alloc(8);
  length.writeUInt32BE(value.length);
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(modseq);
  return Buffer.concat([
    length,
    Buffer.from(`${value}\0${type}\0`, 'latin1'),
    Buffer.alloc(8),
    counter,
    Buffer.of(flags),
  ]).toString('latin1');
}

test('a row has value and modseq, whatever its content type; rows of before end anywhere behind the value', () => {
  assert.deepEqual(parseAnnotationValue(row('words')), { value: 'words', modseq: 7 });
  assert.deepEqual(parseAnnotationValue(row('words', { type: '' })), { value: 'words', modseq: 7 });
  const whole = row('words');
  for (let end = 8 + 'words'.length; end <= whole.length; end++) {
    const modseq = end >= whole.length - 1 ? 7 : 0;
    assert.deepEqual(parseAnnotationValue(whole.slice(0, end)), { value: 'words', modseq }, String(end));
  }
});

test('a tombstone, an empty value and no octets at all are no annotation', () => {
  assert.equal(parseAnnotationValue(row('words', { flags: 1 })), undefined);
  assert.equal(parseAnnotationValue(row('words', { flags: 3 })), undefined);
  assert.deepEqual(parseAnnotationValue(row('words', { flags: 2 })), { value: 'words', modseq: 7 });
  assert.equal(parseAnnotationValue(row('')), undefined);
  assert.equal(parseAnnotationValue(''), undefined);
});

test('a row that ends before its value does is damage', () => {
  for (const text of ['short', row('words').slice(0, 12), '\0\0\0\x01\0\0\0'])
    assert.throws(() => parseAnnotationValue(text), { name: 'AnnotationRowError' }, JSON.stringify(text));
});

test('a key has scope, entry and user, each of which may be empty; one without a user part means nothing', () => {
  assert.deepEqual(parseAnnotationKey('7\0/comment\0anna\0'), {
    scope: '7',
    entry: '/comment',
    userid: 'anna',
  });
  assert.deepEqual(parseAnnotationKey('7\0/comment\0anna'), {
    scope: '7',
    entry: '/comment',
    userid: 'anna',
  });
  assert.deepEqual(parseAnnotationKey('\0/motd\0\0'), { scope: '', entry: '/motd', userid: '' });
  assert.deepEqual(parseAnnotationKey('7\0\0\0'), { scope: '7', entry: '', userid: '' });
  for (const key of ['', '7', '7\0/comment'])
    assert.equal(parseAnnotationKey(key), undefined, JSON.stringify(key));
});

test('the owner token is the owner where there is one, and what is then there twice is there once, with the later modseq', () => {
  const of = (userid: string, modseq: bigint, owner: string | undefined) => {
    const found = annotationOf(`1\0/comment\0${userid}\0`, row('words', { modseq }), owner);
    assert.ok(found);
    return found;
  };
  assert.equal(of('[.OwNeR.]', 1n, 'anna').userid, 'anna');
  assert.equal(of('[.OwNeR.]', 1n, undefined).userid, '[.OwNeR.]');
  const twice = inWireOrder([of('anna', 3n, 'anna'), of('[.OwNeR.]', 9n, 'anna'), of('', 1n, 'anna')]);
  assert.deepEqual(
    twice.map(({ userid, modseq }) => [userid, modseq]),
    [
      ['', 1],
      ['anna', 9],
    ],
  );
});

test('annotations are in the order of entry, user and value', () => {
  const plain = (entry: string, userid: string, value: string) => ({ entry, userid, value, modseq: 1 });
  const sorted = [plain('/a', '', '2'), plain('/a', 'x', '1'), plain('/b', '', '1'), plain('/b', '', '2')];
  assert.deepEqual(inWireOrder([...sorted].reverse()), sorted);
  assert.deepEqual(inWireOrder([]), []);
});

test('what a person is told of a row holds no number of a mailbox, whose name the failure has', () => {
  assert.equal(textOfKey('7\0/comment\0anna\0'), '/comment of message 7, private to anna');
  assert.equal(textOfKey('6b1e9a7f-5d\0/comment\0[.OwNeR.]\0'), '/comment, private to the owner');
  assert.equal(textOfKey('user.anna.Sent\0/comment\0\0'), '/comment');
  assert.equal(textOfKey('\0/motd\0\0'), '/motd');
  assert.equal(textOfKey('no key'), 'no key');
});
