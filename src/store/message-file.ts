import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { IndexRecord, MessageContent } from './master-store.ts';

/** Octets. Larger messages are hashed and handed out as streams, read twice, rather than held in memory. */
const WHOLE_IN_MEMORY = 16 * 1024 * 1024;

/**
 * The octets of a message, known to be what its record says: right length, right SHA-1 (store section 9). The whole
 * file is checked before the first octet is handed out, because a literal cannot be taken back half way.
 *
 * @returns undefined for an expunged message whose file is gone already
 * @throws SyncError MESSAGE_UNREADABLE
 */
export async function readMessageFile(
  path: string,
  record: IndexRecord,
  mailbox: ByteString,
  into?: Buffer,
): Promise<MessageContent | undefined> {
  try {
    if (record.size > WHOLE_IN_MEMORY) {
      await checkStream(path, record);
      return createReadStream(path) as AsyncIterable<Buffer>;
    }
    const content = readWhole(path, record.size, into ?? Buffer.allocUnsafeSlow(record.size));
    check(record, content.length, createHash('sha1').update(content).digest('hex'));
    return content;
  } catch (caught) {
    if (record.flags.includes('\\Expunged') && isMissing(caught)) return undefined;
    const what = caught instanceof Error ? caught.message : String(caught);
    throw new SyncError('MESSAGE_UNREADABLE', `message ${record.uid} cannot be read: ${path}: ${what}`, {
      phase: 'upload',
      mailbox,
      hint: 'restore the file, or run reconstruct on the mailbox on the master',
      cause: caught,
    });
  }
}

function readWhole(path: string, size: number, room: Buffer): Buffer {
  const fd = openSync(path, 'r');
  try {
    const octets = fstatSync(fd).size;
    if (octets !== size) throw sizeDiffers(octets, size);
    let done = 0;
    while (done < size) {
      const count = readSync(fd, room, done, size - done, done);
      if (count === 0) break;
      done += count;
    }
    return room.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

async function checkStream(path: string, record: IndexRecord): Promise<void> {
  const hash = createHash('sha1');
  let octets = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    octets += chunk.length;
  }
  check(record, octets, hash.digest('hex'));
}

function check(record: IndexRecord, octets: number, hash: string): void {
  if (octets !== record.size) throw sizeDiffers(octets, record.size);
  if (hash !== record.guid) throw new Error(`SHA-1 is ${hash}, the index says ${record.guid}`);
}

function sizeDiffers(octets: number, size: number): Error {
  return new Error(`${octets} octets, the index says ${size}`);
}

function isMissing(caught: unknown): boolean {
  return caught instanceof Error && 'code' in caught && caught.code === 'ENOENT';
}
