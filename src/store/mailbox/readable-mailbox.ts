import { SyncError } from '../../report/sync-error.ts';
import type {
  Annotation,
  LockedMailbox,
  MailboxEntry,
  MailboxMessages,
  MailboxState,
  MailboxView,
  RecordPage,
} from '../master-store.ts';
import type { IndexFile } from './index-file.ts';
import type { RecordContext } from './index-page.ts';

/** A mailbox for as long as its locks last. */
export class ReadableMailbox implements LockedMailbox, Disposable {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly annotations: Annotation[];
  readonly messages: MailboxMessages;
  readonly #index: IndexFile;
  readonly #context: RecordContext;
  #locked = true;

  constructor(view: MailboxView, index: IndexFile, context: RecordContext, messages: MailboxMessages) {
    this.entry = view.entry;
    this.state = view.state;
    this.annotations = view.annotations;
    this.messages = messages;
    this.#index = index;
    this.#context = {
      ...context,
      annotationsOf: (uid, nextUids) => {
        this.#assertLocked();
        return context.annotationsOf(uid, nextUids);
      },
    };
  }

  *pages(fromUid = 1): Generator<RecordPage> {
    this.#assertLocked();
    for (const page of this.#index.pages(fromUid, this.#context)) {
      yield page;
      this.#assertLocked();
    }
  }

  /** Is asked also after a page was handed out: going on would read what someone else writes, or another file altogether. */
  #assertLocked(): void {
    if (this.#locked) return;
    throw new SyncError('BUG', 'records were read after the locks were given back', {
      mailbox: this.entry.name,
    });
  }

  /** The locks are about to be given back. */
  [Symbol.dispose](): void {
    this.#locked = false;
  }
}
