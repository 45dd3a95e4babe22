import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { configLines } from '../../../src/config/imapd-conf-lines.ts';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { assertRefused, configOf, filesFrom, MAIN } from '../../lab/config-of.ts';

function entries(
  content: string,
  others: Record<string, string> = {},
): [key: string, value: string, at: string][] {
  const read = filesFrom({ ...others, [MAIN]: content });
  return [...configLines(MAIN, undefined, read)].map(({ key, value, file, line }) => [
    key,
    value,
    `${file}:${line}`,
  ]);
}

test('keys are lower-cased, values trimmed at both ends and otherwise kept as they are', () => {
  assert.deepEqual(entries('  Sync_Host:\t a "b"  # c \t\n'), [['sync_host', 'a "b"  # c', `${MAIN}:1`]]);
});

test('comments and empty lines are passed over, also when indented', () => {
  assert.deepEqual(entries('# one: 1\n\n \t\n  # two: 2\nx: 3'), [['x', '3', `${MAIN}:5`]]);
});

test('a # after a value is part of the value', () => {
  assert.deepEqual(entries('sync_password: secret#1 # not a comment\n')[0]?.[1], 'secret#1 # not a comment');
});

test('a colon in a value is data', () => {
  assert.deepEqual(entries('sync_host: replica:2005/tls\n')[0]?.[1], 'replica:2005/tls');
});

test('a backslash before the line feed joins lines with nothing between, leading blanks of the next line kept', () => {
  assert.deepEqual(entries('a: one\\\n  two\\\nthree\nb: 2\n'), [
    ['a', 'one  twothree', `${MAIN}:1`],
    ['b', '2', `${MAIN}:4`],
  ]);
});

test('a comment can be continued too', () => {
  assert.deepEqual(entries('# a\\\nb: 1\nc: 2\n'), [['c', '2', `${MAIN}:3`]]);
});

test('a backslash before CR LF does not join, and the CR is trimmed off', () => {
  assert.deepEqual(entries('a: one\\\r\nb: two\r\n'), [
    ['a', 'one\\', `${MAIN}:1`],
    ['b', 'two', `${MAIN}:2`],
  ]);
});

test('a last line without line feed counts, and its backslash is data', () => {
  assert.deepEqual(entries('a: one\nb: two\\'), [
    ['a', 'one', `${MAIN}:1`],
    ['b', 'two\\', `${MAIN}:2`],
  ]);
});

test('a line joined to the end of the file is dropped, as Cyrus drops it', () => {
  assert.deepEqual(entries('a: one\nb: two\\\n'), [['a', 'one', `${MAIN}:1`]]);
});

test('octet 0xA0 is not a blank: a UTF-8 value keeps its last octet', () => {
  assert.deepEqual(entries('a: x\u00c3\u00a0\n')[0]?.[1], 'x\u00c3\u00a0');
});

test('a blank before the colon, a missing colon and odd characters in a key are refused with file and line', () => {
  for (const bad of ['sync_host : x', 'sync_host', 'sync.host: x', 'h\u00e9: x', '=x', ': x', '@: x']) {
    assertRefused(() => entries(`a: 1\n${bad}\n`), /^\/etc\/imapd\.conf:2: expected an option name/);
  }
});

test('an empty value is refused', () => {
  assertRefused(() => entries('sync_host:  \t \n'), /^\/etc\/imapd\.conf:1: expected a value for sync_host/);
});

test('a directive other than @include is refused', () => {
  assertRefused(() => entries('\n@inklude: x\n'), /:2: expected the directive @include, found @inklude/);
});

test('@include reads in place, nested, and lines know their own file', () => {
  const got = entries('a: 1\n@Include: /b\nc: 3\n', { '/b': 'b: 2\n@include: rel/d\n', 'rel/d': '\nd: 4\n' });
  assert.deepEqual(got, [
    ['a', '1', `${MAIN}:1`],
    ['b', '2', '/b:1'],
    ['d', '4', 'rel/d:2'],
    ['c', '3', `${MAIN}:3`],
  ]);
});

test('including a file twice is refused where the second include stands', () => {
  assertRefused(
    () => entries('@include: /b\n@include: /b\n', { '/b': 'b: 2\n' }),
    /^\/etc\/imapd\.conf:2: .*\/b is included twice \(first at \/etc\/imapd\.conf:1\)/,
  );
});

