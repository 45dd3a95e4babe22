/**
 * The installed Cyrus and our reader, side by side on the same files: what one refuses the other refuses, and what both
 * take means the same. Needs `cyr_info` and
 * `sync_client` (Debian: cyrus-common, cyrus-replication).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import fc from 'fast-check';
import { type ImapdConfig, readImapdConfig } from '../../../src/config/imapd-config.ts';
import { knownType } from '../../../src/config/known-type.ts';
import { type NameOf, OPTIONS, type OptionName } from '../../../src/config/options.ts';
import { parseDuration } from '../../../src/config/values.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';

const CYR_INFO = PROGRAMS.path('cyr_info');
const SYNC_CLIENT = PROGRAMS.path('sync_client');
/** Options that Cyrus of this run does not know yet. */
const CAME_LATER: ReadonlySet<OptionName> = new Set(
  PROGRAMS.isAtLeast(3, 6)
    ? []
    : ['sieve_folder', 'sync_cache_db', 'sync_cache_db_path', 'sync_reconnect_maxwait'],
);
const CONFIG_ERROR = 78;
const NO_SYNC_HOST = 70;

const folder = mkdtempSync(join(tmpdir(), 'same-as-cyrus-'));
// cyr_info becomes the Cyrus user before it reads includes.
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

function cyrusValues(...args: string[]): Map<string, string> | 'refused' {
  const { status, signal, stdout, stderr, error } = spawnSync(CYR_INFO, args, {
    encoding: 'latin1',
    cwd: folder,
  });
  assert.equal(error, undefined);
  // 3.6.1 dies of an assertion on an empty key.
  if (signal === 'SIGABRT') return 'refused';
  if (status === CONFIG_ERROR || /fatal error/.test(stdout + stderr)) return 'refused';
  assert.equal(status, 0, stderr);
  const lines = stdout.split('\n').filter((line) => line.includes(': '));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
}

/** As cyr_info prints it, but durations, which it prints as they are written, in seconds. */
function ourValue(config: ImapdConfig, name: OptionName): string {
  switch (OPTIONS[name].type) {
    case 'STRING':
      return config.string(name as NameOf<'STRING'>) ?? '';
    case 'SWITCH':
      return config.switch(name as NameOf<'SWITCH'>) ? 'yes' : 'no';
    case 'INT':
      return String(config.integer(name as NameOf<'INT'>));
    case 'DURATION':
      return String(config.duration(name as NameOf<'DURATION'>));
    case 'ENUM':
    case 'STRINGLIST':
      return config.word(name as NameOf<'ENUM' | 'STRINGLIST'>);
    case 'BITFIELD':
      return config.words(name as NameOf<'BITFIELD'>).join(' ');
  }
}

function theirValue(values: ReadonlyMap<string, string>, name: OptionName): string {
  const value = (values.get(name) ?? '').replace(/ +$/, '');
  const definition = OPTIONS[name];
  return definition.type === 'DURATION' ? String(parseDuration(value, definition.unit) ?? 0) : value;
}

function ours(file: string): ImapdConfig | 'refused' {
  try {
    return readImapdConfig(file);
  } catch (caught) {
    assert.ok(caught instanceof SyncError && caught.code === 'CONFIG', String(caught));
    return 'refused';
  }
}

function assertSame(
  content: string,
  names: readonly OptionName[],
  others: Record<string, string> = {},
): void {
  for (const [name, text] of Object.entries(others)) writeFileSync(join(folder, name), text, 'latin1');
  const file = join(folder, 'imapd.conf');
  writeFileSync(file, content, 'latin1');
  const theirs = cyrusValues('-C', file, '-n', 'sync_client', 'conf-all');
  const config = ours(file);
  if (theirs === 'refused' || config === 'refused') {
    assert.deepEqual([theirs === 'refused', config === 'refused'], [true, true], content);
    return;
  }
  for (const name of names.filter((each) => !CAME_LATER.has(each)))
    assert.equal(ourValue(config, name), theirValue(theirs, name), `${name} of\n${content}`);
}

const NAMES = Object.keys(OPTIONS) as OptionName[];
const BASE = 'configdirectory: /var/lib/cyrus\n';

test('every option of the installed Cyrus is known', () => {
  const values = cyrusValues('conf-default');
  assert.ok(values !== 'refused' && values.size > 400);
  assert.deepEqual(
    [...values.keys()].filter((name) => knownType(name) === undefined),
    [],
  );
});

test('the defaults of all options that are read are those of the installed Cyrus', () => {
  assertSame(BASE, NAMES);
});

