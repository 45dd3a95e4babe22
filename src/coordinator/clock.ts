/** Time as the coordinator sees it; tests give another one. Milliseconds. */
export interface Clock {
  now(): number;
  /** @returns cancels the call */
  after(delay: number, call: () => void): () => void;
  /** Resolves when whatever was already due has had its turn. */
  breathe(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delay, call) {
    const timer = setTimeout(call, delay);
    return () => clearTimeout(timer);
  },
  breathe: () =>
    new Promise((resolve) => {
      setImmediate(resolve);
    }),
};
