/**
 * Keeps an answer for a moment, so that a thousand who ask in a second cost as much as a few.
 *
 * @param keptMs so old may it be
 * @param now milliseconds of a clock that never goes back
 */
export function briefly<Value>(keptMs: number, now: () => number, make: () => Value): () => Value {
  let kept: { value: Value; until: number } | undefined;
  return () => {
    const time = now();
    if (kept === undefined || time >= kept.until) kept = { value: make(), until: time + keptMs };
    return kept.value;
  };
}
