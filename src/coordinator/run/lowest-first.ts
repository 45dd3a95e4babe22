interface Ranked<T> {
  readonly item: T;
  readonly rank: number;
  /** Within one rank the first that came is the lowest. */
  readonly arrival: number;
}

/**
 * Items by a number, such as the time when they are due, the lowest first. Adding, taking and removing cost the same,
 * but for a logarithm, however many there are: a binary heap, in which what was removed stays until it comes up.
 */
export class LowestFirst<T> {
  readonly #heap: Ranked<T>[] = [];
  readonly #byItem = new Map<T, Ranked<T>>();
  #arrivals = 0;

  get size(): number {
    return this.#byItem.size;
  }

  /** An item that is there already gets the new rank. */
  add(item: T, rank: number): void {
    const ranked = { item, rank, arrival: this.#arrivals++ };
    this.#byItem.set(item, ranked);
    this.#heap.push(ranked);
    this.#rise(this.#heap.length - 1);
  }

  /** @returns whether it was there */
  delete(item: T): boolean {
    return this.#byItem.delete(item);
  }

  /** The lowest rank. */
  lowest(): number | undefined {
    return this.#top()?.rank;
  }

  /** Takes the lowest, unless it is above `most`. */
  take(most = Number.POSITIVE_INFINITY): T | undefined {
    const top = this.#top();
    if (top === undefined || top.rank > most) return undefined;
    this.#byItem.delete(top.item);
    this.#removeTop();
    return top.item;
  }

  /** In no particular order. */
  *[Symbol.iterator](): Generator<T> {
    yield* this.#byItem.keys();
  }

  clear(): void {
    this.#byItem.clear();
    this.#heap.length = 0;
  }

  #top(): Ranked<T> | undefined {
    for (;;) {
      const [top] = this.#heap;
      if (top === undefined || this.#byItem.get(top.item) === top) return top;
      this.#removeTop();
    }
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    for (let index = from; index > 0; ) {
      const above = (index - 1) >> 1;
      if (!this.#swapIfLower(index, above)) return;
      index = above;
    }
  }

  #sink(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const lower = this.#isLower(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfLower(lower, index)) return;
      index = lower;
    }
  }

  #swapIfLower(below: number, above: number): boolean {
    const lower = this.#heap[below];
    const upper = this.#heap[above];
    if (lower === undefined || upper === undefined || !this.#isLower(below, above)) return false;
    this.#heap[below] = upper;
    this.#heap[above] = lower;
    return true;
  }

  #isLower(one: number, other: number): boolean {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return false;
    return a.rank < b.rank || (a.rank === b.rank && a.arrival < b.arrival);
  }
}
