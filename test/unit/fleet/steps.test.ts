import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import { DEFAULT_RULES } from '../../../src/fleet/queue/fleet-queue.ts';
import { loadPackage } from '../../../src/fleet/queue/load-package.ts';
import { runProcess, startProcess, type ToolResult } from '../../lab/processes.ts';
import { startPostgres, startRedis } from '../../lab/queue-servers.ts';
import { resultOf } from './slices.ts';

const DIST = join(import.meta.dirname, '..', '..', '..');
const ENVIRONMENT = { CYRUS_USER: userInfo().username, CYRUS_SYNC_QUEUE: '' };

test('what is wrong with a step of a fleet is said in one line, and nothing is begun', async () => {
  await using scene = await stepScene();
  await using redis = await startRedis(['requirepass right']);
  await using other = await startRedis();
  await writeFile(
    join(scene.directory, 'unknown.ini'),
    scene.inventory.replace('masters = m1', 'masters = m9'),
  );
  const mistakes: [words: string, code: number, told: RegExp][] = [
    ['', 64, /expected a step: sizes, plan, start/],
    ['plan', 64, /expected cyrus-sync fleet plan FILE, found 0 names/],
    [
      'plan unknown.ini',
      78,
      /unknown.ini:\d+: masters in \[wave pilot\]: expected names of \[master NAME\] \(m1\), found "m9"/,
    ],
    ['start fleet.ini', 78, /fleet.ini: expected the plan of a fleet, as JSON/],
    ['start nothing.json', 1, /nothing.json: expected a plan, but it cannot be read/],
    [
      'status --fleet ../elsewhere',
      64,
      /option --fleet expects letters, digits, - and _, found "..\/elsewhere"/,
    ],
    [
      'status --queue redis://127.0.0.1:1',
      1,
      /the queue redis:\/\/127.0.0.1:1 cannot be reached: .*\(Check --queue/,
    ],
    [`status --queue ${redis.address}`, 1, /refuses the login: .*redis:\/\/USER:PASSWORD@HOST:PORT/],
    [`status --queue ${redis.address.replace('//', '//:wrong@')}`, 1, /refuses the login: WRONGPASS/],
    ['status --lease 5s', 64, /expected --lease with agent alone, found it with status/],
    ['start plan.json --agent-name me', 64, /expected --agent-name with agent alone, found it with start/],
    ['agent --lease 1s', 64, /option --lease expects .* from 2s to 3600s, found "1s"/],
    ['agent --master m1 -C /nowhere/imapd.conf', 78, /\/nowhere\/imapd.conf: expected a readable config/],
    [
      'agent --master m1 --settings /nowhere/settings',
      78,
      /\/nowhere\/settings: expected a readable settings/,
    ],
    ['agent --master m1 --log-file /nowhere/log', 64, /--log-file: expected a file that can be written/],
    [
      'agent',
      78,
      /imapd.conf:2: expected no partition-default.*\(an agent on a master is told so with --master NAME/,
    ],
    ['agent --until-done --master m1', 64, /expected a fleet that was started, found none/],
    ['status', 64, /expected a fleet that was started, found none called "fleet" on the queue/],
    [`status --queue ${other.address}`, 64, /found none called "fleet" on the queue redis:\/\/127/],
    ['users failed', 64, /expected a fleet that was started/],
  ];
  for (const [words, expected, told] of mistakes) {
    const { code, stdout, stderr } = await scene.step(words);
    assert.match(stderr, told, words);
    assert.doesNotMatch(stderr, /wrong@|^ {4}at /m);
    assert.equal(stderr.split('\n').filter((line) => line.startsWith('cyrus-sync: ')).length, 1, stderr);
    assert.deepEqual([code, stdout], [expected, ''], words);
  }
});

test('whoever asks for a fleet that is not there is told so and which are, and leaves nothing behind', async () => {
  await using scene = await stepScene();
  await using redis = await startRedis();
  await using postgres = await startPostgres();
  const report = join(scene.directory, 'kept.json');
  await writeFile(report, 'what was there');
  const asking = [
    ...['status', 'status --watch', 'users failed', 'users slow', 'pause all', 'resume all', 'limit r1=2'],
    ...['cancel anna', 'retry failed', 'report new.json', 'report kept.json', 'report -'],
    ...['agent --until-done --master m1'],
  ];
  const nowhere = join(scene.directory, 'typed-wrong');
  const before = await readdir(scene.directory);
  for (const queue of [nowhere, redis.address, postgres.address]) {
    // A server is asked by few of them, as each is a process.
    for (const words of queue === nowhere
      ? asking
      : ['status', 'report new.json', 'agent --until-done --master m1']) {
      const { code, stdout, stderr } = await scene.step(`${words} --queue ${queue}`);
      assert.match(
        stderr,
        /^cyrus-sync: expected a fleet that was started, found none.*fleet start PLAN/,
        words,
      );
      assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [64, '', 1], words);
    }
  }
  assert.deepEqual(await readdir(scene.directory), before);
  assert.equal(await readFile(report, 'utf8'), 'what was there');
  const { Redis } = loadPackage<typeof import('ioredis')>('ioredis');
  const redisClient = new Redis(redis.address);
  assert.deepEqual(await redisClient.keys('*'), []);
  redisClient.disconnect();
  const { Client } = loadPackage<typeof import('pg')>('pg');
  const client = new Client({ connectionString: postgres.address });
  await client.connect();
  assert.equal((await client.query("SELECT FROM pg_namespace WHERE nspname = 'cyrus_sync'")).rowCount, 0);
  await client.end();
  await scene.ok('start plan.json', /^3 slices/);
  const { stderr } = await scene.step('status --fleet autunm');
  assert.match(stderr, /found none called "autunm" on the queue .*queue, but fleet \(/);
  assert.deepEqual(await readdir(join(scene.directory, 'queue')), ['fleet']);
  await scene.ok('report new.json', /^$/);
  assert.equal(JSON.parse(await readFile(join(scene.directory, 'new.json'), 'utf8')).counts.all, 3);
});

test('a plan that is larger than a pipe holds comes whole', async () => {
  await using scene = await stepScene();
  const users = Array.from({ length: 20_000 }, (_, at) => `user${at}@example.org\t100000000\t1000\n`);
  await writeFile(join(scene.directory, 'm1.users'), users.join(''));
  const { code, stdout } = await scene.step('plan fleet.ini --json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).users, users.length);
});

test('a queue on a server without its packages is refused with how to install them', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'fleet-bare-'));
  for (const part of ['bin', 'src/bundled/programs']) {
    await mkdir(join(bare, part), { recursive: true });
    await cp(join(DIST, part), join(bare, part), { recursive: true });
  }
  await cp(join(DIST, '..', 'package.json'), join(bare, 'package.json'));
  await mkdir(join(bare, 'node_modules'));
  await symlink(join(DIST, '..', 'node_modules', 'koffi'), join(bare, 'node_modules', 'koffi'));
  for (const address of ['redis://127.0.0.1:1', 'postgres://127.0.0.1:1/db']) {
    const { code, stderr } = await fleetOf(bare, ['status', '--queue', address]);
    assert.equal(code, 78);
    assert.match(
      stderr,
      /^cyrus-sync: expected the package bullmq, .* found none \(As root: npm install -g bullmq@6 ioredis.*\)\n/,
    );
  }
  await rm(bare, { recursive: true });
});

