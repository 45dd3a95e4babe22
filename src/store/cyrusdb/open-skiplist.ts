import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { BlockFile } from './block-file.ts';
import type { CyrusDatabase } from './cyrus-database.ts';
import { damaged } from './damaged.ts';
import type { KeyComparator } from './key-comparator.ts';
import { MapDatabase } from './map-database.ts';
import { replaySkiplist } from './replay-skiplist.ts';
import { SkipList } from './skip-list.ts';

/** Layout and rules are Cyrus's (store 2.2). */
export const HEADER_OCTETS = 48;
const DUMMY_OFFSET = HEADER_OCTETS;
const HIGHEST_VERSION = 1;
const HIGHEST_THINKABLE_VERSION = 255;
const WORD_OCTETS = 4;
/** Cyrus itself never makes more. */
const MAX_LEVEL = 20;

const DUMMY = 257;
const INORDER = 1;
const ADD = 2;
const COMMIT = 255;
const TERMINATOR = 0xffffffff;

/** @throws SyncError DATABASE_DAMAGED, DATABASE_UNSUPPORTED, IO */
export function openSkiplist(file: BlockFile, compare: KeyComparator): CyrusDatabase {
  const at = file.locate(0, HEADER_OCTETS);
  if (at < 0) throw damaged(file.path, file.size, `expected a header of ${HEADER_OCTETS} octets`);
  const version = file.octets.readUInt32BE(at + 20);
  // The header has no checksum: this is what a damaged one looks like, not a newer format.
  if (version > HIGHEST_THINKABLE_VERSION) {
    throw damaged(file.path, 20, `expected version ${HIGHEST_VERSION}, found ${version}`);
  }
  if (version > HIGHEST_VERSION) {
    throw new SyncError(
      'DATABASE_UNSUPPORTED',
      `${file.path}: expected skiplist version ${HIGHEST_VERSION}, found ${version}`,
      { phase: 'read', hint: 'this needs a newer release of this program' },
    );
  }
  const maxLevel = file.octets.readUInt32BE(at + 28);
  const level = file.octets.readUInt32BE(at + 32);
  const logStart = file.octets.readUInt32BE(at + 40);
  if (maxLevel > MAX_LEVEL || level > maxLevel) {
    throw damaged(file.path, 28, `expected at most ${MAX_LEVEL} levels, found ${level} of ${maxLevel}`);
  }
  // Whatever a writer that died has left behind may be linked in already: only a replay tells what was committed.
  const committed = file.size === logStart || lastWord(file) === COMMIT;
  return committed
    ? new SkiplistDatabase(file, compare, level)
    : new MapDatabase(replaySkiplist(file, logStart), compare);
}

function lastWord(file: BlockFile): number {
  const at = file.size % WORD_OCTETS === 0 ? file.locate(file.size - WORD_OCTETS, WORD_OCTETS) : -1;
  return at < 0 ? 0 : file.octets.readUInt32BE(at);
}

/** Where the parts of one node are. */
interface Node {
  offset: number;
  keyLength: number;
  valueLength: number;
  /** Absolute, as the next two. */
  key: number;
  value: number;
  pointers: number;
}

class SkiplistDatabase extends SkipList<Node> {
  readonly #file: BlockFile;
  readonly #levels: number;

  constructor(file: BlockFile, compare: KeyComparator, levels: number) {
    super(file.path, compare);
    this.#file = file;
    this.#levels = levels;
  }

  protected newNode(): Node {
    return { offset: 0, keyLength: 0, valueLength: 0, key: 0, value: 0, pointers: 0 };
  }

  protected readDummy(node: Node): number {
    this.#read(DUMMY_OFFSET, node, true);
    return this.#levels;
  }

  protected readRecord(offset: number, node: Node): ByteString {
    this.#read(offset, node, false);
    return this.#text(node.key, node.keyLength);
  }

  protected value(node: Node): ByteString {
    return this.#text(node.value, node.valueLength);
  }

  protected verifyKey(): boolean {
    return false;
  }

  #read(offset: number, node: Node, dummy: boolean): void {
    const type = this.#word(offset, offset);
    if (dummy ? type !== DUMMY : type !== INORDER && type !== ADD) {
      throw damaged(
        this.#file.path,
        offset,
        `expected ${dummy ? 'the dummy' : 'a record'}, found type ${type}`,
      );
    }
    node.offset = offset;
    node.keyLength = this.#word(offset, offset + WORD_OCTETS);
    node.key = offset + 2 * WORD_OCTETS;
    const valueLengthAt = node.key + padded(node.keyLength);
    node.valueLength = this.#word(offset, valueLengthAt);
    node.value = valueLengthAt + WORD_OCTETS;
    node.pointers = node.value + padded(node.valueLength);
  }

  protected next(node: Node, level: number): number {
    const pointer = this.#word(node.offset, node.pointers + level * WORD_OCTETS);
    if (pointer === TERMINATOR)
      throw damaged(
        this.#file.path,
        node.offset,
        `expected a pointer at level ${level}, found the terminator`,
      );
    return pointer;
  }

  #word(record: number, offset: number): number {
    const at = this.#file.locate(offset, WORD_OCTETS);
    if (at < 0)
      throw damaged(this.#file.path, record, `record reaches past the ${this.#file.size} octets of the file`);
    return this.#file.octets.readUInt32BE(at);
  }

  #text(offset: number, length: number): ByteString {
    const at = this.#file.locate(offset, length);
    if (at < 0)
      throw damaged(this.#file.path, offset, `expected ${length} octets, found the end of the file`);
    return this.#file.octets.toString('latin1', at, at + length);
  }
}

function padded(length: number): number {
  return Math.ceil(length / WORD_OCTETS) * WORD_OCTETS;
}
