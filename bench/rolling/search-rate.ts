/** A try of a rate: whether whoever was tried kept up, and the rate that was achieved. */
export interface RateTry {
  keptUp: boolean;
  achieved: number;
}

/** Part of the asked rate below which it is the load that cannot do more. */
const LEAST_ACHIEVED = 0.9;
/** Between the last rate that was kept up with and the first that was not. */
const BISECTIONS = 3;

/**
 * Finds the highest rate that is kept up with: doubles it until it is not, then halves the gap.
 *
 * @param first rate that is tried; not kept up with, it is halved until one is
 * @returns changes a second, as achieved; 0 if not even one is; the load's own limit where that is reached first
 */
export async function searchRate(
  first: number,
  tryRate: (rate: number) => Promise<RateTry>,
): Promise<number> {
  let good = 0;
  let achieved = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let rate = first; rate >= 1; ) {
    const tried = await tryRate(rate);
    if (tried.keptUp) {
      good = rate;
      achieved = tried.achieved;
      if (achieved < rate * LEAST_ACHIEVED) return achieved;
      if (bad < Number.POSITIVE_INFINITY) break;
      rate *= 2;
    } else {
      bad = rate;
      if (good > 0) break;
      rate /= 2;
    }
  }
  if (good === 0) return 0;
  for (let times = 0; times < BISECTIONS; times++) {
    const rate = (good + bad) / 2;
    const tried = await tryRate(rate);
    if (!tried.keptUp) {
      bad = rate;
      continue;
    }
    good = rate;
    achieved = tried.achieved;
  }
  return achieved;
}
