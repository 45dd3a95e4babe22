import { type CyrusRelease, isOlder } from './cyrus-release.ts';

/**
 * Octets of an internal name that a server can open. It stores longer ones, cuts them when it reads them back, and is then
 * stopped by an assertion of its own; that of a deleted folder is 17 octets longer than the folder's. So a server whose
 * version is not known (`serverinfo` hides it) is taken for an older one.
 */
const LONGEST_NAME = 490;
/** From Cyrus 3.8 on, so that what has the longest name that may be created can be deleted. */
const LONGEST_NAME_SINCE_3_8 = 510;

export function longestName(release: CyrusRelease | undefined): number {
  return release === undefined || isOlder(release, [3, 8]) ? LONGEST_NAME : LONGEST_NAME_SINCE_3_8;
}
