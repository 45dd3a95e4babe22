import { readdirSync, readFileSync } from 'node:fs';

/** One look at a client that runs. */
export interface Sample {
  minute: number;
  memoryMiB: number;
  descriptors: number;
}

/** @returns undefined if the process is gone at that moment */
export function sampleOf(pid: number, minute: number): Sample | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    const kibibytes = Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]);
    return { minute, memoryMiB: kibibytes / 1024, descriptors };
  } catch {
    return undefined;
  }
}

export type Measure = Exclude<keyof Sample, 'minute'>;

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
