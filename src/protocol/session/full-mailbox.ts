import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { ReplicaMailbox, WireRecord } from '../replica-session.ts';
import { unaskedOfMailbox, unusable } from './fields.ts';
import { decodeMailbox, type Told } from './mailbox-lines.ts';
import { decodeRecord } from './records.ts';

/** The answer to GET FULLMAILBOX: its records come first, each on its own, and the mailbox that they are of last. */
export class FullMailbox {
  readonly #name: ByteString;
  readonly #told: Told;
  readonly #onRecord: (record: WireRecord) => void;
  #lastUid = 0;
  #mailbox: ReplicaMailbox | undefined;
  #failure: SyncError | undefined;

  constructor(name: ByteString, told: Told, onRecord: (record: WireRecord) => void) {
    this.#name = name;
    this.#told = told;
    this.#onRecord = onRecord;
  }

  /** Called from within the parser, which must come to the end of the value whatever happens here. */
  record(item: DlistValue): void {
    if (this.#failure !== undefined) return;
    try {
      const record = decodeRecord(item);
      if (record.uid <= this.#lastUid) {
        throw unusable(`RECORDs in the order of their UIDs, after ${this.#lastUid}`, String(record.uid));
      }
      this.#lastUid = record.uid;
      this.#onRecord(record);
    } catch (caught) {
      this.#failure = SyncError.from(caught, { mailbox: this.#name });
    }
  }

  mailbox(value: DlistValue): void {
    if (this.#failure !== undefined) throw this.#failure;
    const mailbox = decodeMailbox(value, this.#told);
    if (mailbox.name !== this.#name) throw unaskedOfMailbox('the mailbox', mailbox.name);
    if (this.#mailbox !== undefined) throw unusable('one MAILBOX', 'another');
    if (mailbox.lastUid < this.#lastUid) {
      const what = `LAST_UID as a number from ${this.#lastUid}, the UID of the last RECORD`;
      throw unusable(what, String(mailbox.lastUid)).within({ mailbox: this.#name });
    }
    this.#mailbox = mailbox;
  }

  result(): ReplicaMailbox {
    if (this.#mailbox === undefined) throw unusable('MAILBOX', undefined);
    return this.#mailbox;
  }
}
