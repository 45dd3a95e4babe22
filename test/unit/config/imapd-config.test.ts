import assert from 'node:assert/strict';
import test from 'node:test';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { knownType } from '../../../src/config/known-type.ts';
import { CHANNEL_OPTIONS, OPTIONS } from '../../../src/config/options.ts';
import { assertRefused, configOf, filesFrom, MAIN } from '../../lab/config-of.ts';

test('an empty configuration has the defaults of Cyrus', () => {
  const config = configOf('');
  assert.equal(config.string('sync_host'), undefined);
  assert.equal(config.switch('sync_try_imap'), true);
  assert.equal(config.switch('unixhierarchysep'), true);
  assert.equal(config.integer('sync_batchsize'), 8192);
  assert.equal(config.duration('sync_timeout'), 1800);
  assert.equal(config.duration('client_timeout'), 10);
  assert.equal(config.duration('sync_reconnect_maxwait'), 1200);
  assert.equal(config.word('virtdomains'), 'off');
  assert.equal(config.word('quota_db'), 'quotalegacy');
  assert.deepEqual(config.words('metapartition_files'), []);
  assert.equal(config.string('defaultdomain'), 'internal');
});

test('every option that is read is one that Cyrus knows, by the same type', () => {
  for (const [name, { type }] of Object.entries(OPTIONS)) assert.equal(knownType(name), type, name);
  for (const name of CHANNEL_OPTIONS) assert.ok(name in OPTIONS, name);
});

test('a configuration without a usable configdirectory is refused', () => {
  const read = (content: string) => () => readImapdConfig(MAIN, {}, filesFrom({ [MAIN]: content }));
  assertRefused(
    read('sync_host: a\n'),
    /^\/etc\/imapd\.conf: expected the option configdirectory, found none/,
  );
  for (const path of ['/', 'var/lib/cyrus']) {
    assertRefused(read(`\nconfigdirectory: ${path}\n`), /:2: configdirectory: expected an absolute path/);
  }
});

test('sync_client_X overrides X in either order, and each form may be given once', () => {
  assert.equal(configOf('sync_host: plain\nsync_client_sync_host: own').text('sync_host'), 'own');
  assert.equal(configOf('sync_client_sync_host: own\nsync_host: plain').text('sync_host'), 'own');
  assertRefused(
    () => configOf('sync_client_sync_host: a\nsync_host: b\nsync_client_sync_host: c'),
    /^\/etc\/imapd\.conf:3: .*sync_client_sync_host is already set at \/etc\/imapd\.conf:1/,
  );
});

test('a general setting after the one of the service is not even looked at, as in Cyrus', () => {
  const config = configOf('sync_client_sync_log: yes\nsync_log: Nonsense\nsync_log: again');
  assert.equal(config.switch('sync_log'), true);
});

test('the prefix of another service makes an unknown key, without effect here', () => {
  assert.equal(configOf('imapd_sync_host: other').text('sync_host'), undefined);
});

test('an overflow key is looked up with the service prefix first', () => {
  const config = configOf('foo_mechs: PLAIN\nsync_client_foo_mechs: LOGIN');
  assert.equal(config.overflow('foo_mechs'), 'LOGIN');
  assert.equal(config.overflow('bar_mechs'), undefined);
});

test('overflow keys of one prefix come with the service overrides applied', () => {
  const config = configOf(
    'partition-a: /a\npartition-b: /b\nsync_client_partition-b: /own\nmetapartition-a: /m',
  );
  assert.deepEqual([...config.overflowsWithPrefix('partition-')].sort(), [
    ['a', '/a'],
    ['b', '/own'],
  ]);
});

test('{configdirectory} is replaced at the start of a known string only', () => {
  const config = configOf(
    'mboxlist_db_path: {ConfigDirectory}/mb\nsync_shutdown_file: /x{configdirectory}\npartition-a: {configdirectory}/a',
  );
  assert.equal(config.text('mboxlist_db_path'), '/var/lib/cyrus/mb');
  assert.equal(config.text('sync_shutdown_file'), '/x{configdirectory}');
  assert.equal(config.overflow('partition-a'), '{configdirectory}/a');
});

test('a channel overrides what may be channelised, and nothing else', () => {
  const config = configOf(
    [
      'sync_host: general',
      'east_sync_host: east',
      'east_sync_repeat_interval: 2m',
      'east_sync_timeout: 5s',
      'sync_repeat_interval: 3s',
    ].join('\n'),
  );
  assert.equal(config.channelText('east', 'sync_host'), 'east');
  assert.equal(config.channelText('west', 'sync_host'), 'general');
  assert.equal(config.channelText(undefined, 'sync_host'), 'general');
  assert.equal(config.channelDuration('east', 'sync_repeat_interval'), 120);
  assert.equal(config.channelDuration('west', 'sync_repeat_interval'), 3);
  assert.equal(config.duration('sync_timeout'), 1800);
});

