import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN, CyrusServer, PASSWORD } from '../test/lab/cyrus-server.ts';
import { cyrusIdentity } from '../test/lab/processes.ts';
import type { Flush } from './flush/flush.ts';
import { ListLocks } from './flush/list-locks.ts';
import { slowFlush } from './flush/slow-flush.ts';
import type { BenchOptions } from './options.ts';

/** Something to replicate to. */
export interface Target {
  port: number;
  /** The process whose tree's processor time counts; undefined: there is no server. */
  pid: number | undefined;
  /** Where messages end up; undefined where they are no files. */
  spool: string | undefined;
  /** undefined where flushes cost what they cost. */
  listLocks?: ListLocks | undefined;
  /** Ends the server. Its files are moved aside: deleting many would slow down the next run. */
  putAside(): Promise<void>;
  /** Ends the server if need be and deletes its files. */
  remove(): Promise<void>;
}

/** @param store of a stopped server, to begin with */
export async function cyrusTarget(
  store: string | undefined,
  flush: Flush,
  { workDirectory, diskDirectory }: Pick<BenchOptions, 'workDirectory' | 'diskDirectory'>,
): Promise<Target> {
  const isSlow = flush !== 'disk' && flush !== 0;
  const listLocks = isSlow ? new ListLocks(join(workDirectory, `locks-${randomUUID()}`)) : undefined;
  const server = await CyrusServer.start('replica', {
    ...(store === undefined ? {} : { store }),
    environment: slowFlush(flush, workDirectory, listLocks),
    ...(flush === 'disk' ? { directory: diskDirectory } : {}),
  });
  return {
    port: server.syncPort,
    pid: Number(readFileSync(join(server.directory, 'master.pid'), 'utf8').trim()),
    spool: join(server.directory, 'spool'),
    listLocks,
    putAside: () => server.halt(),
    remove: async () => {
      await server.stop();
      listLocks?.[Symbol.dispose]();
    },
  };
}

/** A directory like the spool of `cyrusTarget`. */
export async function directoryTarget(
  flush: Flush,
  { workDirectory, diskDirectory }: Pick<BenchOptions, 'workDirectory' | 'diskDirectory'>,
): Promise<Target> {
  const parent = flush === 'disk' ? diskDirectory : workDirectory;
  const spool = await mkdtemp(join(parent, 'spool-'));
  const { uid, gid } = cyrusIdentity();
  if (uid !== undefined && gid !== undefined) await chown(spool, uid, gid);
  return {
    port: 0,
    pid: undefined,
    spool,
    putAside: async () => {},
    remove: () => rm(spool, { recursive: true, force: true }),
  };
}

export async function sandboxTarget(): Promise<Target> {
  const directory = await mkdtemp(join(process.env.TMPDIR ?? tmpdir(), 'sandbox-'));
  const program = join(import.meta.dirname, '..', 'bin', 'sync_sandbox.cjs');
  const child = spawn(process.execPath, [program, '-d', directory, '-u', ADMIN], {
    env: { ...process.env, SYNC_SANDBOX_PASSWORD: PASSWORD },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  child.once('exit', () => process.off('exit', killed));
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the sandbox ended with exit code ${code}`);
    }),
  ])) as [Buffer];
  const port = /:(\d+)\s*$/.exec(line.toString())?.[1];
  if (port === undefined || child.pid === undefined) throw new Error(`the sandbox said ${line}`);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  return {
    port: Number(port),
    pid: child.pid,
    spool: undefined,
    putAside: stop,
    async remove() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The replica's services tidy up their stages after the client has gone: no messages there, and no error if one vanishes. */
const STAGE = 'sync.';

/** Octets below a spool; a file with several names counts once. */
export function octetsOf(spool: string): number {
  const counted = spawnSync('du', ['--summarize', '--bytes', spool], { encoding: 'utf8' });
  if (counted.status !== 0) throw new Error(`du ${spool}: ${counted.stderr}`);
  return Number.parseInt(counted.stdout, 10);
}

/** Message files below a spool: what a run has really brought over. */
export function countMessages(spool: string): number {
  const expression = ['-name', STAGE, '-prune', '-o', '-type', 'f', '-regex', '.*/[0-9]+\\.', '-printf', '.'];
  const found = spawnSync('find', [spool, '-ignore_readdir_race', ...expression], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (found.status !== 0) throw new Error(`find ${spool}: ${found.stderr}`);
  return found.stdout.length;
}
