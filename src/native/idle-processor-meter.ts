import { closeSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** `cpu  user nice system idle iowait irq softirq steal ...`, in ticks of the kernel, summed over all processors. */
const STATISTICS = '/proc/stat';
const IDLE_FIELDS = [3, 4];
/** Guest time is in user time already. */
const FIELDS = 8;
/** The first line is shorter. */
const LINE_OCTETS = 256;

interface ProcessorTimes {
  all: number;
  idle: number;
}

/**
 * It is asked by timers, where whatever is thrown ends the process. So where the system does not tell, for want of a
 * descriptor perhaps, no processor counts as idle, which asks for nothing; the next look is at all of the time since the
 * last that could tell.
 *
 * @returns a meter: each call tells how many processors of this host nobody used since the one before, a sum of shares
 */
export function idleProcessorMeter(): () => number {
  const processors = availableParallelism();
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const since = before;
    before = now ?? before;
    if (!now || !since) return 0;
    const passed = now.all - since.all;
    // Two looks within one tick tell nothing, and the kernel may take back a tick of waiting for disks.
    const share = passed > 0 ? Math.max(0, now.idle - since.idle) / passed : 0;
    return share * processors;
  };
}

function processorTimes(): ProcessorTimes | undefined {
  try {
    return readProcessorTimes();
  } catch {
    return undefined;
  }
}

/** Read directly: node:os asks for the speed of each processor too, which takes milliseconds. */
function readProcessorTimes(): ProcessorTimes {
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
