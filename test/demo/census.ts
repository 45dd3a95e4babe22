import { createHash, type Hash } from 'node:crypto';

/** The content of one side, counted; keys are the words shown. */
export interface Census {
  counts: Record<CensusRow, number>;
  /** Internal mailbox name -> digest over its records: UID, GUID, MODSEQ, size, date, flags, annotations. */
  records: Map<string, string>;
}

export const CENSUS_ROWS = [
  'users',
  'mailboxes',
  'messages',
  'expunged messages kept',
  'flags and keywords set',
  'annotations',
  'subscriptions',
  'seen states',
  'Sieve scripts',
  'quotas',
] as const;
export type CensusRow = (typeof CENSUS_ROWS)[number];

export function emptyCensus(): Census {
  const counts = Object.fromEntries(CENSUS_ROWS.map((row) => [row, 0])) as Record<CensusRow, number>;
  return { counts, records: new Map() };
}

/** A record as both the store reader and the sandbox have it. */
interface Counted {
  uid: number;
  guid: string;
  modseq: number;
  size: number;
  internaldate: number;
  flags: readonly string[];
  annotations: readonly { entry: string; userid: string; modseq: number; value: string }[];
}

/** Adds one mailbox and its records. @returns the number of its live messages */
export function countMailbox(census: Census, name: string, records: Iterable<Counted>): number {
  const { counts } = census;
  const hash: Hash = createHash('sha1');
  let live = 0;
  for (const { uid, guid, modseq, size, internaldate, flags, annotations } of records) {
    hash.update(JSON.stringify([uid, guid, modseq, size, internaldate, [...flags].sort()]));
    for (const each of annotations)
      hash.update(JSON.stringify([each.entry, each.userid, each.modseq, each.value]));
    counts.annotations += annotations.length;
    if (flags.includes('\\Expunged')) {
      counts['expunged messages kept'] += 1;
      continue;
    }
    live += 1;
    counts['flags and keywords set'] += flags.length;
  }
  counts.mailboxes += 1;
  counts.messages += live;
  census.records.set(name, hash.digest('hex'));
  return live;
}

export interface Comparison {
  row: string;
  master: number;
  replica: number;
}

/** Every count, and how many mailboxes are equal record by record (of how many there are on the master). */
export function compare(master: Census, replica: Census): Comparison[] {
  const rows: Comparison[] = CENSUS_ROWS.map((row) => ({
    row,
    master: master.counts[row],
    replica: replica.counts[row],
  }));
  let equal = 0;
  for (const [name, digest] of master.records) if (replica.records.get(name) === digest) equal += 1;
  rows.push({ row: 'mailboxes with equal records', master: master.records.size, replica: equal });
  return rows;
}
