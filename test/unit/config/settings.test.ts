import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { defaultSettings, parseSettings, readSettings, type Settings } from '../../../src/config/settings.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { assertRefused } from '../../lab/config-of.ts';

const FILE = '/etc/cyrus-sync.ini';

function settingsOf(content: string, channel?: string): Settings {
  return parseSettings(content, FILE, channel);
}

test('an empty file leaves the defaults', () => {
  assert.deepEqual(settingsOf(''), {
    ...defaultSettings(),
    file: { path: FILE, holdsSecret: false },
  });
});

test('by default as many connections as pay', () => {
  assert.equal(defaultSettings().workers, 'auto');
});

test('every key is read', () => {
  const content = `
    ; comment
    # comment
    workers = 3
    look_ahead = 7
    window = 1 MiB   ; octets in flight
    compression = on
    compression_level = 6
    tls = required
    tls_verify = no
    tls_fingerprint = sha256:${'ab'.repeat(32)}, ${'CD:'.repeat(31)}CD
    allow_clear_text = yes
    user_lock = inbox
    locks = flock
    threads = always
    progress = off
    locked_retry = 1m30s
    exit_when_replica_gone = yes
    backlog_report = 10m
    full_pass = 1d
    bwlimit = 08:00,2M 19:00,off
    pause_file = /run/quiet
    pause_url = https://host/go
    max_load = 8
    on_failure = /opt/f
    on_quarantine = /opt/q
    on_lag = /opt/l
    on_done = /opt/d
    lag_limit = 1h
    control = off
    master = localhost:2005
    master_user = admin
    master_password = secret
    master_fingerprint = SHA256 Fingerprint=${'EF:'.repeat(31)}EF
    replica_imap = mail.example.org:993/tls
    sync_server = /opt/cyrus/sync_server
    metrics = [::1]:9765
    metrics_token = sixteen.letters.and.more
    metrics_certificate = /etc/ssl/mail.pem
    metrics_key = /etc/ssl/mail.key
  `;
  assert.deepEqual(settingsOf(content), {
    file: { path: FILE, holdsSecret: true },
    hasChannelSection: false,
    workers: 3,
    lookAhead: 7,
    windowOctets: 1_048_576,
    compression: 'on',
    compressionLevel: 6,
    tls: 'required',
    tlsVerify: false,
    tlsFingerprint: [`${'AB:'.repeat(31)}AB`, `${'CD:'.repeat(31)}CD`],
    allowClearText: true,
    userLock: 'inbox',
    locks: 'flock',
    threads: 'always',
    progress: false,
    lockedRetrySeconds: 90,
    exitWhenReplicaGone: true,
    backlogReportSeconds: 600,
    fullPassSeconds: 86_400,
    bwlimit: '08:00,2M 19:00,off',
    pauseFile: '/run/quiet',
    pauseUrl: 'https://host/go',
    maxLoad: '8',
    onFailure: '/opt/f',
    onQuarantine: '/opt/q',
    onLag: '/opt/l',
    onDone: '/opt/d',
    lagLimitSeconds: 3_600,
    control: 'off',
    master: 'localhost:2005',
    masterUser: 'admin',
    masterPassword: 'secret',
    masterFingerprint: [`${'EF:'.repeat(31)}EF`],
    replicaImap: 'mail.example.org:993/tls',
    syncServer: '/opt/cyrus/sync_server',
    metrics: { host: '::1', port: 9_765 },
    metricsToken: 'sixteen.letters.and.more',
    metricsCertificate: '/etc/ssl/mail.pem',
    metricsKey: '/etc/ssl/mail.key',
  });
});

test('true and false, which ini turns into booleans, are read as written', () => {
  assert.equal(settingsOf('tls_verify = false').tlsVerify, false);
  assert.equal(settingsOf('progress = true').progress, true);
});