test('a file that includes itself is refused, not read for ever', () => {
  assertRefused(() => entries(`@include: ${MAIN}\n`), /:1: .*included twice \(first as the main file\)/);
});

test('a file that this user may not read is not said to be another than was meant', () => {
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  const read = (): never => {
    throw refused;
  };
  assert.throws(
    () => readImapdConfig('/etc/imapd.conf', {}, read),
    (error) =>
      error instanceof SyncError && /^Cyrus itself has to read it: let this user/.test(error.hint ?? ''),
  );
});

test('an include that cannot be opened is refused at its line', () => {
  assertRefused(
    () => entries('a: 1\n@include: /none\n'),
    /^\/etc\/imapd\.conf:2: .*\/none cannot be opened \(ENOENT\)/,
  );
});

test('a missing main file is refused by name', () => {
  assertRefused(() => readImapdConfig('/none', {}, filesFrom({})), /^\/none: .*cannot be opened \(ENOENT\)/);
});

test('CYRUS_PREFIX is tried first for every file, and the plain name second', () => {
  const read = filesFrom({
    '/p/main': '@include: /one\n@include: /two\n',
    '/p/one': 'configdirectory: /with\n',
    '/one': 'configdirectory: /without\n',
    '/two': 'sync_host: plain\n',
  });
  const config = readImapdConfig('/main', { CYRUS_PREFIX: '/p' }, read);
  assert.equal(config.configdirectory, '/with');
  assert.equal(config.text('sync_host'), 'plain');
  // Their modes are looked at, and those of no others.
  assert.deepEqual(
    config.files.map(({ path }) => path),
    ['/p/main', '/p/one', '/two'],
  );
});

test('a file with nothing but an include in it is known too, and which of several has the password', () => {
  const config = configOf('@include: /between', {
    '/between': '# nothing\n@include: /secret\n',
    '/secret': 'sync_password: x\n',
  });
  assert.deepEqual(config.files, [
    { path: MAIN, holdsSecret: false },
    { path: '/between', holdsSecret: false },
    { path: '/secret', holdsSecret: true },
  ]);
});

test('an option twice is refused, with both places', () => {
  assertRefused(
    () => configOf('sync_host: a\n# x\nSync_Host: b'),
    /^\/etc\/imapd\.conf:3: .*sync_host is already set at \/etc\/imapd\.conf:1/,
  );
});

test('an option twice across an include is refused', () => {
  assertRefused(
    () => configOf('@include: /b\nsync_host: a', { '/b': 'x: 1\nsync_host: b\n' }),
    /^\/etc\/imapd\.conf:2: .*already set at \/b:2/,
  );
});

test('an unknown key twice is refused', () => {
  assertRefused(() => configOf('partition-a: /x\npartition-A: /y'), /:2: .*partition-a is already set at/);
});

test('known options that are not read here obey the same rules', () => {
  assertRefused(() => configOf('admins: a\nadmins: b'), /:2: .*admins is already set/);
  assertRefused(() => configOf('allowplaintext: Yes'), /:1: allowplaintext: expected a switch .*found "Yes"/);
  assertRefused(() => configOf('maxlogins_per_user: x'), /:1: maxlogins_per_user: expected an integer/);
  assertRefused(() => configOf('timeout: 5x'), /:1: timeout: expected a duration/);
  assertRefused(() => configOf('maxmessagesize: 5x'), /:1: maxmessagesize: expected a size/);
});

test('a configuration of distinct unknown keys survives being written and read', () => {
  const key = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/).map((text) => `zz-${text}`);
  const value = fc
    .array(fc.integer({ min: 0x20, max: 0xff }), { minLength: 1, maxLength: 30 })
    .map((octets) =>
      Buffer.from(octets)
        .toString('latin1')
        .replace(/^ +| +$/g, ''),
    )
    .filter((text) => text !== '' && !text.endsWith('\\'));
  const pairs = fc.uniqueArray(fc.tuple(key, value), {
    selector: ([name]) => name.toLowerCase(),
    maxLength: 20,
  });
  fc.assert(
    fc.property(pairs, (settings) => {
      const config = configOf(settings.map(([name, text]) => ` ${name}: ${text}`).join('\n'));
      for (const [name, text] of settings) assert.equal(config.overflow(name.toLowerCase()), text);
    }),
  );
});
