import type { End, Sized, SizedQueue } from './sized-queue.ts';

/** Taken items that may still be held before the rest is moved together. */
const MOST_TAKEN = 1024;

/** Items of one size, in the order of arrival; those before `head` are taken. */
interface Line<T> {
  items: T[];
  head: number;
}

/**
 * A queue that gives the largest first, and of one size the one that came first. Adding and taking cost the same however
 * many wait: a site of a million users is still being found out while the first of them are handed out. Waiting costs no
 * memory but the item and a reference to it.
 *
 * Sizes are whole numbers, none of them so large that a list by size would be long.
 */
export class LargestFirst<T> implements SizedQueue<T> {
  readonly #lines: (Line<T> | undefined)[] = [];
  /** Nothing larger waits in `#lines` ... */
  #largest = -1;
  /** ... and nothing smaller. */
  #smallest = Number.POSITIVE_INFINITY;
  /** Before all others, whatever their size; the last is first. */
  readonly #front: Sized<T>[] = [];
  #length = 0;
  #sum = 0;

  get length(): number {
    return this.#length;
  }

  /** The sizes of all that wait, added up. */
  get sum(): number {
    return this.#sum;
  }

  add(item: T, size: number): void {
    const line = this.#lines[size];
    if (line) line.items.push(item);
    else this.#lines[size] = { items: [item], head: 0 };
    this.#largest = Math.max(this.#largest, size);
    this.#smallest = Math.min(this.#smallest, size);
    this.#count(1, size);
  }

  giveBack(item: T, size: number): void {
    const line = this.#lines[size];
    if (!line) {
      this.add(item, size);
      return;
    }
    line.items.splice(line.head, 0, item);
    this.#count(1, size);
  }

  /** It was taken before, and has waited longest. */
  putBack(item: T, size: number): void {
    this.#front.push({ item, size });
    this.#count(1, size);
  }

  take(end: End = 'largest'): Sized<T> | undefined {
    const taken = this.#front.pop() ?? this.#takeFromLine(this.#next(end));
    if (taken) this.#count(-1, -taken.size);
    return taken;
  }

  remove(isIt: (item: T) => boolean): Sized<T> | undefined {
    const removed = this.#removeFromFront(isIt) ?? this.#removeFromLines(isIt);
    if (removed) this.#count(-1, -removed.size);
    return removed;
  }

  first(most: number): T[] {
    const items = this.#front.toReversed().map(({ item }) => item);
    for (let size = this.#largest; size >= 0 && items.length < most; size--) {
      const line = this.#lines[size];
      if (line) items.push(...line.items.slice(line.head, line.head + most - items.length));
    }
    return items.slice(0, most);
  }

  #removeFromFront(isIt: (item: T) => boolean): Sized<T> | undefined {
    const index = this.#front.findIndex(({ item }) => isIt(item));
    return index < 0 ? undefined : this.#front.splice(index, 1)[0];
  }

  #removeFromLines(isIt: (item: T) => boolean): Sized<T> | undefined {
    for (let size = this.#largest; size >= 0; size--) {
      const line = this.#lines[size];
      if (!line) continue;
      const index = line.items.findIndex((item, at) => at >= line.head && isIt(item));
      const [item] = index < 0 ? [] : line.items.splice(index, 1);
      if (line.head === line.items.length) this.#lines[size] = undefined;
      if (item !== undefined) return { item, size };
    }
    return undefined;
  }

  /** All that wait, in no particular order; none waits afterwards. */
  takeAll(): T[] {
    const items = this.#lines.flatMap((line) => line?.items.slice(line.head) ?? []);
    items.push(...this.#front.splice(0).map(({ item }) => item));
    this.#lines.length = 0;
    this.#largest = -1;
    this.#count(-this.#length, -this.#sum);
    return items;
  }

  #takeFromLine(size = -1): Sized<T> | undefined {
    const line = this.#lines[size];
    const item = line?.items[line.head];
    if (!line || item === undefined) return undefined;
    line.head += 1;
    if (line.head === line.items.length) {
      this.#lines[size] = undefined;
    } else if (line.head >= MOST_TAKEN && line.head * 2 > line.items.length) {
      line.items = line.items.slice(line.head);
      line.head = 0;
    }
    return { item, size };
  }

  /** The size of the largest or the smallest that waits in `#lines`. */
  #next(end: End): number | undefined {
    while (this.#largest >= this.#smallest && !this.#lines[this.#largest]) this.#largest -= 1;
    while (this.#smallest < this.#largest && !this.#lines[this.#smallest]) this.#smallest += 1;
    if (this.#lines[this.#largest]) return end === 'largest' ? this.#largest : this.#smallest;
    this.#largest = -1;
    this.#smallest = Number.POSITIVE_INFINITY;
    return undefined;
  }

  #count(items: number, size: number): void {
    this.#length += items;
    this.#sum += size;
  }
}
