/**
 * The door of `store/user`. Here are the files of a user beside mail: subscriptions, seen state, quota, scripts, counters,
 * conversations, one file of code for each. It may use the databases and paths below. A file that is not there is "none";
 * one that is damaged is an error with its path and a repair, never "none", because that would be a reason to remove things
 * on the replica.
 */

import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type {
  IndexRecord,
  LockedMailbox,
  MailboxMessages,
  MasterStore,
  SieveScript,
  SieveState,
} from '../master-store.ts';
import { parseSieveMessage } from './parse-sieve-message.ts';
import { sha1 } from './read-sieve-directory.ts';

/** Scripts are replaced by hand: hardly more than once while they are read. */
const ATTEMPTS = 3;

/**
 * Scripts as messages of `#sieve`: the newest message with a name is the script, \Flagged marks the active one.
 *
 * @returns undefined if there is no such mailbox
 */
export async function readSieveMailbox(
  readMailbox: MasterStore['readMailbox'],
  name: ByteString,
): Promise<SieveState | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = await readMailbox(name, (mailbox) => ({
      messages: mailbox.messages,
      records: liveRecords(mailbox),
    }));
    try {
      return found && (await parseScripts(found.records, found.messages));
    } catch (caught) {
      if (SyncError.from(caught).code !== 'IMAP_SYNC_CHANGED' || attempt === ATTEMPTS) throw caught;
    }
  }
}

function liveRecords(mailbox: LockedMailbox): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) if (!page.expunged(i)) records.push(page.record(i));
  }
  return records;
}

async function parseScripts(records: readonly IndexRecord[], messages: MailboxMessages): Promise<SieveState> {
  const scripts = new Map<ByteString, SieveScript>();
  let active: ByteString | undefined;
  for (const record of records) {
    const message = await messages.readMessage(record);
    // A script is never of a size that is handed out as a stream.
    if (!Buffer.isBuffer(message)) {
      message?.[Symbol.dispose]();
      continue;
    }
    const parsed = parseSieveMessage(message);
    if (parsed === undefined) continue;
    const filename = `${parsed.name}.script`;
    scripts.set(filename, {
      filename,
      lastUpdate: record.internaldate,
      guid: sha1(parsed.content),
      content: parsed.content,
    });
    if (record.flags.includes('\\Flagged')) active = `${parsed.name}.bc`;
  }
  return { source: 'mailbox', scripts: [...scripts.values()], active };
}
