import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox, ReplicaSession } from '../protocol/replica-session.ts';
import { takesMailboxes } from '../replicate/engine.ts';
import { printableBytes } from '../report/printable.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

type Asked = Pick<ReplicaSession, 'getUser' | 'getMailboxes' | 'applyMailbox' | 'applyUnmailbox'>;

/**
 * Each partition that a run would use, on the replica. One with a mailbox is proven by that; of the others no command
 * tells, so that only making a mailbox there does, which is for who allows it.
 *
 * @returns with it what the replica has of the users asked for
 */
export async function checkPartitions(
  session: Asked,
  { survey, partition: chosen, probe }: Pick<Site, 'survey' | 'partition' | 'probe'>,
): Promise<{ findings: Finding[]; there: ReplicaMailbox[] }> {
  const there: ReplicaMailbox[] = [];
  const wanted = new Set(chosen === undefined ? survey.byPartition.keys() : [chosen]);
  const names = [...survey.byPartition.values()].map(({ example }) => example.name);
  there.push(...(await session.getMailboxes(names, () => {})));
  const owners = new Set(survey.sample.flatMap(({ userid }) => userid ?? []));
  for (const userid of owners) {
    if (isProven(there, wanted)) break;
    there.push(...(await session.getUser(userid, () => {})).mailboxes);
  }
  const findings: Finding[] = [];
  for (const partition of wanted) findings.push(await judge(session, partition, there, probe));
  return { findings, there };
}

function isProven(there: readonly ReplicaMailbox[], wanted: ReadonlySet<ByteString>): boolean {
  const found = new Set(there.map(({ partition }) => partition));
  return there.length > 0 && [...wanted].every((partition) => found.has(partition));
}

async function judge(
  session: Asked,
  partition: ByteString,
  there: readonly ReplicaMailbox[],
  probe: boolean,
): Promise<Finding> {
  const check = 'partitions';
  const name = printableBytes(partition);
  if (there.some((mailbox) => mailbox.partition === partition)) {
    return { check, verdict: 'ok', text: `${name}: the replica has mailboxes there` };
  }
  if (!probe) {
    const text = `${name}: not known whether the replica has it`;
    return {
      check,
      verdict: 'warning',
      text,
      advice: 'with --probe an empty mailbox is made there and removed again',
    };
  }
  try {
    if (await takesMailboxes(session, partition)) {
      return { check, verdict: 'ok', text: `${name}: the replica takes mailboxes there` };
    }
  } catch (caught) {
    const { message, hint } = SyncError.from(caught);
    return { check, verdict: 'problem', text: `${name}: ${printableBytes(message)}`, advice: hint };
  }
  return {
    check,
    verdict: 'problem',
    text: `${name}: the replica takes no mailbox there`,
    advice: `define partition-${name} in the replica's imapd.conf, or choose one that it has with -p`,
  };
}
