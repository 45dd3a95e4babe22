import { preloadLibrary } from '../../test/lab/preload/preload-library.ts';
import type { Flush } from './flush.ts';
import type { ListLocks } from './list-locks.ts';

/**
 * The environment in which a server's flushes cost `flush`.
 *
 * @param directory where the preloaded library is compiled to
 * @param listLocks are to be noted
 * @throws Error if there is no C compiler
 */
export function slowFlush(flush: Flush, directory: string, listLocks?: ListLocks): Record<string, string> {
  if (flush === 'disk' || flush === 0) return {};
  return {
    LD_PRELOAD: preloadLibrary(directory),
    SLOW_FLUSH_MICROSECONDS: String(Math.round(flush * 1000)),
    ...listLocks?.environment,
  };
}
