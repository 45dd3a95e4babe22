import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { WireRecord } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { RecordPage } from '../master-store.ts';
import { EncodedPage, encodeRecord, recordUid } from './encoded-page.ts';

/** Records that are read and decoded together. */
const RECORDS_PER_PAGE = 1024;
/** Octets of one mailbox's records that stay in memory; what is more lies on disk, as the index of a store does. */
const IN_MEMORY_OCTETS = 256 * 1024;

/** A page of records in memory, or where it is in the file. */
interface StoredPage {
  lastUid: number;
  octets: Buffer | { at: number; length: number };
}

let spoolsMade = 0;

/**
 * The records of one mailbox as they came from a server: each kept as octets, most of them in a file without a name, so
 * that memory does not grow with the mailbox. Records come in the order of their UIDs, and are read after the last has come.
 */
export class RecordSpool implements Disposable {
  readonly #directory: string;
  readonly #pages: StoredPage[] = [];
  #pending: Buffer[] = [];
  #pendingOctets = 0;
  #inMemory = 0;
  #file: number | undefined;
  #written = 0;
  #closed = false;

  /** @param directory for the file, if one is needed */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws SyncError IO */
  add(record: WireRecord): void {
    const octets = encodeRecord(record);
    this.#pending.push(octets);
    this.#pendingOctets += octets.length;
    if (this.#pending.length === RECORDS_PER_PAGE) this.end();
  }

  /** To be called after the last record. @throws SyncError IO */
  end(): void {
    const last = this.#pending.at(-1);
    if (last === undefined) return;
    const page = Buffer.concat(this.#pending, this.#pendingOctets);
    const lastUid = recordUid(last);
    this.#pending = [];
    this.#pendingOctets = 0;
    const fits = this.#inMemory + page.length <= IN_MEMORY_OCTETS;
    if (fits) this.#inMemory += page.length;
    this.#pages.push({ lastUid, octets: fits ? page : this.#write(page) });
  }

  *pages(fromUid: number): Generator<RecordPage> {
    for (const { lastUid, octets } of this.#pages) {
      if (lastUid < fromUid) continue;
      yield new EncodedPage(this.#read(octets), fromUid);
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(page: Buffer): { at: number; length: number } {
    try {
      this.#file ??= openNameless(this.#directory);
      for (let done = 0; done < page.length; ) {
        done += writeSync(this.#file, page, done, page.length - done, this.#written + done);
      }
    } catch (caught) {
      throw cannotSpool(this.#directory, caught);
    }
    const at = this.#written;
    this.#written += page.length;
    return { at, length: page.length };
  }

  #read(octets: StoredPage['octets']): Buffer {
    if (this.#closed) throw new SyncError('BUG', 'records were read after they were given up');
    if (Buffer.isBuffer(octets)) return octets;
    const page = Buffer.allocUnsafe(octets.length);
    for (let done = 0; done < page.length; ) {
      const count = readSync(this.#file ?? -1, page, done, page.length - done, octets.at + done);
      if (count === 0) throw cannotSpool(this.#directory, new Error('the end came too soon'));
      done += count;
    }
    return page;
  }
}

/** Made new, for its owner alone, and without a name from then on: nothing is left behind, however the process ends. */
function openNameless(directory: string): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const path = join(directory, `cyrus-sync-records-${process.pid}-${threadId}-${++spoolsMade}`);
  const file = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  unlinkSync(path);
  return file;
}

function cannotSpool(directory: string, caught: unknown): SyncError {
  const { code, message } = SyncError.from(caught);
  return new SyncError(code === 'BUG' ? 'IO' : code, `records cannot be kept in ${directory}: ${message}`, {
    phase: 'read',
    hint: 'make room there, or have TMPDIR name another directory',
    cause: caught,
  });
}