test('users and waves are cancelled and come again, replicas are paused and limited, and each says what it has done', async () => {
  await using scene = await stepScene();
  await scene.ok('start plan.json', /^3 slices of 3 users on the queue/);
  await scene.ok('start plan.json', /, 3 of them were there already$/m);
  await scene.ok('limit r1=3', /^r1 is given 3 slices at once$/m);
  await scene.ok('pause all', /^r1 is paused; what is under way is finished\nr2 is paused/m);
  await scene.ok('status', /^paused: 0 of 3 users proven/m);
  await scene.ok('resume r2', /^r2 is not paused$/m);
  await scene.ok('status', /replica r1 +0 of 3 slices, paused\n +replica r2 +0 of 2 slices$/m);
  await scene.ok('cancel anna', /^anna is cancelled/);
  await scene.ok('status', /wave pilot +0 of 1 proven, 0 to do, 1 cancelled$/m);
  await scene.ok('cancel rest', /^rest is cancelled/);
  await scene.ok('status', /^cancelled: 0 of 3 users proven/m);
  await scene.ok('retry anna', /^come again: 1 user$/m);
  await scene.ok('status', /wave pilot +0 of 1 proven, 1 to do$/m);
  for (const [words, told] of [
    ['retry anna', /expected somebody who needs a person or is cancelled, found "anna", who is left/],
    ['retry pilot', /expected somebody who needs a person or is cancelled, found nobody such in wave pilot/],
    ['retry bob', /expected retry rest, as all of that wave is cancelled/],
    ['retry nobody', /expected a user or wave of the fleet, found "nobody"/],
    ['cancel nobody', /expected a user or wave of the fleet, found "nobody"/],
    ['limit r9=1', /expected all or a replica of the fleet \(r1, r2\), found "r9"/],
    ['limit r1=0', /expected limit REPLICA=N, with N from 1 to 1000, found "r1=0"; pause holds a replica/],
    ['users fast', /expected users failed or users slow, found "fast"/],
    ['agent --until-done --master m9', /option --master expects masters of the fleet \(m1\), found "m9"/],
  ] as const) {
    const { code, stderr } = await scene.step(words);
    assert.match(stderr, told);
    assert.equal(code, 64);
  }
  await scene.ok('retry rest', /^come again: 2 users$/m);
  await scene.ok('status', /wave rest +0 of 2 proven, 2 to do$/m);
  await scene.ok('users slow', /^$/);
});

