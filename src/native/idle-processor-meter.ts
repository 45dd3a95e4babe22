import { closeSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** `cpu  user nice system idle iowait irq softirq steal ...`, in ticks of the kernel, summed over all processors. */
const STATISTICS = '/proc/stat';
const IDLE_FIELDS = [3, 4];
/** Guest time is in user time already. */
const FIELDS = 8;
/** The first line is shorter. */
const LINE_OCTETS = 256;

/** @returns a meter: each call tells how many processors of this host nobody used since the one before, a sum of shares */
export function idleProcessorMeter(): () => number {
  const processors = availableParallelism();
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const passed = now.all - before.all;
    // Two looks within one tick tell nothing, and the kernel may take back a tick of waiting for disks.
    const share = passed > 0 ? Math.max(0, now.idle - before.idle) / passed : 0;
    before = now;
    return share * processors;
  };
}

/** Read directly: node:os asks for the speed of each processor too, which takes milliseconds. */
function processorTimes(): { all: number; idle: number } {
  const line = Buffer.alloc(LINE_OCTETS);
  const fd = openSync(STATISTICS, 'r');
  try {
    readSync(fd, line, 0, LINE_OCTETS, 0);
  } finally {
    closeSync(fd);
  }
  const [first = ''] = line.toString('latin1').split('\n');
  const times = first
    .split(/ +/)
    .slice(1, 1 + FIELDS)
    .map(Number);
  return {
    all: times.reduce((sum, time) => sum + time, 0),
    idle: IDLE_FIELDS.reduce((sum, field) => sum + (times[field] ?? 0), 0),
  };
}
