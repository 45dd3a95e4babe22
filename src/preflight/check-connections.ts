import { nowMs } from '../now-ms.ts';
import type { ReplicaSession } from '../protocol/replica-session.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** So many are tried; whoever wants more learns in the run how many there are. */
const MOST_TRIED = 16;
/**
 * Whoever is one too many is taken by the kernel and greeted by nobody: silence for so many times of what the first
 * connection took, and at least this long.
 */
const TIMES_OF_FIRST = 5;
const LEAST_PATIENCE_MS = 2_000;

/** As many connections at once as a run would have: a service of Cyrus has as many processes as maxchild allows. */
export async function checkConnections({
  connect,
  connections,
}: Pick<Site, 'connect' | 'connections'>): Promise<Finding[]> {
  const check = 'connections';
  const wanted = Math.min(connections, MOST_TRIED);
  const began = nowMs();
  const sessions: ReplicaSession[] = [await connect()];
  const patience = Math.max(LEAST_PATIENCE_MS, (nowMs() - began) * TIMES_OF_FIRST);
  const others = Array.from({ length: wanted - 1 }, () => connect(patience));
  const tried = await Promise.allSettled(others);
  let refusal: SyncError | undefined;
  for (const each of tried) {
    if (each.status === 'fulfilled') sessions.push(each.value);
    else refusal ??= SyncError.from(each.reason);
  }
  await Promise.all(sessions.map((session) => session.exit()));
  if (refusal === undefined) {
    const text = `the replica serves ${wanted} connections at once${connections > wanted ? `, of ${connections} wanted` : ''}`;
    return [{ check, verdict: 'ok', text }];
  }
  return [
    {
      check,
      verdict: 'warning',
      text: `the replica serves ${sessions.length} connections at once, of ${wanted} tried (${refusal.code})`,
      advice: `raise maxchild of its service in cyrus.conf, or give --workers ${Math.max(1, sessions.length)}`,
    },
  ];
}
