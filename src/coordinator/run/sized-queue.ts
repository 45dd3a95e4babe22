export interface Sized<T> {
  item: T;
  size: number;
}

/** Items that wait, each with a size. */
export interface SizedQueue<T> {
  readonly length: number;
  /** The sizes of all that wait, added up. */
  readonly sum: number;
  add(item: T, size: number): void;
  /** It was taken before, and has waited longest. */
  putBack(item: T, size: number): void;
  /** The size of what `take` gives next. */
  peek(): number | undefined;
  take(): Sized<T> | undefined;
  /** Takes the first for which `isIt` says so, wherever it is: as long as many wait. */
  remove(isIt: (item: T) => boolean): Sized<T> | undefined;
  /** The first that would be taken, and no more than `most` of them. */
  first(most: number): T[];
  /** All that wait, in no particular order; none waits afterwards. */
  takeAll(): T[];
}
