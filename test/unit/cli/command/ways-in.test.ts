import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { checkEnvironment, TREACHEROUS_VARIABLES } from '../../../../src/cli/start/check-environment.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { freePorts } from '../../../lab/free-ports.ts';
import {
  ENTRY,
  LAUNCHER,
  processWith,
  SANDBOX_ENTRY,
  SANDBOX_LAUNCHER,
  type Started,
  signalIs,
  startCommand,
  VERBS_LAUNCHER,
} from '../../../lab/start-command.ts';

/*
 * Contract: nobody but its own user gets a program into the command. A debugger that Node would open for a signal stays
 * closed from the start of the process on, and the environment loads no code.
 */

const { SIGUSR1, SIGUSR2 } = constants.signals;

let directory: string;
let config: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ways-in-'));
  config = join(directory, 'imapd.conf');
  const lines = [
    // How long a server may be silent, so that a run stays as it is for as long as a test looks at it.
    'client_timeout: 10m',
    `configdirectory: ${directory}/conf`,
    `partition-default: ${directory}/spool`,
    'defaultpartition: default',
  ];
  await mkdir(join(directory, 'conf'));
  await writeFile(config, `${[...lines, 'sync_host: 127.0.0.1', ''].join('\n')}`);
});

after(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Options of a run that only waits. */
const waiting = (): string[] => ['-C', config, '-w', '600', '-A'];
const waits = (run: Started) => () => run.stderr().includes('Waiting for 600 seconds');

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const open = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return open;
}

/** The effect of the signals is over by then. */
async function stopped(run: Started): Promise<string> {
  run.child.kill('SIGTERM');
  assert.equal(await run.end, 75, run.stderr());
  return run.stderr();
}

test('SIGUSR1 opens no debugger, however early and often it comes', async () => {
  const run = startCommand([LAUNCHER, ...waiting()]);
  // The shell that ignores it is gone in a moment, and then Node is there that listens.
  await run.until(() => signalIs('SigIgn', run.pid, SIGUSR1) || signalIs('SigCgt', run.pid, SIGUSR1));
  await run.until(waits(run), () => run.child.kill('SIGUSR1'));
  assert.doesNotMatch(await stopped(run), /Debugger listening/);
});

test('without the launcher a debugger that an early SIGUSR1 opened is closed', async (context) => {
  const [port = 0] = await freePorts(1);
  const run = startCommand([process.execPath, `--inspect-port=${port}`, ENTRY, ...waiting()]);
  // No signal ends it, should the debugger stay open.
  context.after(() => run.child.kill('SIGKILL'));
  await run.until(() => signalIs('SigCgt', run.pid, SIGUSR1));
  await run.until(waits(run), () => run.child.kill('SIGUSR1'));
  const timesSaid = (what: RegExp) => [...run.stderr().matchAll(what)].length;
  await run.until(() => timesSaid(/Debugger listening/g) === timesSaid(/is closed$/gm));
  await stopped(run);
});

test('a debugger asked for by --inspect is closed, and that is said', async () => {
  const [port = 0] = await freePorts(1);
  const run = startCommand([process.execPath, `--inspect=${port}`, ENTRY, ...waiting()]);
  await run.until(waits(run));
  assert.match(run.stderr(), /^sync_client: a debugger .* was open at ws:.* and is closed$/m);
  assert.equal(await isOpen(port), false);
  await stopped(run);
});

test('SIGUSR2 and SIGHUP end no run, SIGUSR2 not from the first line of code on', async () => {
  const run = startCommand([LAUNCHER, ...waiting()]);
  // Node itself, before it runs any of that, ends at a SIGUSR2.
  await run.until(() => signalIs('SigCgt', run.pid, SIGUSR2));
  await run.until(waits(run), () => run.child.kill('SIGUSR2'));
  run.child.kill('SIGHUP');
  await stopped(run);
});

test('the process that -r leaves behind opens no debugger either', async () => {
  const run = startCommand([LAUNCHER, '-C', config, '-w', '600', '-r']);
  await run.until(waits(run));
  const left = processWith(config, run.pid);
  assert.ok(left.command.includes('--inspect-port=240.0.0.1:9229'));
  process.kill(left.pid, 'SIGUSR1');
  process.kill(left.pid, 'SIGTERM');
  // The pipes are its own too: they close with it.
  assert.equal(await run.end, 0);
  assert.doesNotMatch(run.stderr(), /Debugger listening/);
});

