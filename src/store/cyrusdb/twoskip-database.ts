import { crc32 } from 'node:zlib';
import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import { readU64 } from '../files/read-u64.ts';
import type { BlockFile } from './block-file.ts';
import { checksumMismatch, damaged } from './damaged.ts';
import type { KeyComparator } from './key-comparator.ts';
import { SkipList } from './skip-list.ts';

/** Layout and rules are Cyrus's (store 2.1). */
const HEADER_OCTETS = 64;
const DUMMY_OFFSET = 64;
const HIGHEST_VERSION = 1;
const FLAG_DIRTY = 1;
const MAX_LEVEL = 31;
const ALIGNMENT = 8;

const DUMMY = 0x3d; // =
const RECORD = 0x2b; // +
const DELETE = 0x2d; // -
const ESCAPED_KEY_LENGTH = 0xffff;
const ESCAPED_VALUE_LENGTH = 0xffffffff;
/** type, level and both short lengths; the long lengths, if escaped, follow. */
const FIXED_OCTETS = 8;
const LONG_LENGTH_OCTETS = 8;
const POINTER_OCTETS = 8;
const CRC_OCTETS = 4;

/** One record without its key and value. */
interface Head {
  offset: number;
  type: number;
  level: number;
  keyLength: number;
  valueLength: number;
  crcTail: number;
  /** Where the key begins. */
  body: number;
  pointers: Float64Array;
}

export class TwoskipDatabase extends SkipList<Head> {
  readonly #file: BlockFile;
  /** Committed end: nothing at or past it exists for a reader. */
  readonly #end: number;
  /** A writer died here: pointers above level 0 are not to be trusted. */
  readonly #dirty: boolean;
  /** Every search begins at it, and it has as many pointers as ten other records. */
  #dummy: Head | undefined;

  /** @throws SyncError DATABASE_DAMAGED, DATABASE_UNSUPPORTED, IO */
  constructor(file: BlockFile, compare: KeyComparator) {
    super(file.path, compare);
    this.#file = file;
    const at = file.locate(0, HEADER_OCTETS);
    if (at < 0) throw damaged(file.path, file.size, `expected a header of ${HEADER_OCTETS} octets`);
    const octets = file.octets;
    const stored = octets.readUInt32BE(at + 60);
    const computed = crc32(octets.subarray(at, at + 60));
    if (stored !== computed) throw checksumMismatch(file.path, 60, 'header', computed, stored);
    const version = octets.readUInt32BE(at + 20);
    if (version > HIGHEST_VERSION) {
      throw new SyncError(
        'DATABASE_UNSUPPORTED',
        `${file.path}: expected twoskip version ${HIGHEST_VERSION}, found ${version}`,
        { phase: 'read', hint: 'this needs a newer release of this program' },
      );
    }
    this.#end = readU64(octets, at + 48);
    if (!(this.#end >= DUMMY_OFFSET && this.#end <= file.size)) {
      throw damaged(file.path, 48, `expected a committed end within ${file.size} octets, found ${this.#end}`);
    }
    this.#dirty = (octets.readUInt32BE(at + 56) & FLAG_DIRTY) !== 0 || file.size !== this.#end;
  }

  protected newNode(): Head {
    const pointers = new Float64Array(MAX_LEVEL + 1);
    return { offset: 0, type: 0, level: 0, keyLength: 0, valueLength: 0, crcTail: 0, body: 0, pointers };
  }

  protected readDummy(head: Head): number {
    const dummy = this.#dummy ?? this.#readDummy();
    this.#dummy = dummy;
    const { pointers } = head;
    Object.assign(head, dummy, { pointers });
    pointers.set(dummy.pointers);
    return this.#dirty ? 1 : head.level;
  }

  #readDummy(): Head {
    const head = this.newNode();
    this.#readHead(DUMMY_OFFSET, head);
    if (head.type !== DUMMY) throw this.#unexpected(head, 'the dummy');
    return head;
  }

  /** The level byte counts from 1, and level 0 has the first two pointers. */
  protected next(head: Head, level: number): number {
    return level === 0 ? this.#successor(head) : this.#skip(head, level + 1);
  }

  /** Level-0 successor: of the two alternating pointers the newer one that was committed. */
  #successor(head: Head): number {
    const first = head.pointers[0] ?? 0;
    const second = head.pointers[1] ?? 0;
    if (first < this.#end && second < this.#end) return Math.max(first, second);
    if (first >= this.#end && second >= this.#end) {
      throw damaged(
        this.#file.path,
        head.offset,
        `expected a pointer below ${this.#end}, found ${first} and ${second}`,
      );
    }
    return first < this.#end ? first : second;
  }