test('a user who is called as a wave is, or as a word, is taken for neither', async () => {
  await using scene = await stepScene('rest\t0\t0\nfailed\t0\t0\n');
  await scene.ok('start plan.json', /^3 slices of 5 users/);
  for (const step of ['cancel', 'retry']) {
    const { code, stderr } = await scene.step(`${step} rest`);
    const told = `expected ${step} user rest or ${step} wave rest, as there are both, found ${step} rest`;
    assert.deepEqual([code, stderr], [64, `cyrus-sync: ${told}\n`]);
  }
  await scene.ok('cancel user rest', /^rest is cancelled/);
  await scene.ok('status', /wave rest +0 of 4 proven, 3 to do, 1 cancelled$/m);
  await scene.ok('cancel wave rest', /^rest is cancelled/);
  await scene.ok('status', /wave rest +0 of 4 proven, 0 to do, 4 cancelled$/m);
  await scene.ok('retry wave rest', /^come again: 3 users$/m);
  await scene.ok('retry user rest', /^come again: 1 user$/m);
  await scene.ok('cancel user failed', /^failed is cancelled/);
  await scene.ok('retry failed', /^come again: 0 users$/m);
  await scene.ok('retry user failed', /^come again: 1 user$/m);
  for (const [words, told] of [
    ['cancel wave anna', /expected a wave of the fleet, found "anna"/],
    ['cancel user pilot', /expected a user of the fleet, found "pilot", which is on no slice/],
    ['cancel anna bob', /expected cyrus-sync fleet cancel \[user\|wave\] NAME, found 2 names/],
  ] as const) {
    const { code, stderr } = await scene.step(words);
    assert.match(stderr, told);
    assert.equal(code, 64);
  }
});

test('who is proven cannot be cancelled any more, and is told so', async () => {
  await using scene = await stepScene();
  await scene.ok('start plan.json', /^3 slices/);
  {
    await using queue = await EmbeddedQueue.open(join(scene.directory, 'queue', 'fleet'), DEFAULT_RULES);
    for (const replica of ['r1', 'r2']) {
      const claim = await queue.claim([{ master: 'm1', replica }], 'agent');
      assert.ok(await claim?.finish(resultOf(claim.slice)));
    }
  }
  const proven: string[] = [];
  for (const user of ['anna', 'bob', 'carl']) {
    const { code, stderr } = await scene.step(`cancel ${user}`);
    if (code === 0) continue;
    assert.match(stderr, /expected somebody who is still to be moved, found "[a-z]+", who is proven/);
    proven.push(user);
  }
  assert.equal(proven.length, 2);
});

test('what cannot be printed whole does not end with 0, and says why', async () => {
  await using scene = await stepScene();
  await scene.ok('start plan.json', /^3 slices/);
  for (const words of ['plan fleet.ini --json', 'status', 'status --watch', 'report -', 'users slow']) {
    const { code, stderr } = await scene.through('exec "$@" > /dev/full', words);
    assert.deepEqual(
      [code, stderr],
      [
        1,
        'cyrus-sync: standard output cannot be written: ENOSPC: no space left on device, write (What was printed is not whole; look whether its disk is full)\n',
      ],
      words,
    );
  }
});

test('status --watch ends with its reader', async () => {
  await using scene = await stepScene();
  await scene.ok('start plan.json', /^3 slices/);
  for (const words of ['status --watch', 'status --watch --json']) {
    const { code, stdout, stderr } = await scene.through('"$@" | head -n 1', words);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /waiting/);
  }
});

