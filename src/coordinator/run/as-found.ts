import type { Sized, SizedQueue } from './sized-queue.ts';

/** Taken items that may still be held before the rest is moved together. */
const MOST_TAKEN = 1024;

/** A queue that gives what came first, whatever its size; what was put back comes before all others. */
export class AsFound<T> implements SizedQueue<T> {
  #items: T[] = [];
  #sizes: number[] = [];
  #head = 0;
  readonly #front: Sized<T>[] = [];
  #sum = 0;

  get length(): number {
    return this.#items.length - this.#head + this.#front.length;
  }

  get sum(): number {
    return this.#sum;
  }

  add(item: T, size: number): void {
    this.#items.push(item);
    this.#sizes.push(size);
    this.#sum += size;
  }

  giveBack(item: T, size: number): void {
    this.putBack(item, size);
  }

  putBack(item: T, size: number): void {
    this.#front.push({ item, size });
    this.#sum += size;
  }

  take(): Sized<T> | undefined {
    const taken = this.#front.pop() ?? this.#takeFirst();
    if (taken) this.#sum -= taken.size;
    return taken;
  }

  remove(isIt: (item: T) => boolean): Sized<T> | undefined {
    const inFront = this.#front.findIndex(({ item }) => isIt(item));
    let removed: Sized<T> | undefined;
    if (inFront >= 0) {
      [removed] = this.#front.splice(inFront, 1);
    } else {
      const index = this.#items.findIndex((item, at) => at >= this.#head && isIt(item));
      const [item] = index < 0 ? [] : this.#items.splice(index, 1);
      const [size = 0] = index < 0 ? [] : this.#sizes.splice(index, 1);
      if (item !== undefined) removed = { item, size };
    }
    if (removed) this.#sum -= removed.size;
    return removed;
  }

  first(most: number): T[] {
    const items = this.#front.toReversed().map(({ item }) => item);
    items.push(...this.#items.slice(this.#head, this.#head + most));
    return items.slice(0, most);
  }

  takeAll(): T[] {
    const items = [...this.#front.map(({ item }) => item), ...this.#items.slice(this.#head)];
    this.#front.length = 0;
    this.#items = [];
    this.#sizes = [];
    this.#head = 0;
    this.#sum = 0;
    return items;
  }

  #takeFirst(): Sized<T> | undefined {
    const item = this.#items[this.#head];
    const size = this.#sizes[this.#head];
    if (item === undefined || size === undefined) return undefined;
    this.#head += 1;
    if (this.#head >= MOST_TAKEN && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
    return { item, size };
  }
}
