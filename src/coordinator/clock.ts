/** Time as runs and rolling mode see it; tests give another one. Milliseconds. */
export interface Clock {
  /** Only differences mean anything; never goes back. */
  now(): number;
  /** Since the epoch, to compare with the times of files. */
  date(): number;
  /** @returns cancels the call */
  after(delay: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(delay, call) {
    const timer = setTimeout(call, delay);
    return () => clearTimeout(timer);
  },
};
