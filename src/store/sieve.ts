import type { ByteString } from '../byte-string.ts';
import type { OpenMailbox, SieveScript, SieveState } from './master-store.ts';
import { sha1 } from './sieve-directory.ts';
import { parseSieveMessage } from './sieve-message.ts';

/** Scripts as messages of `#sieve`: the newest message with a name is the script, \Flagged marks the active one. */
export async function readSieveMailbox(mailbox: OpenMailbox): Promise<SieveState> {
  const scripts = new Map<ByteString, SieveScript>();
  let active: ByteString | undefined;
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (page.expunged(i)) continue;
      const record = page.record(i);
      const message = await mailbox.readMessage(record);
      // A script is never of a size that is handed out as a stream.
      if (!Buffer.isBuffer(message)) continue;
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
  }
  return { source: 'mailbox', scripts: [...scripts.values()], active };
}
