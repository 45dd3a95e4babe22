import { SyncError } from '../report/sync-error.ts';
import type { IndexFile } from './index-file.ts';
import type {
  Annotation,
  IndexRecord,
  MailboxEntry,
  MailboxState,
  MessageContent,
  OpenMailbox,
  RecordPage,
} from './master-store.ts';
import type { MessageFiles } from './message-files.ts';
import type { RecordContext } from './record-page.ts';

export interface MailboxLocks {
  /** undefined where this Cyrus has no such lock. */
  user: Disposable | undefined;
  name: Disposable;
  index: IndexFile;
}

export interface MessageDirectories {
  live: string;
  archive: string;
}

/** A mailbox while its locks last: index and user lock until `releaseIndex`, the name lock until disposed of. */
export class OpenedMailbox implements OpenMailbox {
  readonly entry: MailboxEntry;
  readonly state: MailboxState;
  readonly annotations: Annotation[];
  readonly #locks: MailboxLocks;
  readonly #context: RecordContext;
  readonly #directories: MessageDirectories;
  readonly #files: MessageFiles;
  #indexHeld = true;

  constructor(
    entry: MailboxEntry,
    state: MailboxState,
    annotations: Annotation[],
    locks: MailboxLocks,
    context: RecordContext,
    directories: MessageDirectories,
    files: MessageFiles,
  ) {
    this.entry = entry;
    this.state = state;
    this.annotations = annotations;
    this.#locks = locks;
    this.#context = context;
    this.#directories = directories;
    this.#files = files;
  }

  *pages(fromUid = 1): Generator<RecordPage> {
    this.#assertIndexHeld();
    for (const page of this.#locks.index.pages(fromUid, this.#context)) {
      yield page;
      this.#assertIndexHeld();
    }
  }

  /** Also after a page was handed out: going on would read what someone else writes, or another file altogether. */
  #assertIndexHeld(): void {
    if (this.#indexHeld) return;
    throw new SyncError('BUG', 'records were read after the index lock was released', {
      mailbox: this.entry.name,
    });
  }

  releaseIndex(): void {
    this.#indexHeld = false;
    this.#locks.index[Symbol.dispose]();
    this.#locks.user?.[Symbol.dispose]();
  }

  messagePath(record: Pick<IndexRecord, 'uid' | 'archived'>): string {
    return `${record.archived ? this.#directories.archive : this.#directories.live}/${record.uid}.`;
  }

  readMessage(record: IndexRecord, into?: Buffer): Promise<MessageContent | undefined> {
    return this.#files.read(this.messagePath(record), record, this.entry.name, into);
  }

  [Symbol.dispose](): void {
    this.releaseIndex();
    this.#locks.name[Symbol.dispose]();
  }
}
