import { closeSync, readSync } from 'node:fs';
import { openRegular } from '../native/open-regular.ts';
import { SyncError } from '../report/sync-error.ts';
import { detectFormat, MAGIC_OCTETS } from '../store/cyrusdb/detect-format.ts';
import { type UserFile, userFilePath } from '../store/paths/user-paths.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

const OF_USERS: readonly UserFile[] = ['seen', 'sub', 'conversations'];

/** In which formats the databases are that a run reads, those of users as far as a sample tells. */
export function checkDatabases({
  layout,
  survey,
  store,
}: Pick<Site, 'layout' | 'survey' | 'store'>): Finding[] {
  const check = 'databases';
  const files: [name: string, path: string][] = [
    ['mailboxes', layout.mboxlistPath],
    ['annotations', layout.annotationPath],
  ];
  for (const userid of new Set(survey.sample.flatMap((entry) => entry.userid ?? []))) {
    const inbox = store.lookup(store.inboxName(userid));
    for (const file of OF_USERS) files.push([file, userFilePath(layout, userid, inbox, file)]);
  }
  const formats = new Map<string, Map<string, number>>();
  const problems: Finding[] = [];
  for (const [name, path] of files) {
    try {
      const format = formatOf(path);
      if (format === undefined) continue;
      const counts = formats.get(name) ?? new Map<string, number>();
      formats.set(name, counts.set(format, (counts.get(format) ?? 0) + 1));
    } catch (caught) {
      const { message, hint } = SyncError.from(caught);
      problems.push({ check, verdict: 'problem', text: message, advice: hint });
    }
  }
  if (problems.length > 0) return problems;
  const listed = [...formats].map(([name, counts]) => `${name} ${[...counts.keys()].join(' and ')}`);
  return [{ check, verdict: 'ok', text: listed.join(', ') || 'there are none' }];
}

/** @returns undefined if there is no such file, or it is empty */
function formatOf(path: string): string | undefined {
  let file: number;
  try {
    file = openRegular(path);
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT') return undefined;
    throw caught;
  }
  try {
    const start = Buffer.alloc(MAGIC_OCTETS);
    const octets = readSync(file, start, 0, MAGIC_OCTETS, 0);
    return octets === 0 ? undefined : (detectFormat(path, start.subarray(0, octets)) ?? 'flat');
  } finally {
    closeSync(file);
  }
}
