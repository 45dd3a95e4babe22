import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { leavingUntouched } from '../../lab/leaving-untouched.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

/** Older ones keep them as files alone, so that the master's always take the place of the replica's. */
const IN_MAILBOX = PROGRAMS.keepScriptsInMailbox;

let pair: Pair;
let sides: Sides;
let last = 0;

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

const KEEP = 'keep;\r\n';
const DISCARD = 'discard;\r\n';
const STOP = 'stop;\r\n';

async function newUser(): Promise<string> {
  last += 1;
  const user = `s${last}`;
  await sides.master.create(`user/${user}`, ['inbox']);
  return user;
}

/** The scripts of a user as files, as Cyrus kept them up to 3.4: exactly these, and this one active. */
async function scriptFiles(
  server: CyrusServer,
  user: string,
  scripts: Record<string, string>,
  active?: string,
): Promise<string> {
  const directory = (await server.runOk('mbpath', ['-u', '-S', user])).stdout.trim();
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  giveToCyrus(join(server.configDirectory, 'sieve'));
  for (const [name, content] of Object.entries(scripts)) {
    await writeFile(join(directory, `${name}.script`), content);
    giveToCyrus(directory);
    await server.runOk('sievec', [join(directory, `${name}.script`), join(directory, `${name}.bc`)]);
  }
  if (active !== undefined) await symlink(`${active}.bc`, join(directory, 'defaultbc'));
  giveToCyrus(directory);
  return directory;
}

async function putScripts(server: CyrusServer, user: string, scripts: Record<string, string>): Promise<void> {
  await using client = await SieveClient.login(server, user);
  for (const [name, content] of Object.entries(scripts)) await client.put(name, content);
}

/** Name and content of each script; an active one's name has a star. */
async function scriptsOf(server: CyrusServer, user: string): Promise<Record<string, string>> {
  await using client = await SieveClient.login(server, user);
  const scripts = await client.scripts();
  return Object.fromEntries(
    scripts.map(({ name, active, content }) => [active ? `${name}*` : name, content]),
  );
}

/** Mail that is delivered to the user goes through the active script: its compiled form is there. */
async function activeFile(server: CyrusServer, user: string): Promise<boolean> {
  const directory = (await server.runOk('mbpath', ['-u', '-S', user])).stdout.trim();
  const files: string[] = await readdir(directory).catch(() => []);
  return files.includes('defaultbc');
}

test("the master's own server moves the files into #sieve, which then is the same mailbox on both sides", async () => {
  const user = await newUser();
  await scriptFiles(pair.master, user, { one: KEEP, two: DISCARD }, 'two');
  await syncClientOk(pair.master, ['-u', user]);
  assert.deepEqual(await scriptsOf(pair.replica, user), { one: KEEP, 'two*': DISCARD });
  assert.deepEqual(await scriptsOf(pair.master, user), { one: KEEP, 'two*': DISCARD });
  assert.equal(await activeFile(pair.replica, user), true);
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
  await assertNothingLeft(pair);
});

test('-s alone brings script files over too', async () => {
  const user = await newUser();
  await syncClientOk(pair.master, ['-u', user]);
  await scriptFiles(pair.master, user, { one: KEEP }, 'one');
  await syncClientOk(pair.master, ['-s', user]);
  assert.deepEqual(await scriptsOf(pair.replica, user), { 'one*': KEEP });
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
});