test('a queue whose disk takes nothing more is told of with its place, and what was there stays', async () => {
  await using scene = await stepScene();
  const users = Array.from({ length: 20_000 }, (_, at) => `user${at}@example.org\t100000000\t1000\n`);
  await scene.ok('start plan.json', /^3 slices/);
  await writeFile(join(scene.directory, 'm1.users'), users.join(''));
  const { stdout: larger } = await scene.step('plan fleet.ini --json');
  await writeFile(join(scene.directory, 'larger.json'), larger);
  // Kibibytes: a file that may not grow is to a program what a full disk is.
  const { code, stderr } = await scene.through('ulimit -f 256; exec "$@"', 'add larger.json');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^cyrus-sync: the queue \/.*\/queue\/fleet does not answer: .* \(Look whether the disk of that directory is full;.*\)\n$/,
  );
  await scene.ok('status', /^waiting: 0 of \d+ users proven/);
  await scene.ok('add larger.json', /slices of 20000 users/);
});

test('status --watch says that a queue is away, and goes on when it is back', async () => {
  await using scene = await stepScene();
  await using redis = await startRedis();
  await scene.ok(`start plan.json --queue ${redis.address}`, /^3 slices/);
  const watching = startProcess(commandOf(DIST, ['status', '--watch', '--queue', redis.address]), {
    env: ENVIRONMENT,
  });
  watching.endInput();
  await watching.waitForOutput((stdout) => stdout.includes('waiting: 0 of 3 users'));
  await redis.kill();
  await watching.waitForOutput((stdout) => stdout.includes('no answer: the queue redis:'));
  await redis.start();
  await watching.waitForOutput((stdout) => /no answer.*waiting: 0 of 3 users/s.test(stdout));
  watching.kill('SIGINT');
  assert.equal((await watching.result).code, 0);
});

/** @param more users, besides those of the plan */
async function stepScene(more = '') {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-steps-'));
  const inventory = [
    ...['[master m1]', 'users = m1.users', '[replica r1]', 'server = r1', '[replica r2]', 'server = r2'],
    ...[
      '[wave pilot]',
      'match = a*',
      'masters = m1',
      'replicas = r1',
      '[wave rest]',
      'replicas = r1, r2',
      '',
    ],
  ].join('\n');
  await writeFile(join(directory, 'fleet.ini'), inventory);
  await writeFile(join(directory, 'm1.users'), `anna\t1000\t20\nbob\t9000000000\t10\ncarl\t0\t0\n${more}`);
  await writeFile(
    join(directory, 'imapd.conf'),
    `configdirectory: ${directory}\npartition-default: ${directory}\n`,
  );
  const scene = {
    ...{ directory, inventory },
    argsOf(words: string): string[] {
      const args = words
        .split(' ')
        .map((word) => (/\.(ini|json)$/.test(word) ? join(directory, word) : word));
      const queue = words.includes('--queue') ? [] : ['--queue', join(directory, 'queue')];
      const isAgent = words.startsWith('agent') && !words.includes(' -C ');
      const conf = isAgent ? ['-C', join(directory, 'imapd.conf')] : [];
      return [...args.filter((arg) => arg !== ''), ...queue, ...conf];
    },
    async step(words: string): Promise<ToolResult> {
      return await fleetOf(DIST, scene.argsOf(words));
    },
    /** @param script of a shell, for which `"$@"` is the step */
    async through(script: string, words: string): Promise<ToolResult> {
      const command = [
        'bash',
        '-o',
        'pipefail',
        '-c',
        script,
        'bash',
        ...commandOf(DIST, scene.argsOf(words)),
      ];
      return await runProcess(command, { env: ENVIRONMENT });
    },
    async ok(words: string, told: RegExp): Promise<void> {
      const { code, stdout, stderr } = await scene.step(words);
      assert.equal(code, 0, stderr);
      assert.match(stdout, told);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
  const { stdout, stderr } = await scene.step('plan fleet.ini --json');
  assert.equal(stderr, '');
  await writeFile(join(directory, 'plan.json'), stdout);
  return scene;
}

/** A step of the program in a folder, as the user of the tests. */
async function fleetOf(folder: string, args: readonly string[]): Promise<ToolResult> {
  return await runProcess(commandOf(folder, args), { env: ENVIRONMENT });
}

function commandOf(folder: string, args: readonly string[]): string[] {
  return [process.execPath, join(folder, 'bin', 'cyrus-sync.cjs'), 'fleet', ...args];
}
