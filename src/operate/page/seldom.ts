/** An answer is kept for so many times what it took, so that whoever looks on costs a twentieth of a process at most. */
const KEPT_TIMES = 20;

/**
 * Keeps an answer that has to be fetched, and has all who ask meanwhile wait for the same one.
 *
 * @param leastMs for so long in any case
 * @param now milliseconds of a clock that never goes back
 */
export function seldom<Value>(
  leastMs: number,
  now: () => number,
  make: () => Promise<Value>,
): () => Promise<Value> {
  let kept: Promise<Value> | undefined;
  let until = 0;
  return () => {
    const began = now();
    if (kept !== undefined && began < until) return kept;
    until = Number.POSITIVE_INFINITY;
    kept = make().finally(() => {
      const ended = now();
      until = ended + Math.max(leastMs, (ended - began) * KEPT_TIMES);
    });
    return kept;
  };
}
