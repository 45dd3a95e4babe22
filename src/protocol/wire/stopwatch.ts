/** Time during which at least one thing was going on. */
export class Stopwatch {
  #running = 0;
  #since = 0;
  #total = 0;

  begin(): void {
    if (this.#running === 0) this.#since = performance.now();
    this.#running += 1;
  }

  end(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#total += performance.now() - this.#since;
  }

  /** Milliseconds so far. */
  get total(): number {
    return this.#total + (this.#running > 0 ? performance.now() - this.#since : 0);
  }
}
