import { nowMs } from '../now-ms.ts';

/** Time as runs and rolling mode see it; tests give another one. Milliseconds. */
export interface Clock {
  /** Only differences mean anything; never goes back. */
  now(): number;
  /** Since the epoch, to compare with the times of files. */
  date(): number;
  /** @returns cancels the call */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => nowMs(),
  date: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