test('a channel whose name has capitals matches no key, as in Cyrus', () => {
  assert.equal(configOf('East_sync_host: east').channelText('East', 'sync_host'), undefined);
});

test('the channel form of sync_try_imap takes every spelling of a switch, unlike atoi', () => {
  assert.equal(configOf('sync_try_imap: no\nc_sync_try_imap: yes').channelSwitch('c', 'sync_try_imap'), true);
  assert.equal(configOf('c_sync_try_imap: off').channelSwitch('c', 'sync_try_imap'), false);
  assertRefused(
    () => configOf('\nc_sync_try_imap: Yes').channelSwitch('c', 'sync_try_imap'),
    /^\/etc\/imapd\.conf:2: c_sync_try_imap: expected a switch .*found "Yes"/,
  );
});

test('a bad duration of a channel is refused at its line', () => {
  assertRefused(
    () => configOf('c_sync_repeat_interval: soon').channelDuration('c', 'sync_repeat_interval'),
    /^\/etc\/imapd\.conf:1: c_sync_repeat_interval: expected a duration .*found "soon"/,
  );
});

test('values of the wrong type are refused with file, line, what is expected and what is there', () => {
  for (const [line, message] of [
    ['sync_log: maybe', /:1: sync_log: expected a switch .*found "maybe"/],
    ['sync_batchsize: many', /:1: sync_batchsize: expected an integer .*found "many"/],
    ['sync_timeout: 5 minutes', /:1: sync_timeout: expected a duration .*found "5 minutes"/],
    ['virtdomains: userids', /:1: virtdomains: expected one of off, userid, on, found "userids"/],
    ['quota_db: Flat', /:1: quota_db: expected one of flat, .*found "Flat"/],
    [
      'metapartition_files: header indexes',
      /:1: metapartition_files: expected one of header, .*found "indexes"/,
    ],
    ['sync_client_sync_log: maybe', /:1: sync_client_sync_log: expected a switch/],
  ] as const) {
    assertRefused(() => configOf(line), message);
  }
});

test('BITFIELD words come once each and in the order of Cyrus', () => {
  const config = configOf('metapartition_files: index  header\tindex');
  assert.deepEqual(config.words('metapartition_files'), ['header', 'index']);
});

test('virtdomains takes the spellings of a switch', () => {
  assert.equal(configOf('virtdomains: yes').word('virtdomains'), 'on');
  assert.equal(configOf('virtdomains: false').word('virtdomains'), 'off');
});

test('a deprecated name stands in for its successor, unless that is given too', () => {
  assert.equal(configOf('tls_cipher_list: HIGH').text('tls_ciphers'), 'HIGH');
  assert.equal(configOf('tls_cipher_list: HIGH\ntls_ciphers: LOW').text('tls_ciphers'), 'LOW');
});

test('defaultpartition needs a partition of that name, letter case aside', () => {
  assert.equal(configOf('defaultpartition: Main\npartition-main: /m').text('defaultpartition'), 'Main');
  assertRefused(
    () => configOf('\ndefaultpartition: main\npartition-other: /o'),
    /^\/etc\/imapd\.conf:2: expected the option partition-main/,
  );
  assertRefused(
    () => configOf('defaultpartition: a-b'),
    /:1: defaultpartition: expected letters and digits only/,
  );
});

test('values are octets, and text() decodes them', () => {
  const octets = Buffer.from('/srv/p\u00f6st').toString('latin1');
  const config = configOf(`sync_shutdown_file: ${octets}`);
  assert.equal(config.string('sync_shutdown_file'), octets);
  assert.equal(config.text('sync_shutdown_file'), '/srv/p\u00f6st');
});

test('placeOf finds known options and overflow keys', () => {
  const config = configOf('\nsync_host: a\nc_sync_host: b');
  assert.deepEqual([config.placeOf('sync_host')?.line, config.placeOf('c_sync_host')?.line], [2, 3]);
  assert.equal(config.placeOf('sync_port'), undefined);
  assert.equal(config.placeOf('sync_host')?.file, MAIN);
});

test('a name is known by itself, and no part of one is', () => {
  assert.equal(knownType('sync_host'), 'STRING');
  for (const first of ['addressbookprefix', 'caldav_alarm_support_components'])
    assert.notEqual(knownType(first), undefined, first);
  for (const last of ['zoneinfo_db', 'sieve_extensions']) assert.notEqual(knownType(last), undefined, last);
  for (const unknown of [
    '',
    'sync',
    '_host',
    'sync_hos',
    'ync_host',
    'sync_host ',
    'zoneinfo_db\n',
    'sync_host\nsync_port',
    'SYNC_HOST',
  ])
    assert.equal(knownType(unknown), undefined, JSON.stringify(unknown));
});
