import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { internalName, type NameSpelling } from '../../../src/cli/run-plan/internal-name.ts';
import { parseNameList, readNameList } from '../../../src/cli/run-plan/read-name-list.ts';
import { assertRefused } from '../../lab/config-of.ts';

const SLASH: NameSpelling = { unixhierarchysep: true, virtdomains: 'off', defaultdomain: 'internal' };
const DOT: NameSpelling = { ...SLASH, unixhierarchysep: false };
const DOMAINS: NameSpelling = { ...SLASH, virtdomains: 'userid', defaultdomain: 'home.example' };

test('with / as separator, dots are escaped and slashes become dots', () => {
  assert.equal(internalName('user/jo.smith/Sent 2.0', SLASH), 'user.jo^smith.Sent 2^0');
  assert.equal(internalName('shared', SLASH), 'shared');
  assert.equal(internalName('DELETED/user/foo/Gone/6B04D978', SLASH), 'DELETED.user.foo.Gone.6B04D978');
});

test('with . as separator, the administrator writes the internal name', () => {
  assert.equal(internalName('user.jo^smith.Sent', DOT), 'user.jo^smith.Sent');
});

test('a domain moves to the front, unless it is the default one', () => {
  assert.equal(internalName('user/jo.smith/Sent@dom.org', DOMAINS), 'dom.org!user.jo^smith.Sent');
  assert.equal(internalName('user/jo@home.example', DOMAINS), 'user.jo');
  assert.equal(internalName('user/a@b@dom.org', DOMAINS), 'dom.org!user.a@b');
  assert.equal(internalName('user/jo@', DOMAINS), 'user.jo');
});

test('without virtual domains an @ is part of the name', () => {
  assert.equal(internalName('user/jo@dom.org', SLASH), 'user.jo@dom^org');
});

test('names that cannot be a mailbox have no internal name', () => {
  assert.equal(internalName('user/jo^smith', SLASH), undefined);
  assert.equal(internalName('user/jo', DOT), undefined);
  assert.equal(internalName('', SLASH), undefined);
  assert.equal(internalName('@dom.org', DOMAINS), undefined);
});

test('different names stay different', () => {
  const name = fc.stringMatching(/^[a-c./@]{1,8}$/);
  fc.assert(
    fc.property(name, name, fc.constantFrom(SLASH, DOT), (one, other, spelling) => {
      const internal = internalName(one, spelling);
      if (one !== other && internal !== undefined) assert.notEqual(internal, internalName(other, spelling));
    }),
  );
});

function names(content: string): string[] {
  return parseNameList(content).map(({ name }) => name);
}

test('a list has one name per line; comments and empty lines do not count', () => {
  assert.deepEqual(names('# users\nalice\n\nbob\n'), ['alice', 'bob']);
});

test('a last line without line feed is kept, and CR LF is tolerated', () => {
  assert.deepEqual(names('alice\r\n\r\nbob'), ['alice', 'bob']);
});

test('blanks inside, a # inside and octets above 127 belong to the name', () => {
  assert.deepEqual(names('a lice\nb#b\nj\u00c3\u00b6\n\u00c3\u00a0\n'), [
    'a lice',
    'b#b',
    'j\u00c3\u00b6',
    '\u00c3\u00a0',
  ]);
});

test('what editors add to a list is not part of its names: a byte order mark, blanks around them, CR', () => {
  assert.deepEqual(names('\u00ef\u00bb\u00bf# users\r\n alice\t\r\n\tbob  \r\n \t\r\n  # none\n'), [
    'alice',
    'bob',
  ]);
  assert.deepEqual(names('\u00ef\u00bb\u00bfalice'), ['alice']);
});

test('a name longer than the 511 octets of the C client stays whole', () => {
  const long = 'x'.repeat(5_000);
  assert.deepEqual(names(`${long}\nbob\n`), [long, 'bob']);
});

test('names know their lines', () => {
  assert.deepEqual(parseNameList('# x\nalice\n\nbob'), [
    { name: 'alice', line: 2 },
    { name: 'bob', line: 4 },
  ]);
});

test('any names written one per line are read back', () => {
  const name = fc
    .string({ unit: 'binary-ascii', minLength: 1 })
    .filter((text) => !/[\n]|^[ \t\r]|[ \t\r]$/.test(text) && !text.startsWith('#'));
  fc.assert(
    fc.property(fc.array(name), fc.constantFrom('\n', '\r\n'), (list, end) => {
      assert.deepEqual(names(list.join(end)), list);
    }),
  );
});

test('an unreadable list is an error of reading, named', () => {
  assertRefused(() => readNameList('/none/list'), /^\/none\/list: .*cannot be read \(ENOENT\)/, 'IO');
  assertRefused(() => readNameList('/'), /^\/: .*cannot be read \(EISDIR\)/, 'IO');
});
