import { closeSync, readSync } from 'node:fs';
import type { ByteString } from '../../byte-string.ts';
import { isMissing } from '../../native/has-errno.ts';
import { assertRegular, openWithoutWaiting } from '../../native/open-regular.ts';
import { isStillAt, REPLACED, untilNotReplaced } from '../../native/until-not-replaced.ts';
import { lockNow } from '../../native/when-locked.ts';
import { SyncError } from '../../report/sync-error.ts';
import { mailboxDamaged, unreadable } from '../files/store-errors.ts';
import { IndexError, type IndexHeader, parseIndexHeader } from './index-header.ts';
import { LARGEST_HEADER_OCTETS, RECORD_UID } from './index-layouts.ts';
import { IndexPage, type RecordContext } from './index-page.ts';

/** One read of records: large enough to be worth the call, small enough to stay in a cache. */
const PAGE_OCTETS = 256 * 1024;
/** A page that holds at least as many, and none of them complete, is damaged. */
const HOLE_RECORDS = 256;
/** A repack renames a new file over the old one; more than a few in a row is not a repack. */
const MAX_REPLACEMENTS = 10;

/** An open cyrus.index under its shared lock. */
export class IndexFile implements Disposable {
  readonly path: string;
  readonly header: IndexHeader;
  readonly #mailbox: ByteString;
  readonly #fd: number;
  #closed = false;

  private constructor(path: string, mailbox: ByteString, fd: number) {
    this.path = path;
    this.#mailbox = mailbox;
    this.#fd = fd;
    this.header = headerOf(fd, path, mailbox);
  }

  /**
   * Opens, locks, and makes sure that the path still leads to what was locked. For a lock scope.
   *
   * @returns undefined if there is no such file
   * @throws SyncError LOCK_TIMEOUT, MAILBOX_DAMAGED, IMAP_MAILBOX_NOTSUPPORTED, IO
   */
  static open(path: string, mailbox: ByteString): IndexFile | undefined {
    return untilNotReplaced(path, MAX_REPLACEMENTS, () => {
      const fd = openIndex(path);
      if (fd === undefined) return undefined;
      let keep = false;
      try {
        lockNow(fd, 'shared', path);
        if (!isStillAt(path, fd)) return REPLACED;
        const file = new IndexFile(path, mailbox, fd);
        keep = true;
        return file;
      } finally {
        if (!keep) closeSync(fd);
      }
    });
  }

  /** Pages of records whose UID is at least `fromUid`, each good until the next: all are read into one buffer. */
  *pages(fromUid: number, context: RecordContext): Generator<IndexPage> {
    const { records, recordSize, startOffset } = this.header;
    const perPage = Math.max(1, Math.floor(PAGE_OCTETS / recordSize));
    const buffer = Buffer.allocUnsafe(Math.min(perPage, records) * recordSize);
    let previousUid = 0;
    for (let first = this.#firstFrom(fromUid); first < records; first += perPage) {
      const octets = this.#read(
        startOffset + first * recordSize,
        buffer.subarray(0, Math.min(perPage, records - first) * recordSize),
      );
      const page = new IndexPage(octets, context, fromUid, previousUid);
      if (page.count === 0) {
        this.#checkNotEmpty(octets, first);
        continue;
      }
      previousUid = page.uid(page.count - 1);
      yield page;
    }
  }

  /** Refuses a page without a complete record: one now and then was never completed, but so many in a row are a hole. */
  #checkNotEmpty(octets: Buffer, first: number): void {
    const { recordSize } = this.header;
    if (octets.length < HOLE_RECORDS * recordSize) return;
    for (let at = 0; at < octets.length; at += recordSize) {
      if (octets.readUInt32BE(at + RECORD_UID) !== 0) return;
    }
    throw mailboxDamaged(
      this.path,
      `expected records from number ${first + 1} on, found none`,
      this.#mailbox,
    );
  }

  /** Number of the first record with that UID or a higher one. */
  #firstFrom(fromUid: number): number {
    if (fromUid <= 1) return 0;
    let low = 0;
    let high = this.header.records;
    if (fromUid > this.header.lastUid) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const uid = this.#read(
        this.header.startOffset + middle * this.header.recordSize + RECORD_UID,
        Buffer.allocUnsafe(4),
      ).readUInt32BE(0);
      // Never completed, so it says nothing about its neighbours: look at everything instead of missing some.
      if (uid === 0) return 0;
      if (uid < fromUid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #read(position: number, octets: Buffer): Buffer {
    const got = readInto(this.#fd, octets, position, this.path);
    if (got < octets.length) {
      throw mailboxDamaged(
        this.path,
        `expected ${this.header.records} records, but the file ends at octet ${position + got}`,
        this.#mailbox,
      );
    }
    return octets;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

/**
 * The header alone, for a caller whose lock keeps the index still.
 *
 * @returns undefined if there is no such file
 * @throws SyncError MAILBOX_DAMAGED, IMAP_MAILBOX_NOTSUPPORTED, IO
 */
export function readIndexHeader(path: string, mailbox: ByteString): IndexHeader | undefined {
  const fd = openIndex(path);
  if (fd === undefined) return undefined;
  try {
    return headerOf(fd, path, mailbox);
  } finally {
    closeSync(fd);
  }
}

function headerOf(fd: number, path: string, mailbox: ByteString): IndexHeader {
  const head = Buffer.alloc(LARGEST_HEADER_OCTETS);
  const length = readInto(fd, head, 0, path);
  try {
    return parseIndexHeader(head.subarray(0, length));
  } catch (caught) {
    if (!(caught instanceof IndexError)) throw caught;
    assertRegular(fd, path);
    if (caught.unsupported === undefined) throw mailboxDamaged(path, caught.message, mailbox);
    if (caught.unsupported === 'unknown') {
      throw new SyncError('INDEX_VERSION_UNKNOWN', `${path}: ${caught.message}`, {
        phase: 'read',
        mailbox,
        hint: "with master = private the master's own server is asked; if it cannot read it either, run reconstruct",
      });
    }
    throw new SyncError('IMAP_MAILBOX_NOTSUPPORTED', `${path}: ${caught.message}`, {
      phase: 'read',
      mailbox,
      hint: 'upgrade the mailbox with reconstruct -V max',
    });
  }
}

function readInto(fd: number, octets: Buffer, position: number, path: string): number {
  try {
    return readSync(fd, octets, 0, octets.length, position);
  } catch (caught) {
    assertRegular(fd, path);
    throw unreadable(path, caught);
  }
}

function openIndex(path: string): number | undefined {
  try {
    return openWithoutWaiting(path);
  } catch (caught) {
    if (isMissing(caught)) return undefined;
    throw SyncError.from(caught, { phase: 'read', hint: 'run this as the user that Cyrus runs as' });
  }
}
