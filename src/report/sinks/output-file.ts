import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { SyncError } from '../sync-error.ts';
import { withdrawFile } from './withdraw-file.ts';

/** Without O_NONBLOCK a pipe that nobody reads would be waited for. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK;

/**
 * A file that an option named, written while the run lasts. Opened before privileges are dropped, it needs no rights on
 * the directory later, which replacing the file would.
 *
 * Until the run begins (`keep`), disposing of it leaves what was there: nothing, or an earlier file as it was. So it is
 * told that a disk is full before the earlier file is lost, and by a run that has done nothing yet. One that was made and can
 * no longer be removed is left empty.
 */
export class OutputFile {
  readonly path: string;
  readonly #file: number;
  readonly #made: boolean;
  /** Octets that the earlier file had. */
  readonly #formerLength: number;
  /** The start of the earlier file, over which the beginning is written: what is behind it stays there. */
  readonly #formerStart: Buffer;
  /** Octets. */
  readonly #beginning: number;
  #state: 'begun' | 'kept' | 'closed' = 'begun';

  /**
   * @param option that named it
   * @param beginning written at once
   * @throws SyncError USAGE if it cannot be written there
   */
  static open(option: string, path: string, beginning: Buffer): OutputFile {
    try {
      return new OutputFile(path, beginning);
    } catch (caught) {
      throw new SyncError(
        'USAGE',
        `${option}: expected a file that can be written, but ${SyncError.from(caught).message}`,
        { phase: 'start', cause: caught },
      );
    }
  }

  private constructor(path: string, beginning: Buffer) {
    this.path = path;
    this.#made = statSync(path, { throwIfNoEntry: false }) === undefined;
    this.#file = openSync(path, FLAGS, 0o600);
    this.#beginning = beginning.length;
    try {
      const stats = fstatSync(this.#file);
      if (!stats.isFile()) throw new SyncError('USAGE', `${path} is no regular file`);
      this.#formerLength = stats.size;
      this.#formerStart = Buffer.alloc(Math.min(stats.size, beginning.length));
      readSync(this.#file, this.#formerStart, 0, this.#formerStart.length, 0);
    } catch (caught) {
      closeSync(this.#file);
      throw caught;
    }
    try {
      this.write(beginning, 0);
      // Some file systems find out only now that there is no room.
      this.flush();
    } catch (caught) {
      this[Symbol.dispose]();
      throw caught;
    }
  }

  /** Removes what stood there before, which is no longer wanted. */
  keep(): void {
    ftruncateSync(this.#file, this.#beginning);
    this.#state = 'kept';
  }

  write(octets: Buffer, position: number): void {
    for (let done = 0; done < octets.length; ) {
      done += writeSync(this.#file, octets, done, octets.length - done, position + done);
    }
  }

  /** All of them are there. */
  read(octets: number, position: number): Buffer {
    const content = Buffer.alloc(octets);
    for (let done = 0; done < octets; ) {
      const read = readSync(this.#file, content, done, octets - done, position + done);
      if (read === 0) throw new SyncError('IO', `${this.path}: somebody else has cut it short`);
      done += read;
    }
    return content;
  }

  truncate(octets: number): void {
    ftruncateSync(this.#file, octets);
  }

  /** Waits for the disk. */
  flush(): void {
    fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'begun') this.#withdraw();
    this.#state = 'closed';
    closeSync(this.#file);
  }

  /** Never throws: what keeps the run from beginning is what is to be told. */
  #withdraw(): void {
    if (this.#made) {
      withdrawFile(this.#file, this.path);
      return;
    }
    try {
      // What was there has room where it was, and a disk that is full has it again only after this.
      ftruncateSync(this.#file, this.#formerLength);
      this.write(this.#formerStart, 0);
    } catch {
      // A disk that does not take these octets has not taken those that were to stand there either.
    }
  }
}
