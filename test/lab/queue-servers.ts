import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readdirSync } from 'node:fs';

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { until } from './until.ts';

/** Where Debian's package puts the programs of the server. */
const POSTGRES_VERSIONS = '/usr/lib/postgresql';

/** A server that a fleet may have its queue on, of Debian's package, with a directory of its own. */
export interface QueueServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Where its files are. */
  readonly directory: string;
  readonly pid: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again over what is on its disk. */
  start(): Promise<void>;
}

/** @param settings lines of redis.conf */
export async function startRedis(settings: readonly string[] = []): Promise<QueueServer> {
  const directory = await mkdtemp(join(tmpdir(), 'redis-'));
  const [port = 0] = await freePorts(1);
  const file = join(directory, 'redis.conf');
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, 'save ""', 'appendonly yes'];
  await writeFile(file, [...lines, 'appendfsync always', ...settings].join('\n'));
  return await started(directory, port, `redis://127.0.0.1:${port}`, ['redis-server', file], () =>
    answers(port),
  );
}

/** PostgreSQL does not run as root: it is whoever Debian's package made for it. */
export async function startPostgres(): Promise<QueueServer> {
  const directory = await mkdtemp(join(tmpdir(), 'postgres-'));
  const [port = 0] = await freePorts(1);
  const identity = identityOf('postgres');
  if (identity) chownSync(directory, identity.uid, identity.gid);
  const programs = newestPostgres();
  const data = join(directory, 'data');
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'fleet', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { cwd: directory, encoding: 'utf8', ...identity },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory];
  const address = `postgres://fleet@127.0.0.1:${port}/postgres`;
  const command = [join(programs, 'postgres'), ...options];
  const isReady = () =>
    spawnSync(join(programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0;
  return await started(directory, port, address, command, async () => isReady(), identity);
}

/** Queues that a site may have; a directory needs no server. */
export const QUEUES: readonly [name: string, start: () => Promise<QueueServer | undefined>][] = [
  ['a directory', async () => undefined],
  ['Redis', () => startRedis()],
  ['PostgreSQL', () => startPostgres()],
];

function newestPostgres(): string {
  const versions = readdirSync(POSTGRES_VERSIONS).map(Number);
  return join(POSTGRES_VERSIONS, String(Math.max(...versions)), 'bin');
}

function identityOf(user: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option: string) => Number(spawnSync('id', [option, user], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

async function started(
  directory: string,
  port: number,
  address: string,
  [program = '', ...args]: readonly string[],
  isReady: () => Promise<boolean>,
  identity: { uid: number; gid: number } | undefined = undefined,
): Promise<QueueServer> {
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || hasEnded(child)) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  const server: QueueServer = {
    address,
    port,
    directory,
    get pid() {
      return child?.pid ?? 0;
    },
    async start() {
      // PostgreSQL refuses to begin as long as a process of the one that was killed is left.
      await until(`${program} answers`, async () => {
        if (child === undefined || hasEnded(child)) {
          child = spawn(program, args, { cwd: directory, stdio: 'ignore', ...identity });
        }
        return await isReady();
      });
    },
    kill: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      // Told to stop rather than killed: PostgreSQL takes its shared memory, which is in no directory of its own, along.
      await end('SIGINT');
      await rm(directory, { recursive: true, maxRetries: 5 });
    },
  };
  await server.start();
  return server;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const [answer] = await Promise.race([
    once(socket, 'connect').then(() => [true]),
    once(socket, 'error').then(() => [false]),
  ]).catch(() => [false]);
  socket.destroy();
  return answer === true;
}
