/** Files read one by one before the pace is decided again: hardly more than one odd wait is among so many. */
const PROBE_FILES = 8;
/** Files read several at once before the disk is tried again, doubled as long as it turns out to be slow. */
const FIRST_STRETCH_FILES = 256;
const LAST_STRETCH_FILES = 4_096;

/**
 * Finds out whether files come from memory or from a disk that has to be waited for. From memory, one after the other costs
 * the least processor time by far; from a disk, several asked for at once come several times as fast. Whether the thread had to
 * wait tells it, and not how long reading took: on a busy host that tells who else has the processors.
 */
export class ReadPace {
  #probed = 0;
  #waited = 0;
  #left = 0;
  #stretch = FIRST_STRETCH_FILES;

  /** Says how the next file is to be read; each call is one file. */
  next(): 'one by one' | 'several at once' {
    if (this.#left === 0) return 'one by one';
    this.#left -= 1;
    return 'several at once';
  }

  /** Notes that one file was read by itself. @param hasWaited this thread, for the disk */
  didOne(hasWaited: boolean): void {
    this.#probed += 1;
    if (hasWaited) this.#waited += 1;
    if (this.#probed < PROBE_FILES) return;
    if (this.#waited * 2 > PROBE_FILES) {
      this.#left = this.#stretch;
      this.#stretch = Math.min(this.#stretch * 2, LAST_STRETCH_FILES);
    } else {
      this.#stretch = FIRST_STRETCH_FILES;
    }
    this.#probed = 0;
    this.#waited = 0;
  }
}
