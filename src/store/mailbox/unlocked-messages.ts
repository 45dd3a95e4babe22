import { closeSync } from 'node:fs';
import type { ByteString } from '../../byte-string.ts';
import { openRegular } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { IndexRecord, MailboxMessages, MessageContent } from '../master-store.ts';
import type { MessageFiles } from './message-files.ts';

export interface LocatedMessage {
  record: IndexRecord;
  path: string;
}

/** Files kept open for one mailbox. More would be missed elsewhere, and what is removed so soon is hardly that much. */
const MOST_KEPT = 32;

/**
 * Message files read without a lock. A file never changes, but it may go: with its message (cyr_expire), into the archive,
 * or with its mailbox to another name or partition. So what cannot be read is looked for once more in the index.
 */
export class UnlockedMessages implements MailboxMessages {
  readonly #files: MessageFiles;
  readonly #mailbox: ByteString;
  readonly #pathOf: (record: IndexRecord) => string;
  readonly #findAgain: (uid: number, guid: string) => Promise<LocatedMessage | undefined>;
  /** Descriptors by UID: a file that was removed can still be opened by way of one. */
  readonly #kept = new Map<number, number>();

  /** @param findAgain undefined if the message is not a live one of the mailbox any more */
  constructor(
    files: MessageFiles,
    mailbox: ByteString,
    pathOf: (record: IndexRecord) => string,
    findAgain: (uid: number, guid: string) => Promise<LocatedMessage | undefined>,
  ) {
    this.#files = files;
    this.#mailbox = mailbox;
    this.#pathOf = pathOf;
    this.#findAgain = findAgain;
  }

  keepFiles(records: readonly IndexRecord[]): Disposable {
    const kept: number[] = [];
    for (const record of records.slice(-MOST_KEPT)) {
      try {
        const file = openRegular(this.#pathOf(record));
        kept.push(file);
        this.#kept.set(record.uid, file);
      } catch {
        // Whoever reads it will find out why.
      }
    }
    return {
      [Symbol.dispose]: () => {
        this.#kept.clear();
        for (const file of kept.splice(0)) closeSync(file);
      },
    };
  }

  async readMessage(record: IndexRecord, into?: Buffer): Promise<MessageContent | undefined> {
    const kept = this.#kept.get(record.uid);
    try {
      if (kept !== undefined)
        return await this.#files.read(`/proc/self/fd/${kept}`, record, this.#mailbox, into);
    } catch {
      // The error shall name the file that there is, or was.
    }
    try {
      return await this.#files.read(this.#pathOf(record), record, this.#mailbox, into);
    } catch (caught) {
      if (SyncError.from(caught).code !== 'MESSAGE_UNREADABLE') throw caught;
    }
    const now = await this.#findAgain(record.uid, record.guid);
    if (now) return await this.#files.read(now.path, now.record, this.#mailbox, into);
    throw new SyncError(
      'IMAP_SYNC_CHANGED',
      `message ${record.uid} was removed while it was about to be sent`,
      {
        phase: 'upload',
        mailbox: this.#mailbox,
        hint: 'the mailbox changes while it is being replicated; run again',
        retryable: true,
      },
    );
  }
}
