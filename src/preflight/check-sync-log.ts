import { statSync } from 'node:fs';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** A log that nobody has taken for so long is hardly waited for. */
const OLD_MS = 60 * 60 * 1_000;

/** Tells whether rolling replication would have anything to go by, and how far behind it is. */
export function checkSyncLog({
  logRemarks,
  logPath,
  now,
}: Pick<Site, 'logRemarks' | 'logPath' | 'now'>): Finding[] {
  const findings: Finding[] = logRemarks.map(({ text, hint }) => ({
    check: 'sync log',
    verdict: 'warning',
    text,
    advice: `${hint}; runs with -A, -u and -m do without`,
  }));
  for (const path of [logPath, `${logPath}-run`]) {
    const log = statOf(path);
    if (log === undefined) continue;
    const ageMs = Math.max(0, now - log.birthtimeMs);
    const isOld = ageMs > OLD_MS && log.size > 0;
    findings.push({
      check: 'sync log',
      verdict: isOld ? 'warning' : 'ok',
      text: `${path}: ${log.size} octets, begun ${Math.round(ageMs / 60_000)} minutes ago`,
      advice: isOld ? 'start rolling replication (-r), or remove the log after a run with -A' : undefined,
    });
  }
  if (findings.length > 0) return findings;
  return [{ check: 'sync log', verdict: 'ok', text: `on, and nothing is waiting in ${logPath}` }];
}

function statOf(path: string): { size: number; birthtimeMs: number } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (caught) {
    if (caught instanceof Error && 'syscall' in caught) return undefined;
    throw caught;
  }
}
