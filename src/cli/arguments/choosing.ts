import { parseDuration } from '../../config/values.ts';
import type { Shard } from '../../coordinator/run/choice.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { RawOptions } from './command-line.ts';

/** Who is to be replicated, in what order, and when to end before everybody was: as far as the command line says. */
export interface Choosing {
  /** --include, each of them. */
  include: readonly string[];
  /** --exclude */
  exclude: readonly string[];
  /** --exclude-from; `-` is standard input. */
  excludeFrom: string | undefined;
  /** --shard */
  shard: Shard | undefined;
  /** --order */
  order: 'size' | 'name' | 'list' | undefined;
  /** --max-errors */
  maxErrors: number | undefined;
  /** --max-duration, seconds. */
  maxDuration: number | undefined;
}

/** More are no help, and a mistake. */
const MOST_SHARDS = 10_000;
const MOST_ERRORS = 1_000_000_000;
/** Keeps every time below Node's timer limit. */
const MOST_DURATION = 2_000_000;

/** @throws SyncError USAGE */
export function choosing(
  raw: RawOptions,
  { include, exclude }: Pick<Choosing, 'include' | 'exclude'>,
): Choosing {
  return Object.freeze({
    include: Object.freeze([...include]),
    exclude: Object.freeze([...exclude]),
    excludeFrom: raw.excludeFrom,
    shard: shardOf(raw.shard),
    order: raw.order,
    maxErrors: maxErrors(raw.maxErrors),
    maxDuration: maxDuration(raw.maxDuration),
  });
}

/** @throws SyncError USAGE for what the mode has no use for */
export function checkChoosing(mode: string, given: Choosing, inputFile: string | undefined): void {
  const { include, exclude, excludeFrom, shard, order, maxErrors: errors, maxDuration: duration } = given;
  const choices = [
    include.length > 0 && '--include',
    exclude.length > 0 && '--exclude',
    excludeFrom !== undefined && '--exclude-from',
    shard !== undefined && '--shard',
    order !== undefined && '--order',
  ].find((option) => option !== false);
  if (choices !== undefined && mode !== 'all' && mode !== 'users') {
    throw wrong(`expected ${choices} with -A or -u alone`);
  }
  if (mode === 'rolling' && (errors !== undefined || duration !== undefined)) {
    const option = errors === undefined ? '--max-duration' : '--max-errors';
    throw wrong(`expected no ${option} in rolling mode, which goes on until it is stopped`);
  }
  if (order === 'list' && mode === 'all') {
    throw wrong('expected --order list with -u, where there is a list; -A takes size or name');
  }
  if (excludeFrom === '-' && inputFile === '-') {
    throw wrong('expected standard input for one of -f and --exclude-from, found both');
  }
}

function shardOf(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined;
  const [, first = '', second = ''] = /^([0-9]{1,5})\/([0-9]{1,5})$/.exec(text) ?? [];
  const [number, of] = [Number(first), Number(second)];
  if (first !== '' && number >= 1 && number <= of && of <= MOST_SHARDS) return { number, of };
  throw wrong(`option --shard expects K/N, such as 1/4, with K from 1 to N, found ${shownValue(text)}`);
}

function maxErrors(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MOST_ERRORS) return count;
  throw wrong(`option --max-errors expects a whole number from 1, found ${shownValue(text)}`);
}

function maxDuration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration !== undefined && duration > 0 && duration <= MOST_DURATION) return duration;
  throw wrong(
    `option --max-duration expects a time of up to 23 days, such as 90s, 45m or 6h, found ${shownValue(text)}`,
  );
}

function wrong(message: string): SyncError {
  return new SyncError('USAGE', message, { phase: 'start' });
}