test('the installed command loads no code from its environment', async () => {
  const marker = join(directory, 'loaded');
  const code = join(directory, 'code.cjs');
  await writeFile(code, `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`);
  const environment = {
    NODE_OPTIONS: `--require ${code}`,
    NODE_V8_COVERAGE: join(directory, 'coverage'),
    NODE_REDIRECT_WARNINGS: join(directory, 'warnings'),
  };
  const run = startCommand([LAUNCHER, '--version'], environment);
  assert.equal(await run.end, 0, run.stderr());
  for (const each of ['loaded', 'coverage', 'warnings']) {
    assert.equal(existsSync(join(directory, each)), false, each);
  }
});

/** A folder that has everything in which packages look for their native parts, of which each can be loaded. */
async function foreignParts(): Promise<string> {
  const folder = join(directory, 'foreign');
  const modules = join(import.meta.dirname, '../../../../../node_modules');
  const parts: [from: string, to: string][] = [
    ['@lmdb/lmdb-linux-x64', '.'],
    ['@lmdb/lmdb-linux-x64', 'lmdb/prebuilds/linux-x64'],
    ['@msgpackr-extract/msgpackr-extract-linux-x64', 'msgpackr/prebuilds/linux-x64'],
  ];
  for (const [from, to] of parts) await cp(join(modules, from), join(folder, to), { recursive: true });
  return folder;
}

test('the environment names no folder that native parts of packages are loaded from, whoever starts it', async () => {
  const foreign = await foreignParts();
  const elsewhere = `x64/../../../../../../../../../../../../../..${foreign}`;
  const environments: Record<string, string>[] = [
    { LMDB_PREBUILD: join(foreign, 'lmdb') },
    { MSGPACKR_EXTRACT_PREBUILD: join(foreign, 'msgpackr') },
    { npm_config_arch: elsewhere },
    { npm_config_platform: `linux-${elsewhere}/.` },
  ];
  for (const environment of environments) {
    for (const command of [[SANDBOX_LAUNCHER], [process.execPath, SANDBOX_ENTRY]]) {
      const run = startCommand([...command, '-d', join(directory, 'loads')], {
        SYNC_SANDBOX_PASSWORD: 'x',
        ...environment,
      });
      await run.until(() => run.stdout().includes('listening on'));
      const files = readFileSync(`/proc/${run.pid}/maps`, 'utf8');
      run.child.kill('SIGTERM');
      assert.equal(await run.end, 0);
      assert.ok(!files.includes(foreign), `${command[0]}: ${JSON.stringify(environment)}`);
      assert.match(files, /node_modules\/@lmdb\/\S+\.node$/m, 'what is loaded can be told');
    }
  }
});

test('the queue of a fleet takes its native part from nowhere else either', async () => {
  const folder = join(directory, 'no-native-part');
  await mkdir(join(folder, 'prebuilds', 'linux-x64'), { recursive: true });
  await writeFile(join(folder, 'prebuilds', 'linux-x64', 'node.napi.glibc.node'), 'cannot be loaded');
  const plan = join(directory, 'plan.json');
  const sums = { users: 1, messages: 0, octets: 0, seconds: 0 };
  const slice = { ...sums, id: 's0', wave: 'w', master: 'm', replica: 'r', round: 1, users: ['anna'] };
  const sides = { masters: [{ name: 'm', slices: 1 }], replicas: [{ name: 'r', server: 'r', slices: 1 }] };
  await writeFile(
    plan,
    JSON.stringify({
      ...{ schema: 'cyrus-sync-fleet-plan', version: 1, fleet: 'f', unfit: [], ...sides, ...sums },
      waves: [{ name: 'w', ...sums, slices: [slice] }],
    }),
  );
  const words = ['fleet', 'start', plan, '--queue', join(directory, 'queue')];
  const run = startCommand([VERBS_LAUNCHER, ...words], { LMDB_PREBUILD: folder });
  assert.equal(await run.end, 0, run.stderr());
});

test('the sandbox too, started as root without the launcher, refuses an environment that may have loaded code', async () => {
  const run = startCommand([process.execPath, SANDBOX_ENTRY, '-d', join(directory, 'as-root')], {
    SYNC_SANDBOX_PASSWORD: 'x',
    NODE_PATH: directory,
  });
  await run.until(() => run.stderr().includes('\n') || run.stdout().includes('listening on'));
  if (run.stdout() !== '') run.child.kill('SIGTERM');
  const code = await run.end;
  if (process.geteuid?.() !== 0) return assert.equal(code, 0);
  assert.match(run.stderr(), /^sync_sandbox: started as root with NODE_PATH in the environment/);
  assert.equal(code, 78);
});

