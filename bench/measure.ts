import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cyrusIdentity } from '../test/support/processes.ts';

export interface Measured {
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Seconds from start to exit. */
  wall: number;
  /** Seconds of processor time of the process and all of its children, user and system. */
  user: number;
  system: number;
  /** Octets: the largest sum, at any moment, of the resident peaks of the processes alive. */
  peakRss: number;
  code: number;
  stderr: string;
}

/** Milliseconds between looks at the resident sizes. A process's own peak is kept by the kernel, so few are missed. */
const SAMPLE = 25;
/** Octets of stderr kept. */
const KEPT_STDERR = 4000;
/** USER_HZ, the unit of the times in /proc/PID/stat: the same on every Linux that Cyrus runs on. */
const TICKS_PER_SECOND = 100;

/** Bash's `time` waits for the whole tree and counts in milliseconds; nothing else that is always there does. */
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" 2>&3; } 3>&2 2>&4';

/** Runs a command as the user of Cyrus. Never throws for its exit code. */
export async function measure(
  command: readonly string[],
  options: { input?: string; env?: Record<string, string>; cwd: string; deadline: number },
): Promise<Measured> {
  const startedAt = performance.timeOrigin + performance.now();
  const child = spawn('bash', ['-c', TIMED, 'bench', ...command], {
    ...cyrusIdentity(),
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    stdio: ['pipe', 'ignore', 'pipe', 'ignore', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('bash could not be started: the bench needs it to measure');
  const killed = () => killGroup(pid);
  process.once('exit', killed);
  let stderr = '';
  let times = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-KEPT_STDERR);
  });
  child.stdio[4]?.on('data', (chunk: Buffer) => {
    times += chunk.toString();
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  let peakRss = 0;
  const sampler = setInterval(() => {
    let sum = 0;
    for (const each of descendants(pid)) sum += peakOf(each);
    peakRss = Math.max(peakRss, sum);
  }, SAMPLE);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(pid);
  }, options.deadline);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(sampler);
  clearTimeout(timer);
  process.off('exit', killed);
  if (late) throw new Error(`${command.join(' ')} was killed after ${options.deadline} ms\n${stderr}`);
  const [wall, user, system] = times.trim().split(' ').map(Number);
  if (wall === undefined || user === undefined || system === undefined) {
    throw new Error(`no times from bash for ${command.join(' ')}: "${times}"\n${stderr}`);
  }
  return { startedAt, wall, user, system, peakRss, code: code ?? 128, stderr };
}

/** An interrupted bench leaves no client behind. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: all of it has ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes under `pid`, itself left out. */
function descendants(pid: number): number[] {
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const task of list(`/proc/${next}/task`)) {
      const children = read(`/proc/${next}/task/${task}/children`).trim();
      if (children === '') continue;
      for (const child of children.split(' ').map(Number)) {
        found.push(child);
        queue.push(child);
      }
    }
  }
  return found;
}

function peakOf(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
  return kib === undefined ? 0 : Number(kib) * 1024;
}

/**
 * Processor seconds that a server and its services have used so far, ended ones included.
 * @param pid of Cyrus's `master` or of a sandbox
 */
export function serverCpu(pid: number): number {
  let ticks = 0;
  for (const [index, each] of [pid, ...descendants(pid)].entries()) {
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = read(`/proc/${each}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')
      .slice(11, 15)
      .map(Number);
    ticks += utime + stime;
    if (index === 0) ticks += cutime + cstime;
  }
  return ticks / TICKS_PER_SECOND;
}

/** A process that has ended meanwhile has nothing to say. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
