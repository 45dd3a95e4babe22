import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { closeDescriptor, listenUnix } from '../../native/listen-unix.ts';
import { SyncError } from '../../report/sync-error.ts';
import { PRIVATE_SERVER_END_MS, PRIVATE_SERVER_STOP_MS } from '../limits.ts';
import type { MasterEndpoint } from './messages.ts';
import { within } from './within.ts';

/** Also the prefix under which the server reads its own options. */
const SERVICE = 'cyrus_sync';
/** The private directories begin with this; the id of the process that made one follows. */
const PREFIX = 'cyrus-sync-';
const SETPRIV = '/usr/bin/setpriv';
/** Ends the server with the thread that started it, kill -9 included; it leaves by itself a minute later anyway. */
const DEATH_SIGNAL = [SETPRIV, '--pdeathsig', 'TERM', '--'];

/** Cyrus names the lock file of a service after a number, which tells whose it is when that process is gone. */
const IDS_PER_PROCESS = 256;
const LOCK_FILE = new RegExp(`^${SERVICE}-(\\d+)\\.lock$`);

export interface PrivateServer {
  readonly program: string;
  /** Unix socket on which a peer is admin without login. */
  path: string;
  /** Removes everything on disk, once somebody is connected: the server needs it no more. */
  hide(): void;
  /** How it ended by itself, as far as it has, or does so within a moment, and what it said last. */
  ending(): Promise<string | undefined>;
  stop(): Promise<void>;
}

/**
 * Starts the master's own `sync_server` for this process alone: a listening socket in a directory that only this user
 * may enter, handed over the way Cyrus's master process does (descriptor 4; 3 is its status pipe).
 *
 * @throws SyncError CONFIG if the program is not installed; IO
 */
export function startPrivateServer(
  endpoint: Extract<MasterEndpoint, { kind: 'private' }>,
  onText: (text: string) => void,
): PrivateServer {
  const { program, configFile, configdirectory } = endpoint;
  if (!existsSync(program)) {
    throw new SyncError('CONFIG', `${program}: no such file`, {
      phase: 'start',
      hint: 'install cyrus-replication on the master, or set sync_server, or master = none, in the settings file',
    });
  }
  const id = process.pid * IDS_PER_PROCESS + (threadId % IDS_PER_PROCESS);
  const lockDirectory = join(configdirectory, 'socket');
  removeStaleLocks(lockDirectory);
  const directory = privateDirectory(configdirectory);
  const hide = (): void => {
    rmSync(directory, { recursive: true, force: true });
    // Cyrus never removes it, and this service has one process, which keeps it open.
    rmSync(join(lockDirectory, `${SERVICE}-${id}.lock`), { force: true });
  };
  const path = join(directory, 'socket');
  let child: ChildProcess;
  try {
    child = startWith(program, join(directory, 'imapd.conf'), configFile, path, id);
  } catch (caught) {
    hide();
    throw caught;
  }
  let lastText = '';
  const hear = (text: string): void => {
    if (text === '') return;
    lastText = text;
    onText(text);
  };
  // Whoever waits on the socket learns of a failed start from it.
  child.on('error', (error) => hear(error.message));
  child.stderr?.on('data', (chunk) => hear(String(chunk).trim()));
  // Where no descriptors are left for it, it has no streams at all.
  (child.stdio?.[3] as NodeJS.ReadableStream | undefined)?.resume();
  child.unref();
  const hasEnded = (): boolean =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });

  return {
    program,
    path,
    hide,
    ending: async () => {
      await within(PRIVATE_SERVER_END_MS, ended);
      if (!hasEnded()) return undefined;
      const how =
        child.pid === undefined ? 'no process' : (child.signalCode ?? `exit code ${child.exitCode}`);
      return lastText === '' ? how : `${how}: ${lastText}`;
    },
    stop: async () => {
      hide();
      if (hasEnded()) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), PRIVATE_SERVER_STOP_MS);
      await exited;
      clearTimeout(timer);
      hide();
    },
  };
}

function startWith(
  program: string,
  ownConfig: string,
  configFile: string,
  socket: string,
  id: number,
): ChildProcess {
  writeFileSync(ownConfig, wrapperConfig(configFile), { mode: 0o600 });
  const listening = listenUnix(socket);
  try {
    const [first = '', ...args] = [...deathSignal(), program, '-C', ownConfig];
    return spawn(first, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', listening],
      env: { ...process.env, CYRUS_SERVICE: SERVICE, CYRUS_ID: String(id) },
    });
  } finally {
    closeDescriptor(listening);
  }
}

/** Directories of earlier runs that were killed before they had connected, and could not remove them. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(parent, name);
    const owner = statSync(path, { throwIfNoEntry: false })?.uid;
    if (owner === process.getuid?.()) rmSync(path, { recursive: true, force: true });
  }
}

/** Removes their lock files too. */
function removeStaleLocks(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const id = LOCK_FILE.exec(name)?.[1];
    if (id === undefined || isRunning(Math.floor(Number(id) / IDS_PER_PROCESS))) continue;
    rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (caught) {
    // EPERM: there is one, of another user.
    return !(caught instanceof Error && 'code' in caught && caught.code === 'ESRCH');
  }
}

/** The master's own configuration; changes reach its other replicas through its sync logs, as those of its imapd do. */
function wrapperConfig(configFile: string): string {
  return `@include: ${configFile}\n${SERVICE}_sync_log_chain: yes\n`;
}

/** Only Cyrus's user may enter it. A path of a socket must be short, so the configuration directory comes second. */
function privateDirectory(configdirectory: string): string {
  try {
    return makeDirectory(tmpdir());
  } catch {
    return makeDirectory(configdirectory);
  }
}

function makeDirectory(parent: string): string {
  removeStale(parent);
  return mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
}

function deathSignal(): string[] {
  return existsSync(SETPRIV) ? DEATH_SIGNAL : [];
}
