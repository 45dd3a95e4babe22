import { checkAccount } from './check-account.ts';
import { checkLockKind } from './check-lock-kind.ts';
import { checkLockNames } from './check-lock-names.ts';
import { checkSpace } from './check-space.ts';
import type { Finding } from './finding.ts';
import type { Host } from './site.ts';

/** Makes the checks that ask nobody. */
export function checkHost(host: Host): Finding[] {
  return [...checkAccount(host), ...checkUnseen(host)];
}

/**
 * Tells what goes wrong without a word: a run that cannot read something fails and says so, but one that locks what nobody
 * looks at does not. It takes some ten milliseconds on a host with many processes.
 *
 * @param quick leaves the processes of the host alone, which are most of that; less is found out
 */
export function checkUnseen(host: Host, quick = false): Finding[] {
  return [...checkLockNames(host), ...checkLockKind(host, quick), ...checkSpace(host)];
}