const CASES: Readonly<Record<string, string>> = {
  'blanks and cases': '  Sync_Host:\t a "b"  # c \t\n',
  'blank before the colon': 'sync_host : a\n',
  'joined lines': 'sync_host: a\\\n  b\\\nc\n',
  'join at the end of the file': 'sync_host: a\\\n',
  'backslash without line feed': 'sync_host: a\\',
  'no last line feed': 'sync_host: a',
  'comment continued': '# c\\\nsync_host: a\nsync_port: 1\n',
  'CR LF': 'sync_host: a\r\nsync_port: b\\\r\nsync_realm: c\r\n',
  'empty value': 'sync_host: \n',
  'empty key': ': a\n',
  'unknown directive': '@x: a\n',
  'missing include': '@include: none\n',
  'given twice': 'sync_host: a\nsync_host: a\n',
  'unknown twice': 'foo: a\nFoo: a\n',
  'service first': 'sync_client_sync_host: own\nsync_host: a\nsync_host: b\n',
  'service last': 'sync_host: a\nsync_client_sync_host: own\n',
  'service twice': 'sync_client_sync_host: own\nsync_client_sync_host: own\n',
  'bad value behind the service': 'sync_client_sync_log: yes\nsync_log: Nonsense\n',
  'octets above 127': 'sync_host: x\u00c3\u00a0\n',
  'configdirectory inside': 'mboxlist_db_path: {configDirectory}/x\nsync_host: a{configdirectory}\n',
  'switch by prefix': 'sync_log: yonder\n',
  'switch in capitals': 'sync_log: Yes\n',
  'bare o': 'sync_log: o\n',
  hexadecimal: 'sync_batchsize: 0x10\n',
  octal: 'sync_batchsize: 010\n',
  'trailing text in an integer': 'sync_batchsize: 8k\n',
  'duration of parts': 'sync_timeout: 1d12h\n',
  'duration ending in digits': 'sync_timeout: 1h30\n',
  'duration with a blank': 'sync_timeout: 1 h\n',
  'bad duration': 'sync_timeout: soon\n',
  'on by any name': 'virtdomains: true\n',
  'ENUM in capitals': 'virtdomains: Userid\n',
  'unknown database': 'quota_db: Flat\n',
  'bit words': 'metapartition_files: index \t header\n',
  'unknown bit word': 'metapartition_files: indexes\n',
  'bad value of an option that is not read': 'allowplaintext: Maybe\n',
  'deprecated name': 'tls_cipher_list: HIGH\n',
  'deprecated name and its successor': 'tls_ciphers: LOW\ntls_cipher_list: HIGH\n',
};

for (const [name, content] of Object.entries(CASES)) {
  test(`same as Cyrus: ${name}`, () => assertSame(BASE + content, NAMES));
}

test('same exit as the C client: no such default partition, and no replica', () => {
  const file = join(folder, 'imapd.conf');
  const exitOfClient = (content: string): number | null => {
    writeFileSync(file, content);
    return spawnSync(SYNC_CLIENT, ['-C', file, '-u', 'nobody'], { cwd: folder }).status;
  };
  const unknownPartition = `${BASE}defaultpartition: x\npartition-y: /y\n`;
  assert.equal(exitOfClient(unknownPartition), CONFIG_ERROR);
  assert.equal(ours(file), 'refused');
  assert.equal(exitOfClient(`${BASE}defaultpartition: X\npartition-x: /x\n`), NO_SYNC_HOST);
  assert.notEqual(ours(file), 'refused');
});

test('same as Cyrus: without configdirectory', () => assertSame('sync_host: a\n', NAMES));

test('same as Cyrus: includes, nested and twice', () => {
  const others = {
    'one.conf': 'sync_host: one\n@include: two.conf\n',
    'two.conf': 'sync_port: two\n',
  };
  const here = process.cwd();
  process.chdir(folder);
  try {
    assertSame(`@include: one.conf\n${BASE}`, NAMES, others);
    assertSame(`@include: one.conf\n@include: two.conf\n${BASE}`, NAMES, others);
  } finally {
    process.chdir(here);
  }
});

test('same as Cyrus: files put together at random', () => {
  const key = fc.constantFrom(
    'sync_host',
    'sync_client_sync_host',
    'sync_log',
    'sync_batchsize',
    'virtdomains',
    'zz',
  );
  const value = fc.constantFrom(
    'a b',
    'on',
    'off',
    '1',
    '0x1f',
    'yes',
    'x\\',
    '#',
    '{configdirectory}',
    'T',
    '',
  );
  const line = fc
    .tuple(fc.constantFrom('', ' ', '\t', '#', '@'), key, fc.constantFrom(':', ': ', ' :', ''), value)
    .map((parts) => parts.join(''));
  const end = fc.constantFrom('\n', '\r\n', '\\\n', ' \n', '');
  const content = fc.array(fc.tuple(line, end), { maxLength: 4 }).map((lines) => lines.flat().join(''));
  fc.assert(
    fc.property(content, (text) => assertSame(BASE + text, NAMES)),
    { numRuns: 200 },
  );
});
