import { closeSync, type FSWatcher, openSync, readSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { IndexError, type IndexHeader, parseIndexHeader } from '../../src/store/mailbox/index-header.ts';
import { LARGEST_HEADER_OCTETS } from '../../src/store/mailbox/index-layouts.ts';

/** The numbers of the replica's index once a change has arrived. */
export type Mark = { uid: number } | { modseq: number };

interface Expected {
  mark: Mark;
  /** Milliseconds of `performance.now()`. */
  since: number;
}

/**
 * Tells when changes become visible on the replica, from the headers of its cyrus.index files. Cyrus writes the header
 * last of all, before the mailbox is unlocked, so that whoever opens the mailbox then sees the change. The kernel says
 * when a file was written, so that watching costs the replica nothing.
 */
export class ReplicaWatch implements Disposable {
  readonly #watchers: FSWatcher[] = [];
  readonly #expected = new Map<string, Expected[]>();
  readonly #head = Buffer.alloc(LARGEST_HEADER_OCTETS);
  /** Milliseconds, in the order of arrival. */
  #lags: number[] = [];
  #outstanding = 0;
  /** When the last of them became visible. */
  lastVisible = 0;

  /** @param indexes paths of cyrus.index files; the directory is watched, since a repack replaces the file */
  constructor(indexes: readonly string[]) {
    for (const index of indexes) {
      this.#expected.set(index, []);
      const name = basename(index);
      const watcher = watch(dirname(index), (_event, file) => {
        if (file === name) this.#look(index);
      });
      this.#watchers.push(watcher);
    }
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** @param since when the master answered */
  expect(index: string, mark: Mark, since: number): void {
    this.#expected.get(index)?.push({ mark, since });
    this.#outstanding += 1;
    // It may have arrived before the answer was read here.
    this.#look(index);
  }

  /** Milliseconds that the oldest change which is not visible has waited. */
  oldest(now: number): number {
    let oldest = 0;
    for (const waiting of this.#expected.values()) {
      for (const { since } of waiting) oldest = Math.max(oldest, now - since);
    }
    return oldest;
  }

  /** Lags so far; of what is not visible, its age, as it is at least as late as that. Both are forgotten. */
  takeLags(now: number): number[] {
    const lags = this.#lags;
    for (const waiting of this.#expected.values()) {
      for (const { since } of waiting.splice(0)) lags.push(now - since);
    }
    this.#lags = [];
    this.#outstanding = 0;
    return lags;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #look(index: string): void {
    const waiting = this.#expected.get(index) ?? [];
    if (waiting.length === 0) return;
    const header = this.#read(index);
    if (header === undefined) return;
    const now = performance.now();
    const left = waiting.filter(({ mark, since }) => {
      const visible = 'uid' in mark ? header.lastUid >= mark.uid : header.highestmodseq >= mark.modseq;
      if (visible) this.#lags.push(Math.max(0, now - since));
      return !visible;
    });
    if (left.length === waiting.length) return;
    this.#outstanding -= waiting.length - left.length;
    this.#expected.set(index, left);
    this.lastVisible = now;
  }

  /** @returns undefined while it is being written: the next event tells of the rest */
  #read(index: string): IndexHeader | undefined {
    const fd = openSync(index, 'r');
    try {
      const length = readSync(fd, this.#head, 0, LARGEST_HEADER_OCTETS, 0);
      return parseIndexHeader(this.#head.subarray(0, length));
    } catch (caught) {
      if (caught instanceof IndexError) return undefined;
      throw caught;
    } finally {
      closeSync(fd);
    }
  }
}
