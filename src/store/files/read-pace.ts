/** Milliseconds that opening and reading a small file takes at most while the kernel has it in memory ... */
const FAST_FILE_MS = 0.1;
/** ... and octets that it copies in one. */
const FAST_OCTETS_PER_MS = 1_000_000;
/** Files read one by one before the pace is decided again: hardly more than one odd hiccup is among so many. */
const PROBE_FILES = 8;
/** Files read several at once before the disk is tried again, doubled as long as it turns out to be slow. */
const FIRST_STRETCH_FILES = 256;
const LAST_STRETCH_FILES = 4_096;

/**
 * Finds out whether files come from memory or from a disk that has to be waited for. From memory, one after the other costs
 * the least processor time by far; from a disk, several asked for at once come several times as fast. It has no clock of
 * its own.
 */
export class ReadPace {
  #probed = 0;
  #slow = 0;
  #left = 0;
  #stretch = FIRST_STRETCH_FILES;

  /** Says how the next file is to be read; each call is one file. */
  next(): 'one by one' | 'several at once' {
    if (this.#left === 0) return 'one by one';
    this.#left -= 1;
    return 'several at once';
  }

  /** Notes what reading one file by itself took. */
  took(milliseconds: number, octets: number): void {
    this.#probed += 1;
    if (milliseconds > FAST_FILE_MS + octets / FAST_OCTETS_PER_MS) this.#slow += 1;
    if (this.#probed < PROBE_FILES) return;
    if (this.#slow * 2 > PROBE_FILES) {
      this.#left = this.#stretch;
      this.#stretch = Math.min(this.#stretch * 2, LAST_STRETCH_FILES);
    } else {
      this.#stretch = FIRST_STRETCH_FILES;
    }
    this.#probed = 0;
    this.#slow = 0;
  }
}