  #skip(head: Head, level: number): number {
    // A record takes part in the skip levels below its own level byte only.
    const offset = level <= head.level ? (head.pointers[level] ?? 0) : 0;
    if (offset >= this.#end) {
      throw damaged(this.#file.path, head.offset, `expected a pointer below ${this.#end}, found ${offset}`);
    }
    return offset;
  }

  /** Reads a record, or, in place of one that is marked as deleted, the one behind it. */
  protected readRecord(offset: number, head: Head): ByteString | undefined {
    this.#readHead(offset, head);
    if (head.type === DELETE) {
      const next = head.pointers[0] ?? 0;
      if (next === 0) return undefined;
      this.#readHead(next, head);
    }
    if (head.type !== RECORD) throw this.#unexpected(head, 'a record');
    const at = this.#file.locate(head.body, head.keyLength);
    return this.#file.octets.toString('latin1', at, at + head.keyLength);
  }

  #readHead(offset: number, head: Head): void {
    const file = this.#file;
    let at = offset % ALIGNMENT === 0 && offset < this.#end ? file.locate(offset, FIXED_OCTETS) : -1;
    if (at < 0) throw damaged(file.path, offset, `expected a record before the committed end ${this.#end}`);
    const octets = file.octets;
    const type = octets[at] ?? 0;
    const level = octets[at + 1] ?? 0;
    if ((type !== RECORD && type !== DELETE && type !== DUMMY) || level > MAX_LEVEL) {
      throw damaged(file.path, offset, `expected a record, found type ${type}, level ${level}`);
    }
    let keyLength = octets.readUInt16BE(at + 2);
    let valueLength = octets.readUInt32BE(at + 4);
    const longKey = keyLength === ESCAPED_KEY_LENGTH;
    const longValue = valueLength === ESCAPED_VALUE_LENGTH;
    const fixed = FIXED_OCTETS + (longKey ? LONG_LENGTH_OCTETS : 0) + (longValue ? LONG_LENGTH_OCTETS : 0);
    const checked = fixed + (level + 1) * POINTER_OCTETS;
    at = file.locate(offset, checked + 2 * CRC_OCTETS);
    if (at < 0)
      throw damaged(file.path, offset, `expected a record head of ${checked + 2 * CRC_OCTETS} octets`);
    this.#checkHead(offset, at, checked);
    head.offset = offset;
    head.type = type;
    head.level = level;
    this.#readPointers(head, at + fixed);
    if (longKey) keyLength = readU64(file.octets, at + FIXED_OCTETS);
    if (longValue) valueLength = readU64(file.octets, at + fixed - LONG_LENGTH_OCTETS);
    head.keyLength = keyLength;
    head.valueLength = valueLength;
    head.crcTail = file.octets.readUInt32BE(at + checked + CRC_OCTETS);
    head.body = offset + checked + 2 * CRC_OCTETS;
    if (!(head.body + padded(keyLength + valueLength) <= this.#end)) {
      throw damaged(
        file.path,
        offset,
        `key of ${keyLength} and value of ${valueLength} octets reach past ${this.#end}`,
      );
    }
  }

  #checkHead(offset: number, at: number, length: number): void {
    const stored = this.#file.octets.readUInt32BE(at + length);
    const computed = crc32(this.#file.octets.subarray(at, at + length));
    if (stored !== computed) throw checksumMismatch(this.#file.path, offset, 'record head', computed, stored);
  }

  #readPointers(head: Head, at: number): void {
    for (let i = 0; i <= head.level; i++)
      head.pointers[i] = readU64(this.#file.octets, at + i * POINTER_OCTETS);
    // A deletion has one pointer; what the struct held before must not be taken for its second.
    if (head.level === 0) head.pointers[1] = 0;
  }

  protected value(head: Head): ByteString {
    const at = this.#checkTail(head);
    return this.#file.octets.toString('latin1', at + head.keyLength, at + head.keyLength + head.valueLength);
  }

  protected verifyKey(head: Head): boolean {
    this.#checkTail(head);
    return true;
  }

  /** @returns where key and value are in the file's `octets` */
  #checkTail(head: Head): number {
    const length = padded(head.keyLength + head.valueLength);
    const at = this.#file.locate(head.body, length);
    const computed = crc32(this.#file.octets.subarray(at, at + length));
    if (computed !== head.crcTail) {
      throw checksumMismatch(this.#file.path, head.body, 'key and value', computed, head.crcTail);
    }
    return at;
  }

  #unexpected(head: Head, expected: string): SyncError {
    return damaged(
      this.#file.path,
      head.offset,
      `expected ${expected}, found type ${String.fromCharCode(head.type)}`,
    );
  }
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
