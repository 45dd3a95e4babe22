import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds between looks at the resident sizes. A process's own peak is kept by the kernel, so few are missed. */
const SAMPLE = 25;
/** USER_HZ, the unit of the times in /proc/PID/stat: the same on every Linux that Cyrus runs on. */
const TICKS_PER_SECOND = 100;

/** Octets: the largest sum, at any moment, of the resident peaks of processes. */
export class PeakMemory implements Disposable {
  readonly #timer: NodeJS.Timeout;
  octets = 0;

  /** Sums up all processes under `pid`, and itself unless it only `holds` them. */
  constructor(pid: number, root: 'counts' | 'holds') {
    this.#timer = setInterval(() => {
      let sum = root === 'counts' ? peakOf(pid) : 0;
      for (const each of descendants(pid)) sum += peakOf(each);
      this.octets = Math.max(this.octets, sum);
    }, SAMPLE);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Processor seconds that a process and all under it have used so far, ended children of `pid` itself included. */
export function processorSeconds(pid: number | undefined): number {
  if (pid === undefined) return 0;
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

/** Ends a process and the rest of its group; an interrupted bench leaves no client behind. */
export function killGroup(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of it has ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
