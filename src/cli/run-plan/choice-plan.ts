import { textFromBytes } from '../../byte-string.ts';
import { type Choice, globFault } from '../../coordinator/run/choice.ts';
import type { RunLimits } from '../../coordinator/run/run-request.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Choosing } from '../arguments/choosing.ts';
import { type ListedName, listText } from './read-name-list.ts';

/**
 * @param listed of --exclude-from
 * @throws SyncError USAGE for a pattern that is none
 */
export function choicePlan(
  { include, exclude, excludeFrom, shard }: Choosing,
  listed: readonly ListedName[],
): Choice | undefined {
  for (const pattern of include) check('--include', pattern);
  for (const pattern of exclude) check('--exclude', pattern);
  const fromFile = listed.map(({ name, line }) => {
    const pattern = textFromBytes(name);
    check(`${listText(excludeFrom ?? '')}:${line}`, pattern);
    return pattern;
  });
  if (include.length + exclude.length + fromFile.length === 0 && shard === undefined) return undefined;
  return { include, exclude: [...exclude, ...fromFile], shard };
}

export function limitsPlan({ maxErrors, maxDuration }: Choosing): RunLimits | undefined {
  if (maxErrors === undefined && maxDuration === undefined) return undefined;
  return { errors: maxErrors, durationSeconds: maxDuration };
}

function check(where: string, pattern: string): void {
  const fault = globFault(pattern);
  if (fault === undefined) return;
  throw new SyncError(
    'USAGE',
    `${where}: expected a pattern such as *@example.org, found ${shownValue(pattern)} (${fault})`,
    {
      phase: 'start',
    },
  );
}
