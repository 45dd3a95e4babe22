import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { type ByteString, textFromBytes } from '../../byte-string.ts';

/** Chooses who of those named, or of everybody, is to be replicated. */
export interface Choice {
  /** Globs; none: everybody. */
  include: readonly string[];
  /** Globs; they win over `include`. */
  exclude: readonly string[];
  /** One of so many parts of equal size. */
  shard: Shard | undefined;
}

export interface Shard {
  /** From 1. */
  number: number;
  of: number;
}

export interface Chosen {
  user(userid: ByteString): boolean;
  /** @param name as an administrator spells it */
  shared(name: ByteString): boolean;
}

/** A star is for any characters, the separator of mailboxes included: what a user is to expect who has one to think of. */
const GLOB_RULES = { bash: true, dot: true, nonegate: true, strictBrackets: true } as const;

/** Shared mailboxes go to one part together: they have one sync lock, and are renamed among themselves. */
const SHARED_SHARD = 1;

/** @throws whatever makes a pattern none, see `globFault` */
export function chosenBy({ include, exclude, shard }: Choice): Chosen {
  const included = include.length === 0 ? () => true : matcher(include);
  const excluded = exclude.length === 0 ? () => false : matcher(exclude);
  const isNamed = (name: ByteString): boolean => {
    const text = textFromBytes(name);
    return included(text) && !excluded(text);
  };
  return {
    user: (userid) => isInShard(userid, shard) && isNamed(userid),
    shared: (name) => (shard === undefined || shard.number === SHARED_SHARD) && isNamed(name),
  };
}

/** @returns what is wrong with it; undefined if nothing is */
export function globFault(pattern: string): string | undefined {
  try {
    picomatch(pattern, GLOB_RULES);
    return undefined;
  } catch (caught) {
    return caught instanceof Error ? caught.message : String(caught);
  }
}

function matcher(patterns: readonly string[]): (text: string) => boolean {
  return picomatch([...patterns], GLOB_RULES);
}

/** By hash, so that each user is in the same part at every run and on every host, whoever else comes or goes. */
function isInShard(userid: ByteString, shard: Shard | undefined): boolean {
  if (shard === undefined) return true;
  const hash = createHash('sha1').update(userid, 'latin1').digest();
  return (hash.readUInt32BE(0) % shard.of) + 1 === shard.number;
}
