import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { idleProcessorMeter } from '../native/idle-processors.ts';

/** What went on since the last look. */
export interface Load {
  /** Share of the time that this thread was at work: 0 to 1. */
  thisThread: number;
  /** Processors of this host that nobody used: a sum of shares. */
  idleProcessors: number;
}

/** @returns a meter: each call tells of the time since the one before */
export function loadMeter(): () => Load {
  const idleProcessors = idleProcessorMeter();
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return { thisThread: utilization, idleProcessors: idleProcessors() };
  };
}
