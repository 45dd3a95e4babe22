/** How long to wait between tries, in whatever unit `first` is. */
export interface PauseSeries {
  first: number;
  longest: number;
  /** The part of its length by which a pause is spread to either side, so that who failed together does not meet again. */
  jitter?: number;
}

/**
 * The pause after so many failures in a row: the first, doubled with each further one, up to the longest.
 *
 * @param times from 1
 * @param random 0 <= r < 1; only asked where there is a jitter
 */
export function doublingPause(
  { first, longest, jitter = 0 }: PauseSeries,
  times: number,
  random: () => number = Math.random,
): number {
  // Beyond that it would be infinite, and 0 times infinity is no number.
  const pause = Math.min(longest, first * 2 ** Math.min(times - 1, 1_000));
  return jitter === 0 ? pause : pause * (1 + jitter * (2 * random() - 1));
}
