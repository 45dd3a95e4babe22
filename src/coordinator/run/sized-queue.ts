export interface Sized<T> {
  item: T;
  size: number;
}

/** Whose turn it is, where items come by their size. */
export type End = 'largest' | 'smallest';

/** Items that wait, each with a size. */
export interface SizedQueue<T> {
  readonly length: number;
  /** The sizes of all that wait, added up. */
  readonly sum: number;
  add(item: T, size: number): void;
  /** It was taken before, and nothing was done with it: it comes before all others of its size. */
  giveBack(item: T, size: number): void;
  /** It was taken before, and has waited longest: it comes before all others. */
  putBack(item: T, size: number): void;
  /** @param end default: the largest */
  take(end?: End): Sized<T> | undefined;
  /** Takes the first for which `isIt` says so, wherever it is: as long as many wait. */
  remove(isIt: (item: T) => boolean): Sized<T> | undefined;
  /** The first that would be taken, and no more than `most` of them. */
  first(most: number): T[];
  /** All that wait, in no particular order; none waits afterwards. */
  takeAll(): T[];
}
