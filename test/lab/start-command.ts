import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const BIN = join(import.meta.dirname, '..', '..', 'bin');

/** As it is installed, and what that starts. */
export const LAUNCHER = join(BIN, 'sync_client');
export const ENTRY = join(BIN, 'sync_client.cjs');
export const VERBS_LAUNCHER = join(BIN, 'cyrus-sync');
export const SANDBOX_LAUNCHER = join(BIN, 'sync_sandbox');
export const SANDBOX_ENTRY = join(BIN, 'sync_sandbox.cjs');

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves once `holds`, calling `meanwhile` every millisecond until then. Rejects when the process ends before. */
  until(holds: () => boolean, meanwhile?: () => void): Promise<void>;
  /** Exit code, or the signal that ended it. */
  readonly end: Promise<number | string>;
}

/** Starts a command as the user of the tests, who is the one that it becomes as root. */
export function startCommand(command: readonly string[], environment: Record<string, string> = {}): Started {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
      CYRUS_USER: userInfo().username,
      ...environment,
    },
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      text[stream] += chunk.toString();
    });
  }
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let ended = false;
  const end = once(child, 'close').then(([code, signal]) => {
    ended = true;
    process.off('exit', kill);
    return (code ?? signal) as number | string;
  });
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    end,
    async until(holds, meanwhile = () => {}) {
      while (!holds()) {
        if (ended) throw new Error(`ended too early: ${text.stdout}${text.stderr}`);
        meanwhile();
        await pause(1);
      }
    },
  };
}

/** Tells whether the process ignores (`SigIgn`) or catches (`SigCgt`) the signal of this number. */
export function signalIs(state: 'SigIgn' | 'SigCgt', pid: number, number: number): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return false;
  }
  const mask = new RegExp(`^${state}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << BigInt(number - 1))) !== 0n;
}

/** The process with this argument on its command line that is not `except`. */
export function processWith(argument: string, except: number): { pid: number; command: string[] } {
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name) || Number(name) === except) continue;
    const command = commandLine(name);
    if (command.includes(argument)) return { pid: Number(name), command };
  }
  throw new Error(`there is no process with the argument ${argument}`);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
