import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds for one process, unless the caller says otherwise. */
const DEFAULT_DEADLINE = 300_000;

export interface ToolResult {
  stdout: string;
  stderr: string;
  /** Exit code; 128 + signal number when killed by a signal. */
  code: number;
}

export interface RunOptions {
  input?: string | Buffer;
  /** Milliseconds; the process is killed and `result` rejects when they are over. */
  deadline?: number;
  env?: Record<string, string>;
  cwd?: string;
}

export interface RunningTool {
  readonly pid: number;
  /** Resolves when the process has ended, whatever its exit code. */
  readonly result: Promise<ToolResult>;
  /** Resolves once `holds` is true of what was written so far; rejects if the process ends before. */
  waitForOutput(holds: (stdout: string, stderr: string) => boolean): Promise<void>;
  write(text: string): void;
  endInput(): void;
  kill(signal?: NodeJS.Signals): void;
}

/** Runs a command line as user cyrus. Never throws for a non-zero exit. */
export async function runAs(command: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  return await runProcess(command, options, cyrusIdentity());
}

/** Starts a command line as user cyrus with an open stdin. */
export function startAs(command: readonly string[], options: RunOptions = {}): RunningTool {
  return startProcess(command, options, cyrusIdentity());
}

/** Runs a command line as whoever runs the tests. */
export async function runProcess(
  command: readonly string[],
  options: RunOptions = {},
  spawnAs: { uid?: number; gid?: number } = {},
): Promise<ToolResult> {
  const tool = startProcess(command, options, spawnAs);
  if (options.input === undefined) tool.endInput();
  return await tool.result;
}

let identity: { uid: number; gid: number } | Record<string, never> | undefined;

/** uid and gid for spawn: those of cyrus when we are root, none when we are cyrus already. */
export function cyrusIdentity(): { uid: number; gid: number } | Record<string, never> {
  if (identity !== undefined) return identity;
  const idOf = (option: string) => spawnSync('id', [option, 'cyrus'], { encoding: 'utf8' }).stdout.trim();
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  if (uid === '' || gid === '')
    throw new Error('There is no user `cyrus` on this machine: install cyrus-imapd');
  if (process.getuid?.() === 0) identity = { uid: Number(uid), gid: Number(gid) };
  else if (process.getuid?.() === Number(uid)) identity = {};
  else throw new Error('Tests against real Cyrus servers must run as root or as the user `cyrus`');
  return identity;
}

/** Starts a command line as whoever runs the tests, with an open stdin. */
export function startProcess(
  command: readonly string[],
  options: RunOptions,
  spawnAs: { uid?: number; gid?: number } = {},
): RunningTool {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    ...spawnAs,
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const text = (of: readonly Buffer[]) => Buffer.concat(of).toString();
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      written[stream].push(chunk);
      wake();
    });
  }
  // A tool that ends without reading its input closes the pipe: its exit code tells what happened.
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  let ended = false;
  const result = waitForEnd(child, command, options.deadline ?? DEFAULT_DEADLINE, () => ({
    stdout: text(written.stdout),
    stderr: text(written.stderr),
  })).finally(() => {
    ended = true;
    wake();
  });
  // Whoever only waits for output still learns of a failure there.
  result.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    result,
    async waitForOutput(holds) {
      while (!holds(text(written.stdout), text(written.stderr))) {
        if (ended) {
          throw new Error(
            `${command.join(' ')} ended before it wrote what was awaited:\n${text(written.stdout)}\n${text(written.stderr)}`,
          );
        }
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
    },
    write: (line) => {
      child.stdin.write(line);
    },
    endInput: () => {
      child.stdin.end();
    },
    kill: (signal = 'SIGTERM') => {
      child.kill(signal);
    },
  };
}

async function waitForEnd(
  child: ReturnType<typeof spawn>,
  command: readonly string[],
  deadline: number,
  output: () => { stdout: string; stderr: string },
): Promise<ToolResult> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, deadline);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const { stdout, stderr } = output();
    if (late) throw new Error(`${command.join(' ')} was killed after ${deadline} ms\n${stdout}\n${stderr}`);
    return { stdout, stderr, code: code ?? 128 + signalNumber(signal) };
  } finally {
    clearTimeout(timer);
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };
  return signal !== null && signal in numbers ? numbers[signal as keyof typeof numbers] : 0;
}
