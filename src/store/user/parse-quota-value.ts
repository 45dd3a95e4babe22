import type { ByteString } from '../../byte-string.ts';
import { DiskDlistError, type DiskMap, parseDiskMap } from '../files/parse-disk-dlist.ts';
import type { QuotaEntry } from '../master-store.ts';

export const UNLIMITED = -1;

const RESOURCES = { storage: 'S', messages: 'M', annotationStorage: 'AS', folders: 'NF' } as const;
type Resource = keyof typeof RESOURCES;

/** The caller knows root and file. */
export class QuotaValueError extends Error {
  override readonly name = 'QuotaValueError';
}

/** Limits and modseq of a quota root, in either grammar (store 10.3). @throws QuotaValueError */
export function parseQuotaValue(value: ByteString): Omit<QuotaEntry, 'root'> {
  return value.startsWith('%')
    ? fromMap(parseMap(value))
    : fromWords(value.split(/[ \t\r\n]+/).filter(Boolean));
}

function parseMap(value: ByteString): DiskMap {
  try {
    return parseDiskMap(value);
  } catch (caught) {
    if (caught instanceof DiskDlistError) throw new QuotaValueError(caught.message, { cause: caught });
    throw caught;
  }
}

function fromMap(map: DiskMap): Omit<QuotaEntry, 'root'> {
  const limit = (resource: Resource): number => {
    const pair = map.get(RESOURCES[resource]);
    const text = Array.isArray(pair) ? pair[1] : undefined;
    return typeof text === 'string' ? limitOf(text) : UNLIMITED;
  };
  const modseq = map.number('MODSEQ');
  if (Number.isNaN(modseq)) throw new QuotaValueError('MODSEQ is not a number');
  return {
    storage: limit('storage'),
    messages: limit('messages'),
    annotationStorage: limit('annotationStorage'),
    folders: limit('folders'),
    modseq,
  };
}

/** `used limit [used twice]` for storage, then for others `NAME used limit [used twice]`. */
function fromWords(words: ByteString[]): Omit<QuotaEntry, 'root'> {
  const limits = {
    storage: UNLIMITED,
    messages: UNLIMITED,
    annotationStorage: UNLIMITED,
    folders: UNLIMITED,
  };
  let resource: Resource | undefined = 'storage';
  let at = 0;
  for (;;) {
    const [used, limit] = [words[at], words[at + 1]];
    if (resource === undefined || used === undefined || limit === undefined || !isNumber(used)) {
      throw new QuotaValueError('expected "USED LIMIT" for a known resource');
    }
    limits[resource] = limitOf(limit);
    at += 2;
    // Left behind by an interrupted `quota -f`.
    if (isNumber(words[at])) at++;
    if (at === words.length) return { ...limits, modseq: 0 };
    resource = resourceNamed(words[at++]);
  }
}

function resourceNamed(word: ByteString | undefined): Resource | undefined {
  const found = Object.entries(RESOURCES).find(([, name]) => name === word?.toUpperCase());
  return found?.[0] as Resource | undefined;
}

function isNumber(word: ByteString | undefined): boolean {
  return word !== undefined && /^-?[0-9]+$/.test(word);
}

function limitOf(text: ByteString): number {
  const limit = Number(text);
  if (!isNumber(text) || !Number.isSafeInteger(limit)) throw new QuotaValueError(`${text} is not a limit`);
  return limit < 0 ? UNLIMITED : limit;
}
