import { crc32 } from 'node:zlib';
import { MAX_COUNTERS_OCTETS } from '../files/limits.ts';
import { readSmallFile } from '../files/read-small-file.ts';
import { readU64 } from '../files/read-u64.ts';
import { databaseDamaged } from '../files/store-errors.ts';

/** The oldest form with a racl counter has 104 octets; the counter has been in one place ever since. */
const OLDEST_WITH_RACL = 104;
const RACL_OFFSET = 88;

const HINT = 'restore the file from a backup';

/**
 * RACLMODSEQ of a user's INBOX from the counters file (store 10.5). 0 = not known, as where there is no file.
 */
export function readRaclModseq(path: string): number {
  const content = readSmallFile(path, MAX_COUNTERS_OCTETS, (finding) => databaseDamaged(path, finding, HINT));
  if (content === undefined) return 0;
  const modseq = raclModseq(content);
  if (modseq === undefined) throw databaseDamaged(path, 'the checksum is not that of its content', HINT);
  return modseq;
}

/** @returns undefined if the content is damaged */
export function raclModseq(content: Buffer): number | undefined {
  if (content.length < OLDEST_WITH_RACL) return 0;
  const crcAt = content.length - 4;
  if (content.readUInt32BE(crcAt) !== crc32(content.subarray(0, crcAt))) return undefined;
  const modseq = readU64(content, RACL_OFFSET);
  return Number.isSafeInteger(modseq) ? modseq : undefined;
}
