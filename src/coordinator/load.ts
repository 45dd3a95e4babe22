import { cpus } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** What went on since the last look. */
export interface Load {
  /** Share of the time that this thread was at work: 0 to 1. */
  thisThread: number;
  /** Processors of this host that nobody used: a sum of shares. */
  idleProcessors: number;
}

/** @returns a meter: each call tells of the time since the one before */
export function loadMeter(): () => Load {
  let loop: EventLoopUtilization = performance.eventLoopUtilization();
  let times = processorTimes();
  return () => {
    const loopNow = performance.eventLoopUtilization();
    const timesNow = processorTimes();
    const { utilization } = performance.eventLoopUtilization(loopNow, loop);
    const passed = timesNow.all - times.all;
    // Two looks within one tick of the kernel's clock tell nothing.
    const idleShare = passed > 0 ? (timesNow.idle - times.idle) / passed : 0;
    loop = loopNow;
    times = timesNow;
    return { thisThread: utilization, idleProcessors: idleShare * timesNow.processors };
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