test('files on a master that must not be changed: upload, edit, activation, deactivation and removal arrive', async () => {
  const user = await newUser();
  const settings = join(pair.master.directory, 'none.ini');
  await writeFile(settings, 'master = none\n');
  const states: [
    scripts: Record<string, string>,
    active: string | undefined,
    seen: Record<string, string>,
  ][] = [
    [{ one: KEEP, two: DISCARD }, 'one', { 'one*': KEEP, two: DISCARD }],
    [{ one: STOP, two: DISCARD }, 'one', { 'one*': STOP, two: DISCARD }],
    [{ one: STOP, two: DISCARD }, 'two', { one: STOP, 'two*': DISCARD }],
    [{ one: STOP, two: DISCARD }, undefined, { one: STOP, two: DISCARD }],
    [{ two: DISCARD }, 'two', { 'two*': DISCARD }],
    [{}, undefined, {}],
    [{ three: KEEP }, 'three', { 'three*': KEEP }],
  ];
  for (const [scripts, active, seen] of states) {
    await scriptFiles(pair.master, user, scripts, active);
    for (const mode of ['-u', '-s']) {
      const options = mode === '-u' ? ['--settings', settings] : ['-O'];
      await leavingUntouched([sides.master], () => syncClientOk(pair.master, [...options, mode, user]));
      assert.deepEqual(await scriptsOf(pair.replica, user), seen, `${mode} of ${JSON.stringify(scripts)}`);
      assert.equal(await activeFile(pair.replica, user), active !== undefined);
    }
  }
});

test('files go to an imapd all of whose idle processes another client has left with #sieve as a mailbox', async () => {
  const user = await newUser();
  const settings = join(pair.master.directory, 'none.ini');
  await writeFile(settings, 'master = none\n');
  pair.master.configure('imapd_sync_port', String(pair.replica.imapPort));
  pair.master.configure('imapd_sync_try_imap', '1');
  await pair.master.writeConfiguration();
  const options = ['--settings', settings, '-n', 'imapd', '-u', user];
  const replicate = () => syncClientOk(pair.master, options);
  await scriptFiles(pair.master, user, { one: KEEP, two: DISCARD }, 'one');
  await replicate();
  await leaveEnabled(pair.replica, 4);
  await scriptFiles(pair.master, user, { two: DISCARD });
  await replicate();
  assert.deepEqual(await scriptsOf(pair.replica, user), { two: DISCARD });
  await leaveEnabled(pair.replica, 4);
  // A server of 3.2 leaves the compiled form of a removed script, which the next run removes.
  if (!IN_MAILBOX) await replicate();
  const { code, stdout } = await cyrusSync(pair.master, 'verify', options);
  assert.equal(code, 0, stdout);
});

/** Leaves as many processes of an imapd as a client of replication does. */
async function leaveEnabled(server: CyrusServer, processes: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: processes }, () => server.imap()));
  if (IN_MAILBOX) for (const client of clients) await client.ok('SYNCAPPLY CAPABILITIES (SIEVE-MAILBOX)');
  for (const client of clients) await client.logout();
}

test('scripts changed on both sides since: both changes are kept', async () => {
  const user = await newUser();
  await scriptsOf(pair.master, user);
  await putScripts(pair.master, user, { shared: KEEP });
  await syncClientOk(pair.master, ['-u', user]);
  await putScripts(pair.master, user, { mine: STOP });
  await putScripts(pair.replica, user, { theirs: DISCARD });
  await syncClientOk(pair.master, ['-u', user]);
  const theirs = IN_MAILBOX ? { theirs: DISCARD } : {};
  for (const server of [pair.master, pair.replica]) {
    assert.deepEqual(await scriptsOf(server, user), { mine: STOP, shared: KEEP, ...theirs }, server.name);
  }
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
});

test('a #sieve that was made of script files gives way to the one that the master makes of them later', async () => {
  const user = await newUser();
  await scriptFiles(pair.master, user, { one: KEEP, two: DISCARD }, 'two');
  await leavingUntouched([sides.master], () => syncClientOk(pair.master, ['-O', '-u', user]));
  assert.deepEqual(await scriptsOf(pair.replica, user), { one: KEEP, 'two*': DISCARD });
  // A ManageSieve login moves the files.
  assert.deepEqual(await scriptsOf(pair.master, user), { one: KEEP, 'two*': DISCARD });
  await syncClientOk(pair.master, ['-u', user]);
  assert.deepEqual(await scriptsOf(pair.replica, user), { one: KEEP, 'two*': DISCARD });
  assert.equal(await activeFile(pair.replica, user), true);
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
});

