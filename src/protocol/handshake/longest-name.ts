import { type CyrusRelease, isOlder } from './cyrus-release.ts';

/**
 * Octets of an internal name that a server of 3.4 to 3.7 can open. It stores longer ones, cuts them when it reads them back,
 * and is then stopped by an assertion of its own; that of a deleted folder is 17 octets longer than the folder's. So a server
 * whose version is not known (`serverinfo` hides it), or that nobody has tried, is taken for one of these.
 */
const LONGEST_NAME = 490;
/** Cyrus 3.2, and from 3.8 on, opens what becomes of the longest name that may be created, once it is deleted. */
const LONGEST_NAME_OF_OTHERS = 510;

export function longestName(release: CyrusRelease | undefined): number {
  if (release === undefined || isOlder(release, [3, 2])) return LONGEST_NAME;
  return isOlder(release, [3, 8]) && !isOlder(release, [3, 4]) ? LONGEST_NAME : LONGEST_NAME_OF_OTHERS;
}
