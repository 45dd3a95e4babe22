import { createHash } from 'node:crypto';
import type { MessageAddress } from '../../protocol/replica-session.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { type MessageDamage, SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, MailboxEntry, MailboxMessages } from '../master-store.ts';
import type { MasterSessions } from './master-sessions.ts';
import type { SpooledMailboxes } from './spooled-mailboxes.ts';

/** The messages of one mailbox, fetched one by one; every octet is checked before it is handed on. */
export class FetchedMessages implements MailboxMessages {
  readonly #sessions: MasterSessions;
  readonly #mailboxes: SpooledMailboxes;
  readonly #entry: MailboxEntry;

  constructor(sessions: MasterSessions, mailboxes: SpooledMailboxes, entry: MailboxEntry) {
    this.#sessions = sessions;
    this.#mailboxes = mailboxes;
    this.#entry = entry;
  }

  /** Nobody can have a server keep what is removed there. */
  keepFiles(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async readMessage(record: IndexRecord, into?: Buffer): Promise<Buffer | undefined> {
    const { name, partition = '', uniqueid } = this.#entry;
    const { uid, guid, flags } = record;
    const what: MessageAddress = { mailbox: name, partition, uniqueid, guid, uid };
    let content: Buffer;
    try {
      content = await this.#sessions.use((session) => session.fetchMessage(what));
    } catch (caught) {
      const error = SyncError.from(caught);
      if (error.family !== 'refused') throw error;
      if (flags.includes('\\Expunged')) return undefined;
      await this.#requireThere(record);
      throw unreadable(this.#entry, record, 'missing', error.message);
    }
    const found = createHash('sha1').update(content).digest('hex');
    const cause =
      content.length !== record.size ? 'size-differs' : found !== guid ? 'content-differs' : undefined;
    if (cause === undefined) return put(content, into);
    if (flags.includes('\\Expunged')) return undefined;
    await this.#requireThere(record);
    throw unreadable(this.#entry, record, cause, `SHA-1 ${found} of ${content.length} octets`);
  }

  /** @throws SyncError IMAP_SYNC_CHANGED if the message has been removed, or the mailbox moved, since it was listed */
  async #requireThere({ uid, guid }: IndexRecord): Promise<void> {
    const { name, uniqueid } = this.#entry;
    const isThere = await this.#mailboxes.read(name, ({ line, records }) => {
      const [page] = line.uniqueid === uniqueid ? records.pages(uid) : [];
      const isListed = page && page.count > 0 && page.uid(0) === uid && page.guid(0) === guid;
      return isListed && !page.expunged(0);
    });
    if (isThere) return;
    throw new SyncError('IMAP_SYNC_CHANGED', `message ${uid} was removed while it was being read`, {
      phase: 'upload',
      mailbox: name,
      retryable: true,
    });
  }
}

/** Small pieces of an answer would fill the heap: where there is room for the message, it goes there. */
function put(content: Buffer, into: Buffer | undefined): Buffer {
  if (into === undefined || into.length < content.length) return content;
  content.copy(into);
  return into.subarray(0, content.length);
}

function unreadable(
  { name }: MailboxEntry,
  { uid, guid, size }: IndexRecord,
  cause: MessageDamage['cause'],
  found: string,
): SyncError {
  return new SyncError(
    'MESSAGE_UNREADABLE',
    `message ${uid} cannot be read from the master: expected SHA-1 ${guid} of ${size} octets, found ${found}`,
    {
      phase: 'upload',
      mailbox: name,
      hint: 'restore the file, or run reconstruct on the mailbox on the master',
      damage: { uid, guid, path: `${nameInText(name)} ${uid}`, cause },
    },
  );
}