test('a value is read as it is written, or refused without being shown', () => {
  const read: [text: string, password: string][] = [
    ['plain', 'plain'],
    ['two words', 'two words'],
    ['back\\slash', 'back\\slash'],
    ['"quo"ted', '"quo"ted'],
    ['"a#b;c"', 'a#b;c'],
    ['"a\\\\b \\" c"', 'a\\b " c'],
    ["'it''s; #1'", "it''s; #1"],
    ["'123'", '123'],
    ['plain # comment', 'plain'],
    ['plain ;comment', 'plain'],
    ['a\\#b\\;c', 'a#b;c'],
    ['null', 'null'],
  ];
  for (const [text, password] of read) {
    assert.equal(settingsOf(`master_password = ${text}`).masterPassword, password, text);
  }
  const refused = [
    'correct#horse',
    'correct;horse',
    '"a" # comment',
    '"a#b" # comment',
    '"back\\slash"',
    '"tab\\t"',
  ];
  const otherwise = ['\'"x"\'', "'12345678901234567890'", "'1.0'", `'{"workers": 3}'`, 'a\\\\#b'];
  for (const text of [...refused, ...otherwise]) {
    const content = `workers = 1\nmaster_password=${text}`;
    assertRefused(
      () => settingsOf(content),
      /^\/etc\/cyrus-sync\.ini:2: master_password: expected (?:a blank before|nothing behind|double quotes with)[^']*$/,
    );
  }
});

test('a channel section overrides the global keys for that channel only', () => {
  const content = 'workers = 2\ntls = off\n[channel east]\nworkers = 5\n[channel west]\nworkers = 6\n';
  assert.deepEqual(
    [undefined, 'east', 'west', 'north'].map((channel) => settingsOf(content, channel).workers),
    [2, 5, 6, 2],
  );
  assert.equal(settingsOf(content, 'east').tls, 'off');
});

test('a channel name may have dots and blanks', () => {
  const content = '[channel a.b]\nworkers = 5\n[channel a]\nworkers = 6\n[channel c d]\nworkers = 7\n';
  assert.deepEqual(
    ['a.b', 'a', 'c d'].map((channel) => settingsOf(content, channel).workers),
    [5, 6, 7],
  );
});

test('an unknown key is refused with file, line, section and the known keys', () => {
  assert.throws(
    () => settingsOf('# x\nworkers = 1\nwrokers = 2\n'),
    (error: Error & { hint?: string }) => {
      assert.equal(error.message, `${FILE}:3: expected a known key, found wrokers`);
      assert.match(error.hint ?? '', /workers, look_ahead/);
      return true;
    },
  );
  assertRefused(
    () => settingsOf('[channel a]\n\nx = 1\n'),
    /^\/etc\/cyrus-sync\.ini:3: expected a known key in \[channel a\], found x/,
  );
});

test('a bad value is refused with what is expected and what is there, in sections of other channels too', () => {
  for (const [line, message] of [
    ['workers = 0', /:2: workers: expected auto or a whole number from 1 to 64, found "0"/],
    ['workers = four', /:2: workers: expected auto or a whole number from 1 to 64, found "four"/],
    ['look_ahead = 1000', /:2: look_ahead: expected a whole number/],
    ['window = 1', /:2: window: expected a size .*from 64K to 1G, found "1"/],
    ['compression = true', /:2: compression: expected one of auto, on, off, found "true"/],
    ['compression_level = 0', /:2: compression_level: expected a whole number from 1 to 9/],
    ['tls = yes', /:2: tls: expected one of auto, required, off/],
    ['tls_verify = perhaps', /:2: tls_verify: expected yes or no, found "perhaps"/],
    ['user_lock = none', /:2: user_lock: expected one of auto, userid, inbox/],
    ['locks = lockf', /:2: locks: expected one of fcntl, flock, found "lockf"/],
    ['locked_retry = 0', /:2: locked_retry: expected a duration .*from 1s to 1h/],
    ['workers =', /:2: workers: expected auto or a whole number .*found ""/],
    ['workers', /:2: expected workers = VALUE/],
    ['workers[] = 3', /:2: expected a known key, found workers\[\]/],
  ] as const) {
    assertRefused(() => settingsOf(`\n${line}`), message);
  }
  assertRefused(
    () => settingsOf('[channel other]\nworkers = x', 'mine'),
    /:2: workers in \[channel other\]: expected/,
  );
});

test('a key that says how the host works is refused in a section, of another channel too', () => {
  assert.throws(
    () => settingsOf('locks = flock\n[channel east]\nworkers = 2\nlocks = flock\n', 'west'),
    (error: Error & { hint?: string }) => {
      assert.equal(
        error.message,
        `${FILE}:4: expected locks above the first section, found it in [channel east]`,
      );
      assert.match(error.hint ?? '', /whatever the channel/);
      return true;
    },
  );
});

test('what ini would pass over in silence is refused', () => {
  assertRefused(() => settingsOf('workers = 1\n\nworkers = 2'), /:3: expected workers once, .*on line 1/);
  assertRefused(() => settingsOf('[channel a]\n[channel a]'), /:2: expected \[channel a\] once, .*on line 1/);
  assertRefused(() => settingsOf('= 5'), /:1: expected KEY = VALUE/);
  assertRefused(
    () => settingsOf('[chanel a]\nworkers = 1'),
    /:1: expected a section \[channel NAME\], found \[chanel a\]/,
  );
  assertRefused(() => settingsOf('[channel]'), /:1: expected a section \[channel NAME\]/);
  assertRefused(() => settingsOf('[workers.x]\ny = 1'), /:1: expected a section/);
});

test('lines of CR LF files are counted once each', () => {
  assertRefused(() => settingsOf('workers = 1\r\n\r\nx = 2\r\n'), /:3: expected a known key, found x/);
});

test('the default file may be missing; a named one must be there', () => {
  assert.deepEqual(readSettings(undefined, undefined, '/none/cyrus-sync.ini'), defaultSettings());
  assertRefused(
    () => readSettings('/none/mine.ini', undefined),
    /^\/none\/mine\.ini: expected a readable settings file, .*\(ENOENT\)/,
  );
});

test('a settings file is read from disk', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'mine.ini');
  writeFileSync(file, 'workers = 9\n');
  assert.equal(readSettings(file, undefined).workers, 9);
  assert.equal(readSettings(undefined, undefined, file).workers, 9);
  writeFileSync(file, '# f\u00fcr\nworkers = 9\nmaster_password = p\u00e4ss\n', 'latin1');
  assertRefused(() => readSettings(file, undefined), /mine\.ini:3: master_password: expected UTF-8$/);
});

test('an error about a line with a password shows its key alone', () => {
  for (const line of [
    'master_password hunter2',
    'master_password: hunter2',
    'master_password:hunter2',
    'master_password hunter2 = x',
    'master_password:hunter2=x',
    'master_password hunter2 = x\nmaster_password hunter2 = x',
    'master_password=hunter2\nmaster_password = hunter2',
    '= hunter2',
    'hunter2',
  ]) {
    assert.throws(
      () => settingsOf(line),
      (error) => error instanceof SyncError && !`${error.message} ${error.hint}`.includes('hunter2'),
      line,
    );
  }
  assertRefused(() => settingsOf('master_password hunter2'), /:1: expected master_password = VALUE/);
});

test('whether a channel has a section of its own can be told', () => {
  const content = 'workers = 2\n[channel a.b]\n[channel east]\nworkers = 3\n';
  for (const [channel, expected] of [
    ['east', true],
    ['a.b', true],
    ['west', false],
    [undefined, false],
  ] as const) {
    assert.equal(parseSettings(content, '/x.ini', channel).hasChannelSection, expected, channel);
  }
});
