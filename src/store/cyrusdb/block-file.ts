import { readSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';
import { MAX_DATABASE_FIELD_OCTETS } from '../files/limits.ts';
import { damaged, unreadable } from './damaged.ts';

/** A record and its neighbours in file order; large enough for a walk, small enough for a lookup of 40 hops. */
const BLOCK_OCTETS = 16 * 1024;
/** 2 MiB a database: the upper levels of a skip list of a million records stay in. */
const MAX_BLOCKS = 128;

/**
 * Positional reads of one open file through a small cache of blocks. The file must not change meanwhile: the caller
 * holds its lock.
 *
 * `locate` makes `length` octets readable in `octets` from the position that it returns; both are good until the next
 * call. That is one object for all records of a walk, instead of one for each.
 */
export class BlockFile implements Disposable {
  readonly path: string;
  readonly size: number;
  octets: Buffer = Buffer.alloc(0);
  readonly #fd: number;
  #open = true;
  /** Least recently read first. */
  readonly #blocks = new Map<number, Buffer>();
  #current = -1;

  constructor(fd: number, path: string, size: number) {
    this.#fd = fd;
    this.path = path;
    this.size = size;
  }

  /** The descriptor is the caller's, and may be another file's the next moment: nothing is read from it any more. */
  [Symbol.dispose](): void {
    this.#open = false;
    this.#blocks.clear();
    this.#current = -1;
  }

  /**
   * @returns position in `octets`; -1 if the file ends before offset + length
   * @throws SyncError DATABASE_DAMAGED, IO
   */
  locate(offset: number, length: number): number {
    // The comparison is written so that NaN and offsets beyond 2^53 fail it.
    if (!(offset >= 0 && offset + length <= this.size)) return -1;
    if (length > MAX_DATABASE_FIELD_OCTETS) {
      throw damaged(
        this.path,
        offset,
        `expected a field of at most ${MAX_DATABASE_FIELD_OCTETS} octets, found ${length}`,
      );
    }
    const number = Math.floor(offset / BLOCK_OCTETS);
    const position = offset - number * BLOCK_OCTETS;
    if (position + length <= BLOCK_OCTETS) {
      if (number !== this.#current) {
        this.octets = this.#block(number);
        this.#current = number;
      }
      return position;
    }
    this.octets = this.#read(offset, length, Buffer.allocUnsafe(length));
    this.#current = -1;
    return 0;
  }

  #block(number: number): Buffer {
    let block = this.#blocks.get(number);
    if (block !== undefined) {
      this.#blocks.delete(number);
      this.#blocks.set(number, block);
      return block;
    }
    const offset = number * BLOCK_OCTETS;
    block = this.#read(offset, Math.min(BLOCK_OCTETS, this.size - offset), this.#freeBlock());
    this.#blocks.set(number, block);
    return block;
  }

  /** The oldest block's memory once the cache is full. */
  #freeBlock(): Buffer {
    if (this.#blocks.size >= MAX_BLOCKS) {
      for (const [number, block] of this.#blocks) {
        // A block at the end of the file may be short.
        this.#blocks.delete(number);
        if (block.length === BLOCK_OCTETS) return block;
        break;
      }
    }
    return Buffer.allocUnsafe(BLOCK_OCTETS);
  }

  #read(offset: number, length: number, block: Buffer): Buffer {
    const octets = block.length === length ? block : block.subarray(0, length);
    let done = 0;
    while (done < length) {
      const count = this.#readSome(octets, done, length - done, offset + done);
      if (count === 0) {
        throw new SyncError('IO', `${this.path}: ends at ${offset + done}, expected ${this.size} octets`, {
          phase: 'read',
          hint: 'the file was cut while it was locked: a program other than Cyrus has changed it',
        });
      }
      done += count;
    }
    return octets;
  }

  #readSome(octets: Buffer, at: number, length: number, offset: number): number {
    if (!this.#open)
      throw new SyncError('BUG', `${this.path}: read after the database was closed`, { phase: 'read' });
    try {
      return readSync(this.#fd, octets, at, length, offset);
    } catch (caught) {
      throw unreadable(this.path, caught);
    }
  }
}
