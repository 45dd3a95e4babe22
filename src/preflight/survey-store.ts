import { setTimeout } from 'node:timers/promises';
import type { ByteString } from '../byte-string.ts';
import type { MailboxEntry, MasterStore } from '../store/master-store.ts';
import type { Survey } from './site.ts';

/** Mailboxes that are opened: enough that what is wrong with one in ten is found. */
const SAMPLED = 64;
/** Whoever repacks the list has it for a moment. */
const BUSY_PAUSE_MS = 20;

/**
 * Goes through the list of mailboxes once. The sample is spread evenly: whenever it is full, every second one goes, and
 * from then on only every second mailbox is taken.
 */
export async function surveyStore(store: MasterStore): Promise<Survey> {
  const byType = new Map<string, number>();
  const byPartition = new Map<ByteString, { mailboxes: number; example: MailboxEntry }>();
  let sample: MailboxEntry[] = [];
  let every = 1;
  let [users, mailboxes, messages] = [0, 0, 0];
  const take = (entry: MailboxEntry): void => {
    if (entry.deleted || entry.intermediate) return;
    mailboxes += 1;
    byType.set(entry.type, (byType.get(entry.type) ?? 0) + 1);
    const partition = entry.partition ?? '';
    const known = byPartition.get(partition);
    if (known) known.mailboxes += 1;
    else byPartition.set(partition, { mailboxes: 1, example: entry });
    if (mailboxes % every !== 0) return;
    sample.push(entry);
    if (sample.length <= SAMPLED) return;
    sample = sample.filter((_, index) => index % 2 === 1);
    every *= 2;
  };
  for (const found of store.enumerate()) {
    if (found.kind === 'busy') {
      await setTimeout(BUSY_PAUSE_MS);
      continue;
    }
    messages += found.messages;
    if (found.kind === 'user') {
      users += 1;
      for (const entry of store.mailboxesOf(found.userid)) take(entry);
    } else {
      const entry = store.lookup(found.name);
      if (entry) take(entry);
    }
  }
  return { users, mailboxes, messages, byType, byPartition, sample };
}
