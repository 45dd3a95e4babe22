import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { faultsOf } from '../../../src/preflight/known-faults.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { filesBelow } from '../../lab/files-below.ts';
import { populate } from '../../lab/populate.ts';
import { changedFiles, storeDigest } from '../../lab/store-digest.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

interface Found {
  check: string;
  verdict: 'ok' | 'warning' | 'problem';
  text: string;
  advice: string | null;
}

/** The names by which this Cyrus locks its users, and those by which it does not. */
const [right, wrong] = PROGRAMS.isAtLeast(3, 12) ? ['inbox', 'userid'] : ['userid', 'inbox'];

let pair: Pair;

before(async () => {
  pair = await startPair({
    master: { partitions: ['default', 'second'], imapd: { sync_log: 'yes' } },
    replica: { syncProcesses: 3 },
  });
  await populate(pair.master, { users: 6 });
  await using admin = await pair.replica.imap();
  await admin.ok('LIST "" "*"');
});
after(async () => {
  await pair?.stop();
});

async function check(
  ...args: string[]
): Promise<{ code: unknown; findings: Found[]; of(name: string): Found[] }> {
  const { code, stdout, stderr } = await cyrusSync(pair.master, 'check', ['--json', ...args]);
  assert.equal(stderr, '');
  const { schema, findings }: { schema: string; findings: Found[] } = JSON.parse(stdout);
  assert.equal(schema, 'cyrus-sync-check');
  return { code, findings, of: (name) => findings.filter((each) => each.check === name) };
}

test('a sound pair is found sound, and is octet for octet the same afterwards', async () => {
  await syncClientOk(pair.master, ['-A', '--workers', '1']);
  const [here, there] = [await storeDigest(pair.master), await storeDigest(pair.replica)];
  const { code, findings, of } = await check('--workers', '2');
  assert.deepEqual(changedFiles(here, await storeDigest(pair.master)), []);
  assert.deepEqual(changedFiles(there, await storeDigest(pair.replica)), []);
  assert.equal(code, 0);
  assert.deepEqual(
    findings.filter(
      ({ verdict, check }) =>
        verdict === 'problem' || (verdict === 'warning' && !['sync log', 'known faults'].includes(check)),
    ),
    [],
  );
  const [major = 0, minor = 0] = PROGRAMS.version.split('.').map(Number);
  const release = [major, minor] as const;
  assert.equal(of('version')[0]?.text, `the replica is Cyrus ${major}.${minor}`);
  assert.equal(of('master version')[0]?.text, `the master is Cyrus ${major}.${minor}`);
  assert.deepEqual(
    of('known faults').map(({ text }) => text),
    faultsOf({ master: release, replica: release }).map(({ side, text }) => `of this ${side}: ${text}`),
  );
  const able = PROGRAMS.keepScriptsInMailbox
    ? /^scripts as a mailbox, refuses/
    : /^scripts as files, may not refuse/;
  assert.match(of('capabilities')[0]?.text ?? '', able);
  assert.match(of('databases')[0]?.text ?? '', /^mailboxes twoskip, .*seen twoskip, sub /);
  assert.match(of('lock kind')[0]?.text ?? '', /^Cyrus locks with fcntl/);
  assert.match(of('lock names')[0]?.text ?? '', /by either name/);
  assert.match(of('connections')[0]?.text ?? '', /serves 2 connections/);
  assert.match(of('messages')[0]?.text ?? '', /^[1-9]\d* messages read, each as its record says/);
});

