/**
 * The cost of a flush of the replica: milliseconds added to each, 0 for the stores as they are (in memory, where a flush
 * costs nothing), or `disk` for a store on this machine's own disk.
 */
export type Flush = number | 'disk';

/** @throws TypeError */
export function parseFlush(text: string): Flush {
  if (text === 'disk') return 'disk';
  const milliseconds = Number(text);
  if (text.trim() !== '' && Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  throw new TypeError(`--flush: expected milliseconds or "disk", found "${text}"`);
}

/** A case with slow flushes has results, tables and plots of its own: its figures are never mixed with others. */
export function withFlush<T extends { id: string; title: string }>(bench: T, flush: Flush): T {
  if (flush === 0) return bench;
  const words = flush === 'disk' ? "replica on this machine's disk" : `each flush of the replica ${flush} ms`;
  return { ...bench, id: `${bench.id}${SUFFIX}${flush}`, title: `${bench.title}; ${words}` };
}

/** The flush that the results of that id were taken with. */
export function flushOf(id: string): Flush {
  const [, flush] = id.split(SUFFIX);
  return flush === undefined ? 0 : parseFlush(flush);
}

/** All kinds of flush that there are results for. @param files names in the directory of results */
export function flushesOf(id: string, files: readonly string[]): Flush[] {
  const start = `${id}${SUFFIX}`;
  const found = files
    .filter((file) => file.startsWith(start) && file.endsWith('.json'))
    .map((file) => parseFlush(file.slice(start.length, -'.json'.length)));
  return [0, ...found.sort((a, b) => order(a) - order(b))];
}

/** The machine's own disk comes last. */
function order(flush: Flush): number {
  return flush === 'disk' ? Number.POSITIVE_INFINITY : flush;
}

const SUFFIX = '-flush-';
