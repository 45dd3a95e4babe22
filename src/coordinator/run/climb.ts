/** More than this share is a change of the rate, less is noise. */
const RISE = 1.1;
const FALL = 0.95;
const STEP = 1.5;
/** Looks for which a number that was good stays, before more is tried again. */
const HOLD = 10;

/**
 * The number of connections by what the replica makes of them: one step up while the rate rises, back where it fell, and
 * there for a while. Pure.
 */
export class Climb {
  #before: { connections: number; rate: number } | undefined;
  #hold = 0;

  /**
   * @param connections in use since the last look
   * @param rate of work with them, in any unit
   * @returns how many next
   */
  next(connections: number, rate: number): number {
    const before = this.#before;
    if (this.#hold > 0) {
      this.#hold -= 1;
      this.#before = undefined;
      return connections;
    }
    if (before && connections > before.connections) {
      if (rate < before.rate * RISE) {
        this.#hold = HOLD;
        this.#before = undefined;
        return rate < before.rate * FALL ? before.connections : connections;
      }
    }
    this.#before = { connections, rate };
    return Math.ceil(connections * STEP);
  }
}
