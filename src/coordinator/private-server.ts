import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { closeDescriptor, listenUnix } from '../native/listen.ts';
import { SyncError } from '../report/sync-error.ts';
import { PRIVATE_SERVER_STOP } from './limits.ts';
import type { MasterEndpoint } from './messages.ts';

/** Also the prefix under which the server reads its own options. */
const SERVICE = 'cyrus_sync';
/** Of the private directories; followed by the id of the process that made it. */
const PREFIX = 'cyrus-sync-';
/** Ends the server with the thread that started it, kill -9 included; it leaves by itself a minute later anyway. */
const SETPRIV = '/usr/bin/setpriv';
const DEATH_SIGNAL = [SETPRIV, '--pdeathsig', 'TERM', '--'];

export interface PrivateServer {
  /** Unix socket on which a peer is admin without login. */
  path: string;
  /** Removes everything on disk, once somebody is connected: the server needs it no more. */
  hide(): void;
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
  if (!existsSync(endpoint.program)) {
    throw new SyncError('CONFIG', `${endpoint.program}: no such file`, {
      phase: 'start',
      hint: 'install cyrus-replication on the master, or set sync_server, or master = none, in the settings file',
    });
  }
  const directory = privateDirectory(endpoint.configdirectory);
  const path = join(directory, 'socket');
  const config = join(directory, 'imapd.conf');
  writeFileSync(config, wrapperConfig(endpoint.configFile), { mode: 0o600 });
  const id = `${process.pid}${threadId}`;
  const listening = listenUnix(path);
  let child: ChildProcess;
  try {
    const [program = '', ...args] = [...deathSignal(), endpoint.program, '-C', config];
    child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', listening],
      env: { ...process.env, CYRUS_SERVICE: SERVICE, CYRUS_ID: id },
    });
  } finally {
    closeDescriptor(listening);
  }
  // Whoever waits on the socket learns of a failed start from it.
  child.on('error', (error) => onText(error.message));
  child.stderr?.on('data', (chunk) => onText(String(chunk).trimEnd()));
  (child.stdio[3] as NodeJS.ReadableStream | null)?.resume();
  child.unref();

  const hide = (): void => rmSync(directory, { recursive: true, force: true });
  return {
    path,
    hide,
    stop: async () => {
      hide();
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), PRIVATE_SERVER_STOP);
        await ended;
        clearTimeout(timer);
      }
      // Cyrus never removes the lock file of a service, and this one is used once.
      rmSync(join(endpoint.configdirectory, 'socket', `${SERVICE}-${id}.lock`), { force: true });
    },
  };
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
