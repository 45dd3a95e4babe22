import type { ByteString } from '../../byte-string.ts';

/** Subscriptions to add and to take away: a plain set difference of internal names (algorithm 8.2). */
export function planSubscriptions(
  master: readonly ByteString[],
  replica: readonly ByteString[],
): { add: ByteString[]; remove: ByteString[] } {
  const here = new Set(master);
  const there = new Set(replica);
  return {
    add: [...here].filter((name) => !there.has(name)),
    remove: [...there].filter((name) => !here.has(name)),
  };
}
