/**
 * The door of `preflight`. Here is what can be known before a run, one file for each check: the site as plain data in, findings
 * with what to do about them out. A check may read the store and ask the replica; with the probe it makes an empty mailbox there
 * and removes it. A check that cannot be made says so, and stops no other.
 */

import { checkClock } from './check-clock.ts';
import { checkConfiguration } from './check-configuration.ts';
import { checkConnections } from './check-connections.ts';
import { checkDatabases } from './check-databases.ts';
import { checkHost } from './check-host.ts';
import { checkKnownFaults } from './check-known-faults.ts';
import { checkMailboxes } from './check-mailboxes.ts';
import { checkMessages } from './check-messages.ts';
import { checkPartitions } from './check-partitions.ts';
import { checkReplica } from './check-replica.ts';
import { checkSyncLog } from './check-sync-log.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/**
 * Everything that can be known before a run. Each check tells of its own failures; what depends on one that failed is left
 * out.
 *
 * @param tell is told as it goes, as the first findings come long before the last
 */
export async function checkSite(site: Site, tell: (findings: readonly Finding[]) => void): Promise<void> {
  tell(checkConfiguration(site));
  tell(checkHost(site));
  tell(checkSyncLog(site));
  tell(await checkMailboxes(site));
  tell(checkDatabases(site));
  tell(await checkMessages(site));
  const { findings, session } = await checkReplica(site);
  tell(findings);
  if (session === undefined) return;
  try {
    const partitions = await checkPartitions(session, site);
    tell(partitions.findings);
    tell(checkClock(partitions.there, site.now));
    tell(await checkKnownFaults(site, session.info.banner));
  } finally {
    await session.exit();
  }
  tell(await checkConnections(site));
}
