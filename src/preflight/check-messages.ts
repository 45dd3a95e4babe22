import { printableBytes } from '../report/printable.ts';
import { reasonOf } from '../report/reasons.ts';
import { SyncError } from '../report/sync-error.ts';
import { checkMessage } from '../store/check-message.ts';
import type { IndexRecord } from '../store/master-store.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** Limit for each mailbox of the sample; larger messages are only counted, so that a check stays short. */
const MESSAGES_PER_MAILBOX = 8;
const LARGEST_OCTETS = 4 * 2 ** 20;
const EXAMPLES = 3;

/** Some messages are read whole and hashed, as a copy would do with all; and what all come to is estimated by them. */
export async function checkMessages({
  store,
  survey,
  spellMailbox,
}: Pick<Site, 'store' | 'survey' | 'spellMailbox'>): Promise<Finding[]> {
  let [read, octets, seen] = [0, 0, 0];
  const damaged: SyncError[] = [];
  for (const { name } of survey.sample) {
    try {
      const reading = await store.readMailbox(name, (mailbox) => {
        const { state, messages } = mailbox;
        const every = Math.max(1, Math.floor((state.exists ?? 0) / MESSAGES_PER_MAILBOX));
        const records: IndexRecord[] = [];
        let position = 0;
        for (const page of mailbox.pages()) {
          for (let i = 0; i < page.count; i += 1, position += 1) {
            if (position % every !== 0 || page.expunged(i) || page.guidIsNull(i)) continue;
            if (records.length < MESSAGES_PER_MAILBOX) records.push(page.record(i));
          }
        }
        return { messages, records };
      });
      for (const record of reading?.records ?? []) {
        seen += 1;
        octets += record.size;
        if (record.size > LARGEST_OCTETS) continue;
        try {
          if (reading) await checkMessage(reading.messages, record);
          read += 1;
        } catch (caught) {
          const error = SyncError.from(caught, { mailbox: name });
          // Removed by its user since the list was read.
          if (error.code !== 'IMAP_SYNC_CHANGED') damaged.push(error);
        }
      }
    } catch (caught) {
      // What is wrong with the mailbox another check has told.
      if (SyncError.from(caught).code === 'BUG') throw caught;
    }
  }
  const whole = seen === 0 ? 0 : (octets / seen) * survey.messages;
  const need = `a first copy is about ${(whole / 1e6).toFixed(whole < 1e7 ? 1 : 0)} MB of messages (cyrus-sync plan counts them)`;
  if (damaged.length === 0) {
    return [
      { check: 'messages', verdict: 'ok', text: `${read} messages read, each as its record says; ${need}` },
    ];
  }
  return [
    ...damaged.slice(0, EXAMPLES).map(
      (error): Finding => ({
        check: 'messages',
        verdict: 'problem',
        text: printableBytes(reasonOf(error.toData(), spellMailbox)),
        advice: error.hint,
      }),
    ),
    {
      check: 'messages',
      verdict: 'problem',
      text: `${damaged.length} of ${damaged.length + read} messages read are damaged; ${need}`,
      advice: 'restore them, or let reconstruct take them off; a run lists every one (--report)',
    },
  ];
}
