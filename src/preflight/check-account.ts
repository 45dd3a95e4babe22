import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import type { Host } from './site.ts';

/** The account that we run as, and what of the store it cannot use. */
export function checkAccount({ layout }: Pick<Host, 'layout'>): Finding[] {
  const { partitions, metaPartitions, archivePartitions, metaDirectories } = layout;
  const directories = [partitions, metaPartitions, archivePartitions, metaDirectories].flatMap((each) => [
    ...each.values(),
  ]);
  const wanted: [path: string, mode: number, what: string][] = [
    [layout.configdirectory, constants.R_OK | constants.X_OK, 'read'],
    [layout.mboxlistPath, constants.R_OK, 'read'],
    // Locks are files that whoever comes first makes.
    [layout.lockPath, constants.R_OK | constants.W_OK | constants.X_OK, 'written, as locks are files there'],
    ...directories.map((path): [string, number, string] => [path, constants.R_OK | constants.X_OK, 'read']),
  ];
  const problems = wanted.flatMap(([path, mode, what]) => {
    const refused = refusal(path, mode);
    // The directory of locks is made by whoever takes the first one.
    const isMade = path === layout.lockPath && refused === 'ENOENT';
    return refused === undefined || isMade ? [] : [problem(path, what, refused)];
  });
  if (problems.length > 0) return problems;
  const text = `${accountName()} can read the store and take its locks`;
  return [{ check: 'account', verdict: 'ok', text }];
}

function problem(path: string, what: string, code: string): Finding {
  return {
    check: 'account',
    verdict: 'problem',
    text: `${path} cannot be ${what} by ${accountName()} (${code})`,
    advice: 'run as the user that Cyrus runs as (cyrus_user), on the host that has the store',
  };
}

function refusal(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (caught) {
    const { message } = SyncError.from(caught);
    return caught instanceof Error && 'code' in caught ? String(caught.code) : message;
  }
}

function accountName(): string {
  const { uid } = userInfo({ encoding: 'buffer' });
  try {
    return userInfo().username;
  } catch (caught) {
    if (!(caught instanceof Error && 'syscall' in caught)) throw caught;
    return `uid ${uid}`;
  }
}
