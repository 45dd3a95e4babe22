import { SyncError } from '../../report/sync-error.ts';

export type Format = 'twoskip' | 'skiplist' | 'flat';

/** The first octets of a file that tell its format (store 2). */
export const MAGIC_OCTETS = 20;

const CYRUS_MAGIC = '\xa1\x02\x8b\x0d';
const TWOSKIP = `${CYRUS_MAGIC}twoskip file\0\0\0\0`;
const SKIPLIST = `${CYRUS_MAGIC}skiplist file\0\0\0`;
const TWOM = `${CYRUS_MAGIC}twomfile`;
const SQLITE = 'SQLite format 3\0';

/**
 * @param start the first MAGIC_OCTETS octets, or all of a shorter file
 * @returns undefined if there is no magic: a flat file
 * @throws SyncError DATABASE_UNSUPPORTED
 */
export function detectFormat(path: string, start: Buffer): Format | undefined {
  const text = start.toString('latin1');
  if (text === TWOSKIP) return 'twoskip';
  if (text === SKIPLIST) return 'skiplist';
  if (text.startsWith(TWOM)) throw unsupported(path, 'twom', 'twoskip');
  if (text.startsWith(SQLITE)) throw unsupported(path, 'SQLite', 'twoskip');
  // No flat file begins so: its writers escape CR.
  if (text.startsWith(CYRUS_MAGIC)) throw unsupported(path, `unknown (${start.toString('hex')})`, 'twoskip');
  return undefined;
}

function unsupported(path: string, format: string, target: string): SyncError {
  return new SyncError(
    'DATABASE_UNSUPPORTED',
    `${path}: expected twoskip, skiplist or flat, found ${format}`,
    {
      phase: 'read',
      hint: `convert it with cvt_cyrusdb to ${target}, and set the matching *_db option of imapd.conf`,
    },
  );
}
