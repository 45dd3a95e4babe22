import type { EventLoopUtilization } from 'node:perf_hooks';
import { idleProcessorMeter } from '../../native/idle-processor-meter.ts';
import { BUSY_THREAD, IDLE_FOR_THREAD } from '../limits.ts';

/** The load since the last look. */
export interface Load {
  /** Share of the time that this thread was at work: 0 to 1. */
  thisThread: number;
  /** Processors of this host that nobody used: a sum of shares. */
  idleProcessors: number;
}

/** @returns whether this thread is what its connections wait for, and another would not have to wait for a processor */
export function threadsPay({ thisThread, idleProcessors }: Load): boolean {
  return thisThread >= BUSY_THREAD && idleProcessors >= IDLE_FOR_THREAD;
}

/** Before there is anything to tell. */
const NO_LOAD: Load = { thisThread: 0, idleProcessors: 0 };

/** @returns a meter: the first call begins, and tells nothing; each other tells of the time since the one before */
export function loadMeter(): () => Load {
  let measure: (() => Load) | undefined;
  return () => {
    if (measure) return measure();
    measure = beginLoad();
    return NO_LOAD;
  };
}

function beginLoad(): () => Load {
  const idleProcessors = idleProcessorMeter();
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return { thisThread: utilization, idleProcessors: idleProcessors() };
  };
}
