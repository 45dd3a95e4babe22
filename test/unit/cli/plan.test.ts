import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseArguments } from '../../../src/cli/arguments/arguments.ts';
import { decideRun, planRun } from '../../../src/cli/run-plan/plan-run.ts';
import type { RunPlan } from '../../../src/cli/run-plan/run-plan.ts';
import { defaultSettings, type Settings } from '../../../src/config/settings.ts';
import { assertRefused, configOf } from '../../lab/config-of.ts';

interface Given {
  lines?: string;
  settings?: Partial<Settings>;
  environment?: NodeJS.ProcessEnv;
  listed?: { name: string; line: number }[];
  terminal?: boolean;
}

function decide(argv: string[], given: Given = {}): RunPlan {
  return decideRun(
    parseArguments(['-S', 'replica', ...argv]),
    configOf(given.lines ?? ''),
    { ...defaultSettings(), ...given.settings },
    given.environment ?? {},
    given.listed ?? [],
    given.terminal ?? false,
  );
}

function inFolder(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plan-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test('each mode becomes its targets, names as octets', () => {
  assert.deepEqual(decide(['-u', 'j\u00f6']).mode, { kind: 'users', userids: ['j\u00c3\u00b6'] });
  assert.deepEqual(decide(['-s', 'a', 'b']).mode, { kind: 'meta', userids: ['a', 'b'] });
  assert.deepEqual(decide(['-A']).mode, { kind: 'all', prefix: undefined });
  assert.deepEqual(decide(['-A', 'user.a']).mode, { kind: 'all', prefix: 'user.a' });
  assert.deepEqual(decide(['-m', 'user/jo.s/X']).mode, { kind: 'mailboxes', names: ['user.jo^s.X'] });
});

test('names of a list come after those of the command line', () => {
  const listed = [{ name: 'user/c', line: 1 }];
  assert.deepEqual(decide(['-u', 'a'], { listed }).mode, { kind: 'users', userids: ['a', 'user/c'] });
  assert.deepEqual(decide(['-m', 'user/a'], { listed }).mode, {
    kind: 'mailboxes',
    names: ['user.a', 'user.c'],
  });
});

test('mailboxes are named as this configuration spells them', () => {
  const lines = 'virtdomains: userid\ndefaultdomain: home.example\nunixhierarchysep: no';
  assert.deepEqual(decide(['-m', 'user.a^b@x.org', 'user.c@home.example'], { lines }).mode, {
    kind: 'mailboxes',
    names: ['x.org!user.a^b', 'user.c'],
  });
});

test('a name that cannot be a mailbox is refused with its place', () => {
  assertRefused(
    () => decide(['-m', 'user/a^b']),
    /^-m: expected a mailbox name without \^, found "user\/a\^b"$/,
    'USAGE',
  );
  assertRefused(
    () => decide(['-m', '-f', '/l'], { listed: [{ name: 'user/a^b', line: 7 }] }),
    /^\/l:7: expected a mailbox name without \^/,
    'USAGE',
  );
});

test('an empty user id is refused', () => {
  assertRefused(() => decide(['-u', 'a', '']), /expected user ids, found an empty one/, 'USAGE');
});

test('the options of a job', () => {
  const { options } = decide(['-u', '-LO', '-p', 'p\u00f6', 'a'], { settings: { lookAhead: 9 } }).setup;
  assert.deepEqual(options, {
    partition: 'p\u00c3\u00b6',
    local: true,
    noCopyback: true,
    batchSize: 8192,
    lookAhead: 9,
  });
});

test('a channel that nothing is configured for is a warning, and an error to whoever asks for extended exit codes', () => {
  const lines = 'sync_host: plain\neast_sync_host: east\nsync_log_channels: "" west';
  const warnings = (channel: string, settings: Partial<Settings> = {}) =>
    decide(['-A', '-n', channel], { lines, settings }).warnings;
  for (const known of ['east', 'west', '']) assert.deepEqual(warnings(known), [], known);
  assert.deepEqual(warnings('ini', { hasChannelSection: true }), []);
  assert.deepEqual(decide(['-A'], { lines }).warnings, []);
  const [typo] = warnings('esat');
  assert.match(typo?.text ?? '', /nothing is configured for channel esat/);
  assert.match(typo?.hint ?? '', /east, west/);
  assert.match(warnings('East')[0]?.hint ?? '', /did you mean -n east\?/);
  assertRefused(
    () => decide(['-A', '-n', 'esat', '--exit-codes', 'extended'], { lines }),
    /^-n: nothing is configured for channel esat/,
    'USAGE',
  );
});

test('-p is for users and mailboxes only', () => {
  assert.equal(decide(['-A', '-p', 'p']).setup.options.partition, undefined);
  assert.equal(decide(['-s', '-p', 'p', 'a']).setup.options.partition, undefined);
  assert.equal(decide(['-m', '-p', 'p', 'a']).setup.options.partition, 'p');
  assert.match(decide(['-A', '-p', 'p']).warnings[0]?.text ?? '', /^-p p is passed over/);
  assert.deepEqual(decide(['-m', '-p', 'p', 'a']).warnings, []);
});

test('a negative batch size never splits', () => {
  assert.equal(decide(['-A'], { lines: 'sync_batchsize: -1' }).setup.options.batchSize, 0);
});

test('workers come from the command line, else from the settings', () => {
  assert.equal(decide(['-A'], { settings: { workers: 3 } }).connections, 3);
  assert.equal(decide(['-A', '--workers', '5'], { settings: { workers: 3 } }).connections, 5);
});

test('waiting', () => {
  const plan = decide(['-A', '-N', '-o', '-w', '4'], {
    lines: 'sync_reconnect_maxwait: -1',
    settings: { lockedRetrySeconds: 12 },
  });
  const { skipLocked, connectOnce, startDelaySeconds, reconnectMaxWaitSeconds, lockedRetrySeconds } = plan;
  assert.deepEqual(
    { skipLocked, connectOnce, startDelaySeconds, reconnectMaxWaitSeconds, lockedRetrySeconds },
    {
      skipLocked: true,
      connectOnce: true,
      startDelaySeconds: 4,
      reconnectMaxWaitSeconds: 0,
      lockedRetrySeconds: 12,
    },
  );
  assert.equal(decide(['-A']).reconnectMaxWaitSeconds, 1200);
});

test('protocol traffic is wanted from the second -v on, and the log goes to standard error with it', () => {
  assert.deepEqual([decide(['-Av']).setup.traffic, decide(['-Av']).output.logToStderr], [false, false]);
  assert.deepEqual([decide(['-Avv']).setup.traffic, decide(['-Avv']).output.logToStderr], [true, true]);
  assert.equal(decide(['-A', '--log-to-stderr']).output.logToStderr, true);
});

test('progress: the command line, then the settings, then whether somebody watches', () => {
  const progress = (argv: string[], given: Given): boolean => decide(argv, given).output.progress;
  assert.equal(progress(['-A'], { terminal: true }), true);
  assert.equal(progress(['-A'], { terminal: false }), false);
  assert.equal(progress(['-Av'], { terminal: true }), false);
  assert.equal(progress(['-A'], { terminal: true, settings: { progress: false } }), false);
  assert.equal(progress(['-A', '--progress'], { settings: { progress: false } }), true);
  assert.equal(progress(['-A', '--no-progress'], { terminal: true, settings: { progress: true } }), false);
});

test('syslog ident and facility', () => {
  const said = (lines: string, environment: NodeJS.ProcessEnv = {}): string[] => {
    const { syslogIdent, syslogFacility } = decide(['-A'], { lines, environment }).output;
    return [syslogIdent, syslogFacility];
  };
  assert.deepEqual(said(''), ['sync_client', 'mail']);
  assert.deepEqual(said('syslog_prefix: cyr\nsyslog_facility: LOCAL6'), ['cyr/sync_client', 'local6']);
  assert.deepEqual(said('syslog_prefix: cyr', { CYRUS_SYSLOG_PREFIX: 'env' }), ['env/sync_client', 'mail']);
  assert.deepEqual(said('syslog_facility: kern'), ['sync_client', 'mail']);
});

test('the file that stands in for syslog in tests of Cyrus', () => {
  assert.equal(decide(['-A'], { environment: { CASSANDANE_SYSLOG_FNAME: '/l' } }).output.syslogFile, '/l');
});

test('whom to become: environment, then imapd.conf, then cyrus', () => {
  assert.deepEqual(decide(['-A']).identity, { user: 'cyrus', group: undefined });
  const lines = 'cyrus_user: mailer\ncyrus_group: mail';
  assert.deepEqual(decide(['-A'], { lines }).identity, { user: 'mailer', group: 'mail' });
  const environment = { CYRUS_USER: 'u', CYRUS_GROUP: 'g' };
  assert.deepEqual(decide(['-A'], { lines, environment }).identity, { user: 'u', group: 'g' });
});

test('the plan is frozen to its leaves, as threads are to share it', () => {
  const plan = decide(['-u', 'a']);
  for (const part of [plan, plan.mode, plan.setup, plan.setup.layout, plan.setup.layout.partitions])
    assert.ok(Object.isFrozen(part));
  assert.ok(Object.isFrozen(plan.setup.connection.tls) && Object.isFrozen(plan.output));
  assert.deepEqual(structuredClone(plan), plan);
});

test('files are read where the command line and the environment say', (t) => {
  const folder = inFolder(t, {
    'imapd.conf': 'configdirectory: /conf\nsync_host: general\neast_sync_host: east\n',
    'settings.ini': 'workers = 2\n[channel east]\nworkers = 3\n',
    'other.ini': 'workers = 4\n',
    list: '# users\na\nb',
  });
  const at = (name: string): string => join(folder, name);
  const args = parseArguments(['-C', at('imapd.conf'), '-n', 'east', '-u', '-f', at('list')]);
  const plan = planRun(args, { CYRUS_SYNC_SETTINGS: at('settings.ini') }, false);
  assert.deepEqual(plan.mode, { kind: 'users', userids: ['a', 'b'] });
  assert.equal(plan.setup.connection.server, 'east');
  assert.equal(plan.connections, 3);
  const named = parseArguments(['-C', at('imapd.conf'), '-A', '--settings', at('other.ini')]);
  assert.equal(planRun(named, { CYRUS_SYNC_SETTINGS: at('settings.ini') }, false).connections, 4);
});

test('CYRUS_PREFIX reaches the reader of imapd.conf', (t) => {
  const folder = inFolder(t, { 'imapd.conf': 'configdirectory: /prefixed\n', 'none.ini': '' });
  const args = parseArguments(['-C', '/imapd.conf', '-S', 'x', '-A', '--settings', join(folder, 'none.ini')]);
  assert.equal(planRun(args, { CYRUS_PREFIX: folder }, false).setup.layout.configdirectory, '/prefixed');
});

test('-f - reads standard input', () => {
  const module = fileURLToPath(new URL('../../../src/cli/run-plan/read-name-list.js', import.meta.url));
  const script = `import { readNameList } from ${JSON.stringify(module)};
    process.stdout.write(JSON.stringify(readNameList('-')));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    input: '# x\nalice\r\nbob',
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), [
    { name: 'alice', line: 2 },
    { name: 'bob', line: 3 },
  ]);
});