test('as root, without the launcher, an environment that may have loaded code is refused', () => {
  for (const name of TREACHEROUS_VARIABLES) {
    assert.throws(
      () => checkEnvironment({ PATH: '/bin', [name]: 'x' }, 0),
      (error) => error instanceof SyncError && error.code === 'CONFIG' && error.message.includes(name),
    );
  }
  checkEnvironment({ NODE_OPTIONS: '--require x' }, 1000);
  checkEnvironment({ PATH: '/bin', NODE_ENV: 'production', UV_THREADPOOL_SIZE: '8' }, 0);
});

test('the launcher leaves out what the command refuses', () => {
  const text = readFileSync(LAUNCHER, 'utf8').replaceAll('\\\n', ' ');
  const unset = /^unset (.*)$/m.exec(text)?.[1]?.trim().split(/ +/);
  assert.deepEqual(unset?.toSorted(), TREACHEROUS_VARIABLES.toSorted());
});

test('without Node the command says what is missing', async () => {
  const run = startCommand([LAUNCHER, '--version'], { PATH: '/nonexistent' });
  assert.equal(await run.end, 78);
  assert.match(run.stderr(), /^sync_client: Node is not installed .*\/nonexistent/);
});

test('SIGUSR1 makes a run say how things stand', async () => {
  // Takes the connection and says nothing.
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const connected = once(silent, 'connection');
  const run = startCommand([LAUNCHER, '-C', config, '-S', `127.0.0.1:${port}`, '-u', 'anna', 'bob']);
  const [socket] = await connected;
  run.child.kill('SIGUSR1');
  await run.until(() => run.stderr().includes('\n'));
  assert.match(
    run.stderr(),
    /^sync_client: status: state=<connecting> users=<0\/2> synced=<0> .* left=<2> connections=<0> .*\n$/,
  );
  silent.close();
  socket.destroy();
  await stopped(run);
});

/** A list of mailboxes that names one which was deleted. */
const LIST = inflateRawSync(
  Buffer.from(
    'W8jUzVtSnl+cnVmgkJaZk8oAAYzYacYdyPTFAmkVW3kGJMAYwDBCwU3eH/tBtDYjAycDA4MVuvzfxq164l0+Z0qLU4v00vPzUlU1PBXMkgyTTZPNUnUNDAwMdE1AhAWIMEAAQwVfBUNzGE8hRCFFE2weAA==',
    'base64',
  ),
);

test('SIGUSR1 makes each verb that lasts say what it is at', async () => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const server = ['-C', config, '-S', `127.0.0.1:${port}`];
  const list = join(directory, 'conf', 'mailboxes.db');
  await writeFile(list, LIST);
  const verbs: [words: string[], told: RegExp][] = [
    [['plan', ...server, '-u', 'anna'], /status: state=<connecting> users=<0\/1> /],
    [['check', ...server], /^cyrus-sync: status: state=<checking> findings=<\d+> last=<\w*>$/m],
    [
      ['fleet', 'agent', '-C', config, '--master', 'm1', '--queue', join(directory, 'no-queue')],
      /^cyrus-sync: status: step=<agent> fleet=<fleet>$/m,
    ],
  ];
  for (const [words, told] of verbs) {
    const run = startCommand([VERBS_LAUNCHER, ...words]);
    await run.until(() => signalIs('SigCgt', run.pid, SIGUSR1));
    await run.until(
      () => told.test(run.stderr()),
      () => run.child.kill('SIGUSR1'),
    );
    run.child.kill('SIGKILL');
    await run.end;
  }
  silent.close();
  await rm(list);
});

test('SIGUSR1 makes the sandbox say what it holds', async () => {
  const run = startCommand([SANDBOX_LAUNCHER, '-d', join(directory, 'sandbox')], {
    SYNC_SANDBOX_PASSWORD: 'x',
  });
  await run.until(() => run.stdout().includes('listening on'));
  run.child.kill('SIGUSR2');
  run.child.kill('SIGUSR1');
  await run.until(() => run.stderr().includes('\n'));
  assert.equal(run.stderr(), 'status: connections=<0> users=<0> mailboxes=<0> messages=<0>\n');
  run.child.kill('SIGTERM');
  assert.equal(await run.end, 0);
});