test('settings that lock otherwise than the running servers are a problem, and each has its setting named', async () => {
  const settings = join(pair.master.directory, 'other.ini');
  await writeFile(settings, `locks = flock\nuser_lock = ${wrong}\n`);
  giveToCyrus(settings);
  const { code, of } = await check('--settings', settings, '--workers', '1');
  assert.equal(code, 1);
  assert.deepEqual(
    [...of('lock kind'), ...of('lock names')].map(({ verdict, advice }) => [verdict, advice]),
    [
      ['problem', 'set locks = fcntl in the settings'],
      ['problem', `set user_lock = auto in the settings, or ${right}`],
    ],
  );
  const { code: exit, stderr } = await syncClient(pair.master, [
    '-A',
    '--workers',
    '1',
    '--settings',
    settings,
  ]);
  assert.equal(exit, 0);
  assert.match(stderr, /^sync_client: Cyrus locks with fcntl, and we with flock: .* \(set locks = fcntl/m);
});

test('more connections than the replica has processes for are said before a run', async () => {
  const { code, of } = await check('--workers', '8');
  assert.equal(code, 0);
  const [found] = of('connections');
  assert.equal(found?.verdict, 'warning');
  assert.match(found?.advice ?? '', /maxchild/);
});

test('a partition that the replica lacks is not known without a probe, and a problem with one', async () => {
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/elsewhere second');
  await admin.ok('SETACL user/elsewhere admin lrswipkxtecda');
  const [unknown] = (await check('--workers', '1'))
    .of('partitions')
    .filter(({ text }) => text.startsWith('second'));
  assert.equal(unknown?.verdict, 'warning');
  const { code, of } = await check('--probe', '--workers', '1');
  assert.equal(code, 1);
  const [lacking] = of('partitions').filter(({ text }) => text.startsWith('second'));
  assert.equal(lacking?.verdict, 'problem');
  assert.match(lacking?.advice ?? '', /define partition-second/);
  await admin.ok('DELETE user/elsewhere');
});

test('a damaged message and a partition that cannot be read are problems that name them', async () => {
  const spool = pair.master.partitions.default ?? '';
  // Whichever of them are expunged already.
  const firsts = filesBelow(spool).filter((name) => name.endsWith('/1.'));
  for (const first of firsts) truncateSync(first, 3);
  const messages = (await check('--workers', '1')).of('messages');
  assert.ok(messages.every(({ verdict }) => verdict === 'problem'));
  assert.match(messages.at(-1)?.text ?? '', /^[1-9]\d* of \d+ messages read are damaged/);

  chmodSync(pair.master.partitions.second ?? '', 0);
  const [account] = (await check('--workers', '1')).of('account');
  chmodSync(pair.master.partitions.second ?? '', 0o755);
  assert.equal(account?.verdict, 'problem');
  assert.match(account?.text ?? '', /spool\/second cannot be read by cyrus \(EACCES\)/);
});

test('a database in a format that is not read is a problem that names the file and what converts it', async () => {
  const file = join(pair.master.configDirectory, 'annotations.db');
  const content = readFileSync(file);
  await writeFile(file, 'SQLite format 3\0and more');
  const [found] = (await check('--workers', '1')).of('databases');
  await writeFile(file, content);
  assert.equal(found?.verdict, 'problem');
  assert.match(found?.text ?? '', /annotations\.db: expected twoskip, skiplist or flat, found SQLite/);
  assert.match(found?.advice ?? '', /cvt_cyrusdb/);
});

test('a run of some users warns of locks that nobody looks at, as one of everybody does', async () => {
  const settings = join(pair.master.directory, 'other.ini');
  await writeFile(settings, `user_lock = ${wrong}\n`);
  const locks = join(pair.master.configDirectory, 'lock');
  for (const args of [['-u', 'nobody'], ['-1']]) {
    // What a run with that setting leaves behind looks like Cyrus's own.
    for (const entry of readdirSync(locks, { withFileTypes: true })) {
      if (entry.isDirectory() === (wrong === 'inbox') && entry.name.startsWith('*U*'))
        rmSync(join(locks, entry.name), { recursive: true });
    }
    const { stderr } = await syncClient(pair.master, [...args, '--settings', settings]);
    assert.match(
      stderr,
      new RegExp(`^sync_client: Cyrus names its locks of users by ${right}, and we by ${wrong}`, 'm'),
      args.join(' '),
    );
  }
});

test('a login that is refused, and one that is no administrator, are problems', async () => {
  pair.master.configure('sync_password', 'wrong');
  await pair.master.writeConfiguration();
  assert.match((await check('--workers', '1')).of('replica')[0]?.text ?? '', /^AUTHENTICATION_FAILED/);
  pair.master.configure('sync_password', 'test-secret');
  await pair.master.writeConfiguration();
  pair.replica.configure('admins', 'somebody-else');
  await pair.replica.writeConfiguration();
  await pair.replica.halt();
  await pair.replica.start();
  const { code, findings } = await check('--workers', '1');
  pair.replica.configure('admins', ADMIN);
  await pair.replica.writeConfiguration();
  await pair.replica.halt();
  await pair.replica.start();
  assert.equal(code, 1);
  const refused = findings.filter(({ check: name }) => name === 'replica' || name === 'administrator');
  assert.equal(refused.at(-1)?.verdict, 'problem');
  assert.match(refused.at(-1)?.advice ?? '', /admins/);
});