test('a #sieve of the replica with a script of its own does not give way', async () => {
  const user = await newUser();
  await scriptFiles(pair.master, user, { one: KEEP });
  await syncClientOk(pair.master, ['-O', '-u', user]);
  await putScripts(pair.replica, user, { mine: STOP });
  await scriptsOf(pair.master, user);
  const run = await syncClient(pair.master, ['-u', user]);
  if (!IN_MAILBOX) {
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(await scriptsOf(pair.replica, user), { one: KEEP });
    return;
  }
  assert.equal(run.code, 1);
  assert.match(
    run.stderr,
    new RegExp(`^${user}: .*#sieve: the replica has another mailbox of this name`, 'm'),
  );
  assert.deepEqual(await scriptsOf(pair.replica, user), { mine: STOP, one: KEEP });
});

// The names of Cassandane's tests; both sides begin with script files there.
const CASSANDANE: Record<
  string,
  { master: [Record<string, string>, string?]; replica: [Record<string, string>, string?] }
> = {
  sieve_replication: { master: [{ test1: KEEP }, 'test1'], replica: [{}] },
  sieve_replication_exists: { master: [{ test1: KEEP }, 'test1'], replica: [{ test1: KEEP }, 'test1'] },
  sieve_replication_different: { master: [{ test1: KEEP }, 'test1'], replica: [{ test2: STOP }] },
  sieve_replication_stale: { master: [{ test1: KEEP }, 'test1'], replica: [{ test1: DISCARD }] },
  sieve_replication_delete_unactivate: { master: [{}], replica: [{ test1: KEEP }, 'test1'] },
};

for (const separator of ['/', '.'] as const) {
  describe(`hierarchy separator ${separator}`, () => {
    let own: Pair;

    before(async () => {
      own = await startPair({ both: { imapd: { unixhierarchysep: separator === '/' ? 'yes' : 'no' } } });
    });

    after(async () => {
      await own?.stop();
    });

    for (const [name, { master, replica }] of Object.entries(CASSANDANE)) {
      for (const [how, options] of [
        ['moved on the master', []],
        ['as commands', ['-O']],
      ] as const) {
        test(`${name}${separator === '/' ? '_unixhs' : ''} (${how})`, async () => {
          last += 1;
          const user = `s${last}`;
          await using imap = await own.master.imap();
          await imap.ok(`CREATE user${separator}${user}`);
          await syncClientOk(own.master, ['-u', user]);
          await scriptFiles(own.master, user, ...master);
          await scriptFiles(own.replica, user, ...replica);
          await syncClientOk(own.master, [...options, '-u', user]);
          const [scripts, active] = master;
          const expected = Object.fromEntries(
            Object.entries(scripts).map(([script, content]) => [
              script === active ? `${script}*` : script,
              content,
            ]),
          );
          assert.deepEqual(await scriptsOf(own.replica, user), expected);
        });
      }
    }
  });
}

describe('a master that is read from its server', () => {
  test('has its server move the files, and loses none', async () => {
    const user = await newUser();
    await scriptFiles(pair.master, user, { first: KEEP, second: DISCARD }, 'first');
    await using stranger = await openStranger(pair.master, pair.replica);
    await stranger.runOk(['-u', user]);
    for (const server of [pair.master, pair.replica]) {
      assert.deepEqual(await scriptsOf(server, user), { 'first*': KEEP, second: DISCARD });
    }
    await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
  });

  test('keeps them where it must not be changed, and a server that would remove them is not asked', async () => {
    const user = await newUser();
    const directory = await scriptFiles(pair.master, user, { first: KEEP }, 'first');
    const files = await readdir(directory);
    await using stranger = await openStranger(pair.master, pair.replica);
    assert.equal((await stranger.verb(['plan', '-u', user])).code, 0);
    await stranger.runOk(['-O', '-u', user]);
    const verified = await stranger.verb(['verify', '-u', user]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    await using overCsync = await openStranger(pair.master, pair.replica, {
      over: 'csync',
      settings: { master: 'none' },
    });
    const refused = await overCsync.run(['-u', user]);
    assert.equal(refused.code, IN_MAILBOX ? 1 : 0, refused.stderr);
    if (IN_MAILBOX) assert.match(refused.stderr, /removes scripts that are files .*imapd with --from/);
    assert.deepEqual(await readdir(directory), files);
  });
});
