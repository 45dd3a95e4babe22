import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cyrusIdentity } from '../test/lab/processes.ts';
import { killGroup, PeakMemory } from './peak-memory.ts';

export interface Measured {
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Seconds from start to exit. */
  wall: number;
  /** Seconds of processor time of the process and all of its children, user and system. */
  user: number;
  system: number;
  /** Octets, see `PeakMemory`. */
  peakRss: number;
  code: number;
  stderr: string;
}

/** Octets of stderr kept. */
const KEPT_STDERR = 4000;

/** Bash's `time` waits for the whole tree and counts in milliseconds; nothing else that is always there does. */
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" 2>&3; } 3>&2 2>&4';

/** Node reads and parses that file at each start, which takes longer than a small run: it is for other programs of this host. */
const WITHOUT = { NODE_EXTRA_CA_CERTS: undefined };

/** Runs a command as the user of Cyrus. Never throws for its exit code. */
export async function measure(
  command: readonly string[],
  options: { input?: string; env?: Record<string, string>; cwd: string; deadline: number },
): Promise<Measured> {
  const startedAt = performance.timeOrigin + performance.now();
  const child = spawn('bash', ['--norc', '-c', TIMED, 'bench', ...command], {
    ...cyrusIdentity(),
    cwd: options.cwd,
    env: { ...process.env, ...WITHOUT, LC_ALL: 'C', ...options.env },
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
  using peak = new PeakMemory(pid, 'holds');
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(pid);
  }, options.deadline);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  process.off('exit', killed);
  if (late) throw new Error(`${command.join(' ')} was killed after ${options.deadline} ms\n${stderr}`);
  const [wall, user, system] = times.trim().split(' ').map(Number);
  if (wall === undefined || user === undefined || system === undefined) {
    throw new Error(`no times from bash for ${command.join(' ')}: "${times}"\n${stderr}`);
  }
  return { startedAt, wall, user, system, peakRss: peak.octets, code: code ?? 128, stderr };
}
