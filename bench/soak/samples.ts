import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One look at a client that runs. */
export interface Sample {
  minute: number;
  pid: number;
  memoryMiB: number;
  /** Open files, sockets not counted: what a leak would add to. */
  files: number;
  /** Connections that there is work for, and a few of its own. */
  sockets: number;
  /** Age of the oldest line of the log that is not done. */
  behindSeconds: number;
}

/** @returns undefined if the process is gone at that moment, or does not answer yet */
export async function sampleOf(
  pid: number,
  metricsPort: number,
  minute: number,
): Promise<Sample | undefined> {
  try {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const behindSeconds = Number(/^cyrus_sync_backlog_oldest_seconds\S* (\S+)$/m.exec(metrics)?.[1]);
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kibibytes = Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]);
    const open = readdirSync(`/proc/${pid}/fd`).map((each) => targetOf(`/proc/${pid}/fd/${each}`));
    const sockets = open.filter((target) => target.startsWith('socket:')).length;
    return {
      minute,
      pid,
      memoryMiB: kibibytes / 1024,
      files: open.length - sockets,
      sockets,
      behindSeconds,
    };
  } catch {
    return undefined;
  }
}

/** Empty for one that was closed meanwhile. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** The process that lived to the end: one that was killed has grown for too short a time to show a leak. */
export function ofTheLastProcess(samples: readonly Sample[]): Sample[] {
  const last = samples.at(-1)?.pid;
  return samples.filter(({ pid }) => pid === last);
}

export type Measure = Exclude<keyof Sample, 'minute' | 'pid'>;

/** Half of the samples are below it. */
export function median(samples: readonly Sample[], measure: Measure): number {
  const sorted = samples.map((each) => each[measure]).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** By how much more the last quarter has than the second: the first is that of a process that warms up. */
export function growth(samples: readonly Sample[], measure: Measure): number {
  const quarter = Math.floor(samples.length / 4);
  const [second, last] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  return median(last, measure) - median(second, measure);
}
