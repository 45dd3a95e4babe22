import { printableBytes } from '../report/printable.ts';
import { reasonOf } from '../report/reasons.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** Versions with which tests have replicated; others are read as their sources say, and want somebody to try them. */
const PROVEN_INDEX_VERSIONS = [13, 16, 17, 19];
/** More of one kind only the number of is told. */
const EXAMPLES = 3;

/** Types, partitions, index versions and databases, as far as a sample of mailboxes tells. */
export async function checkMailboxes(
  site: Pick<Site, 'store' | 'survey' | 'layout' | 'spellMailbox'>,
): Promise<Finding[]> {
  const { store, survey, layout, spellMailbox } = site;
  const findings: Finding[] = [];
  const types = [...survey.byType].map(([type, count]) => `${count} ${typeName(type)}`).join(', ');
  findings.push({
    check: 'mailboxes',
    verdict: 'ok',
    text: `${survey.users} users, ${survey.mailboxes} mailboxes (${types || 'none'}), about ${survey.messages} messages`,
  });
  for (const [partition, { mailboxes }] of survey.byPartition) {
    if (layout.partitions.has(partition)) continue;
    findings.push({
      check: 'mailboxes',
      verdict: 'problem',
      text: `${mailboxes} mailboxes are on partition ${printableBytes(partition)}, which imapd.conf does not have`,
      advice: `define partition-${printableBytes(partition)} in imapd.conf, or read the imapd.conf that Cyrus reads (-C)`,
    });
  }
  const versions = new Map<number, number>();
  const damaged: SyncError[] = [];
  for (const { name } of survey.sample) {
    try {
      const version = await store.readMailbox(name, ({ state }) => state.indexVersion);
      if (version !== undefined) versions.set(version, (versions.get(version) ?? 0) + 1);
    } catch (caught) {
      damaged.push(SyncError.from(caught, { mailbox: name }));
    }
  }
  const listed = [...versions].sort(([a], [b]) => a - b).map(([version, count]) => `${version} (${count})`);
  const unproven = [...versions.keys()].filter((version) => !PROVEN_INDEX_VERSIONS.includes(version));
  findings.push({
    check: 'index versions',
    verdict: unproven.length > 0 ? 'warning' : 'ok',
    text: `of ${survey.sample.length} mailboxes looked at: ${listed.join(', ') || 'none'}`,
    advice:
      unproven.length > 0 ? 'not all of these have been tried: verify after the first users' : undefined,
  });
  for (const error of damaged.slice(0, EXAMPLES)) {
    findings.push({
      check: 'mailboxes',
      verdict: 'problem',
      text: printableBytes(reasonOf(error.toData(), spellMailbox)),
      advice: error.hint ?? 'run reconstruct on it',
    });
  }
  return findings;
}

function typeName(type: string): string {
  const names: Record<string, string> = {
    '': 'mail',
    e: 'mail',
    f: 'sieve',
    c: 'calendar',
    a: 'addressbook',
    b: 'collection',
  };
  return names[type] ?? type;
}
