import { cpus } from 'node:os';

/** @returns a meter: each call tells how many processors of this host nobody used since the one before, a sum of shares */
export function idleProcessorMeter(): () => number {
  let before = processorTimes();
  return () => {
    const now = processorTimes();
    const passed = now.all - before.all;
    // Two looks within one tick of the kernel's clock tell nothing.
    const share = passed > 0 ? (now.idle - before.idle) / passed : 0;
    before = now;
    return share * now.processors;
  };
}

function processorTimes(): { all: number; idle: number; processors: number } {
  const list = cpus();
  let all = 0;
  let idle = 0;
  for (const { times } of list) {
    all += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { all, idle, processors: list.length };
}
