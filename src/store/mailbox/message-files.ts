import { createHash, hash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  type ReadStream,
  read as readOctets,
  readSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import PQueue from 'p-queue';
import type { ByteString } from '../../byte-string.ts';
import { hasErrno } from '../../native/has-errno.ts';
import {
  assertRegular,
  assertRegularKind,
  openRegularSoon,
  openWithoutWaiting,
} from '../../native/open-regular.ts';
import { waitsOfThread } from '../../native/waits-of-thread.ts';
import type { MessageStream } from '../../protocol/replica-session.ts';
import { type MessageDamage, SyncError } from '../../report/sync-error.ts';
import { ReadPace } from '../files/read-pace.ts';
import type { IndexRecord, MessageContent } from '../master-store.ts';

/** Octets. Larger messages are hashed and handed out as streams, read twice, rather than held in memory. */
const WHOLE_IN_MEMORY_OCTETS = 16 * 1024 * 1024;
/** Files open at once while a slow disk is waited for: it can put so many in a good order. */
const AT_ONCE = 16;

const read = promisify(readOctets);

/** The message files of a store as one thread reads them. */
export class MessageFiles {
  readonly #pace: Pick<ReadPace, 'next' | 'didOne'>;
  readonly #waits: () => number;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });

  /** @param waits of this thread, as a count that wraps */
  constructor(pace: Pick<ReadPace, 'next' | 'didOne'> = new ReadPace(), waits = waitsOfThread) {
    this.#pace = pace;
    this.#waits = waits;
  }

  /**
   * The octets of a message, known to be what its record says: right length, right SHA-1 (store 9). The whole
   * file is checked before the first octet is handed out, because a literal cannot be taken back half way.
   *
   * @returns undefined for an expunged message whose file is gone already
   * @throws SyncError MESSAGE_UNREADABLE
   */
  async read(
    path: string,
    record: IndexRecord,
    mailbox: ByteString,
    into?: Buffer,
  ): Promise<MessageContent | undefined> {
    try {
      if (record.size > WHOLE_IN_MEMORY_OCTETS) return await checkedStream(path, record);
      const slab = into ?? Buffer.allocUnsafeSlow(record.size + 1);
      const content =
        this.#pace.next() === 'one by one'
          ? this.#readAtOnce(path, record.size, slab)
          : await this.#queue.add(() => readBeside(path, record.size, slab));
      check(record, content.length, hash('sha1', content, 'hex'));
      return content;
    } catch (caught) {
      const cause = damageOf(path, caught);
      // Nobody reads it any more, and the replica takes the record without it.
      if (record.flags.includes('\\Expunged') && (cause || hasErrno(caught, 'ENOENT'))) return undefined;
      const { message } = SyncError.from(caught);
      const what = message.includes(path) ? message : `${path}: ${message}`;
      throw new SyncError('MESSAGE_UNREADABLE', `message ${record.uid} cannot be read: ${what}`, {
        phase: 'upload',
        mailbox,
        hint: 'restore the file, or run reconstruct on the mailbox on the master',
        damage: cause && { uid: record.uid, guid: record.guid, path, cause },
        cause: caught,
      });
    }
  }

  #readAtOnce(path: string, size: number, slab: Buffer): Buffer {
    const waits = this.#waits();
    const content = readWhole(path, size, slab);
    this.#pace.didOne(this.#waits() !== waits);
    return content;
  }
}

/** Asks for an octet more than there should be: that tells as much as the size of the file, which would take another call. */
function readWhole(path: string, size: number, slab: Buffer): Buffer {
  const fd = openWithoutWaiting(path);
  try {
    let done = 0;
    while (done < size) {
      const count = readSync(fd, slab, done, slab.length - done, done);
      if (count === 0) break;
      done += count;
    }
    if (done !== size) checkSize(fd, size, path);
    return slab.subarray(0, done);
  } catch (caught) {
    assertRegular(fd, path);
    throw caught;
  } finally {
    closeSync(fd);
  }
}

/** Reads the same without holding up this thread. What is known of an open file costs no wait. */
async function readBeside(path: string, size: number, slab: Buffer): Promise<Buffer> {
  const fd = await openRegularSoon(path);
  try {
    checkSize(fd, size, path);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await read(fd, slab, done, size - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return slab.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

/** Through one descriptor: what was checked is what is sent, whatever becomes of the path in between. */
async function checkedStream(path: string, record: IndexRecord): Promise<MessageStream> {
  const fd = await openRegularSoon(path);
  const whole = (autoClose: boolean): ReadStream => createReadStream(path, { fd, start: 0, autoClose });
  try {
    const sha1 = createHash('sha1');
    let octets = 0;
    for await (const chunk of whole(false)) {
      sha1.update(chunk);
      octets += chunk.length;
    }
    check(record, octets, sha1.digest('hex'));
    return handedOut(whole(true));
  } catch (caught) {
    closeSync(fd);
    throw caught;
  }
}

/** It reads nothing before it is asked for the first octet, and has its descriptor all the while. */
function handedOut(stream: ReadStream): MessageStream {
  // Whoever reads is told of an error by the reading. One of closing what nobody reads is nobody's.
  stream.on('error', () => {});
  return {
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    // Waits for a read that is under way, so that no descriptor is closed below it.
    [Symbol.dispose]: () => void stream.destroy(),
  };
}

function checkSize(fd: number, size: number, path: string): void {
  const stats = fstatSync(fd);
  assertRegularKind(stats, path);
  if (stats.size !== size) throw sizeDiffers(stats.size, size);
}

function check(record: IndexRecord, octets: number, sha1: string): void {
  if (octets !== record.size) throw sizeDiffers(octets, record.size);
  if (sha1 !== record.guid) {
    throw new Differs('content-differs', `SHA-1 is ${sha1}, the index says ${record.guid}`);
  }
}

function sizeDiffers(octets: number, size: number): Differs {
  return new Differs('size-differs', `${octets} octets, the index says ${size}`);
}

class Differs extends Error {
  readonly damage: MessageDamage['cause'];

  constructor(damage: MessageDamage['cause'], message: string) {
    super(message);
    this.damage = damage;
  }
}

/**
 * Damage of this message alone. A directory that is not there, a file that may not be read and a disk that does not answer
 * concern others as well, and may pass.
 */
function damageOf(path: string, caught: unknown): MessageDamage['cause'] | undefined {
  if (caught instanceof Differs) return caught.damage;
  if (caught instanceof SyncError && caught.code === 'IO') return 'no-regular-file';
  return hasErrno(caught, 'ENOENT') && existsSync(dirname(path)) ? 'missing' : undefined;
}
