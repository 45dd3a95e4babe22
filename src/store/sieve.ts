import fs from 'node:fs';
import { type ByteString, textFromBytes } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { OpenMailbox, SieveScript, SieveState } from './master-store.ts';
import { sha1 } from './sieve-directory.ts';
import { parseSieveMessage } from './sieve-message.ts';

/** Scripts as messages of `#sieve`: the newest message with a name is the script, \Flagged marks the active one. */
export function readSieveMailbox(mailbox: OpenMailbox): SieveState {
  const scripts = new Map<ByteString, SieveScript>();
  let active: ByteString | undefined;
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (page.expunged(i)) continue;
      const record = page.record(i);
      const path = mailbox.messagePath(record);
      const parsed = parseSieveMessage(readMessage(path, mailbox));
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
  }
  return { source: 'mailbox', scripts: [...scripts.values()], active };
}

function readMessage(path: string, mailbox: OpenMailbox): Buffer {
  try {
    return fs.readFileSync(path);
  } catch (caught) {
    throw new SyncError('MESSAGE_UNREADABLE', caught instanceof Error ? caught.message : String(caught), {
      phase: 'sieve',
      mailbox: textFromBytes(mailbox.entry.name),
      hint: 'run reconstruct on this mailbox',
      cause: caught,
    });
  }
}
