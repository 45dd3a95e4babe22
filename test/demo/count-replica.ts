import type { Inspection } from '../../src/sandbox/inspect.ts';
import { type Census, countMailbox, emptyCensus } from './census.ts';

/** MBOXTYPE letters: a row without storage, and the mailbox that holds Sieve scripts. */
const INTERMEDIATE = 'i';
const SIEVE = 'f';

/** Counts everything that the sandbox has received. */
export function countReplica(replica: Inspection, users: number): Census {
  const census = emptyCensus();
  const { counts } = census;
  counts.users = users;
  for (const mailbox of Object.values(replica.mailboxes)) {
    if (mailbox.type.includes(INTERMEDIATE)) continue;
    counts.annotations += mailbox.annotations.length;
    const live = countMailbox(census, mailbox.name, mailbox.records);
    if (mailbox.type.includes(SIEVE)) counts['Sieve scripts'] += live;
  }
  for (const user of Object.values(replica.users)) {
    counts.subscriptions += user.subscriptions.length;
    counts['seen states'] += user.seen.length;
    counts['Sieve scripts'] += user.scripts.length;
  }
  counts.quotas = replica.quotas.length;
  return census;
}

/** Messages whose stored octets have another SHA-1 than their GUID says. */
export function damagedMessages(replica: Inspection): number {
  return Object.entries(replica.contents).filter(([guid, digest]) => guid !== digest).length;
}
