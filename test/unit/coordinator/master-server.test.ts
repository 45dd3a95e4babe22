import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type MasterLink, masterLink } from '../../../src/coordinator/pool/master-link.ts';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { programThatCannotStart, programThatDies } from '../../lab/dying-programs.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { until } from '../../lab/until.ts';

/* Contract: the master's own server is not the replica: its failures name it, and nothing of it is left behind. */

const cancelled = new SyncError('CANCELLED', 'the run is being stopped');

let directory: string;
let temporary: string;
const formerTemporary = process.env.TMPDIR;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'master-server-'));
  temporary = join(directory, 'tmp');
  await mkdir(temporary);
  await mkdir(join(directory, 'conf', 'socket'), { recursive: true });
  process.env.TMPDIR = temporary;
});

afterEach(async () => {
  if (formerTemporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = formerTemporary;
  await rm(directory, { recursive: true, force: true });
});

function linkTo(program: string, connect = connectReplica): MasterLink {
  const link = masterLink(
    {
      kind: 'private',
      program,
      configFile: join(directory, 'imapd.conf'),
      configdirectory: join(directory, 'conf'),
    },
    settingsFor('replica'),
    connect,
    () => {},
  );
  assert.ok(link);
  return link;
}

function leftovers(): string[] {
  return [...readdirSync(temporary), ...readdirSync(join(directory, 'conf', 'socket'))];
}

test('a server that cannot start is named, with how it ended and what it said', async () => {
  const program = await programThatCannotStart(directory);
  const link = linkTo(program);
  const error = await rejectsWith(link.connect(), 'CONFLICT', /exit code 75: cannot open the mail store$/);
  assert.ok(error.message.includes(program), error.message);
  assert.deepEqual([error.family, error.retryable], ['local', true], 'it may be able to start later');
  assert.deepEqual(leftovers(), []);
  await link.close();
});

test('a server that ends in the middle is named, is no end of the replica, and is started again', async () => {
  const program = await programThatDies(directory);
  const link = linkTo(program);
  for (let attempt = 0; attempt < 2; attempt++) {
    const { session } = await link.connect();
    const error = await rejectsWith(session.noop(), 'MASTER_SERVER_LOST', /SIGKILL: Fatal error: assertion$/);
    assert.ok(error.message.includes(program), error.message);
    assert.deepEqual([error.family, error.retryable, error.outstanding], ['local', true, undefined]);
  }
  await link.close();
  assert.deepEqual(leftovers(), []);
});

test('jobs that find it ended at the same time share one new server, and nothing is left of either', async () => {
  const sessions: ReplicaSession[] = [];
  const link = linkTo(await programThatDies(directory), async (...how) => {
    const session = await connectReplica(...how);
    sessions.push(session);
    return session;
  });
  const first = await link.connect();
  await rejectsWith(first.session.noop(), 'MASTER_SERVER_LOST');
  const again = await Promise.all([link.connect(), link.connect(), link.connect()]);
  assert.deepEqual([new Set(again).size, sessions.length], [1, 2]);
  await rejectsWith(first.session.noop(), 'MASTER_SERVER_LOST', /SIGKILL: Fatal error: assertion$/);
  await link.close();
  await until('both sessions have ended', () => sessions.every(({ broken }) => broken));
  assert.deepEqual(leftovers(), []);
});

test('a program that is not installed is no reason to try again', async () => {
  const error = await rejectsWith(linkTo(join(directory, 'none')).connect(), 'CONFLICT', /no such file/);
  assert.equal(error.retryable, false);
});

for (const end of ['cut', 'close'] as const) {
  test(`after ${end} it is not started again, and what waits for it fails`, async () => {
    const sessions: ReplicaSession[] = [];
    const link = linkTo(await programThatDies(directory), async (...how) => {
      const session = await connectReplica(...how);
      sessions.push(session);
      return session;
    });
    const { session } = await link.connect();
    await link[end](cancelled);
    await rejectsWith(session.noop(), end === 'cut' ? 'CANCELLED' : 'MASTER_SERVER_LOST');
    await rejectsWith(link.connect(), 'CANCELLED');
    await link.close();
    assert.equal(sessions.length, 1);
    assert.deepEqual(leftovers(), []);
  });
}

test('a server that is being started when all is cut is stopped', async () => {
  const link = linkTo(await programThatDies(directory));
  const waiting = rejectsWith(link.connect(), 'CANCELLED');
  await until('it is being started', () => leftovers().length > 0);
  link.cut(cancelled);
  await waiting;
  await link.close();
  assert.deepEqual(leftovers(), []);
});

test('what stands in the way of a start leaves no directory behind', async () => {
  // A socket's path has 107 octets at most.
  temporary = join(temporary, 'x'.repeat(100));
  await mkdir(temporary);
  process.env.TMPDIR = temporary;
  await assert.rejects(linkTo(await programThatDies(directory)).connect(), SyncError);
  assert.deepEqual(leftovers(), []);
});

test('a host that has no descriptors left for it costs the merge alone, and leaves no directory behind', async () => {
  const program = await programThatDies(directory);
  const module = fileURLToPath(new URL('../../../src/coordinator/pool/private-server.js', import.meta.url));
  const endpoint = { kind: 'private', program, configFile: '', configdirectory: join(directory, 'conf') };
  const script = `import { openSync, closeSync } from 'node:fs';
    import { startPrivateServer } from ${JSON.stringify(module)};
    const start = () => startPrivateServer(${JSON.stringify(endpoint)}, () => {});
    await start().stop();
    const open = [];
    try { for (;;) open.push(openSync('/dev/null')); } catch {}
    for (const file of open.slice(0, 2)) closeSync(file);
    const server = start();
    for (const file of open.slice(2)) closeSync(file);
    process.stdout.write(String(await server.ending()));
    await server.stop();`;
  const limited = ['--norc', '-c', 'ulimit -n 64 && exec "$@"', 'limited', process.execPath];
  const { stdout, stderr } = spawnSync('bash', [...limited, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.match(stdout, /^no process: spawn .* EMFILE$/);
  assert.deepEqual(leftovers(), []);
});

test('lock files of servers whose process was killed are removed, and no others', async () => {
  const dead = spawnSync('true').pid;
  const lock = (name: string) => join(directory, 'conf', 'socket', name);
  const [ofDead, ofOurs, ofCyrus] = [
    lock(`cyrus_sync-${dead * 256 + 3}.lock`),
    lock(`cyrus_sync-${process.pid * 256 + 200}.lock`),
    lock('imap-2.lock'),
  ];
  for (const each of [ofDead, ofOurs, ofCyrus]) writeFileSync(each, '');
  const link = linkTo(await programThatDies(directory));
  await link.connect();
  await link.close();
  assert.deepEqual([ofDead, ofOurs, ofCyrus].map(existsSync), [false, true, true]);
});
