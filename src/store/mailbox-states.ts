import { readScopes } from './annotations.ts';
import { readConversationModseq } from './conversations.ts';
import { readRaclModseq } from './counters.ts';
import type { KeptDatabases } from './cyrusdb/kept-database.ts';
import type { HeaderFile } from './header-file.ts';
import { type IndexHeader, optionLetters } from './index-header.ts';
import type { StoreLayout } from './layout.ts';
import type { MailboxList } from './mailbox-list.ts';
import { isInbox, parseInternalName } from './mailbox-name.ts';
import type { Annotation, MailboxEntry, MailboxState } from './master-store.ts';
import { userFilePath } from './user-paths.ts';

/** What the wire says of a mailbox beside its records, put together from the files that hold it. */
export class MailboxStates {
  readonly #layout: StoreLayout;
  readonly #list: MailboxList;
  readonly #databases: KeptDatabases;

  constructor(layout: StoreLayout, list: MailboxList, databases: KeptDatabases) {
    this.#layout = layout;
    this.#list = list;
    this.#databases = databases;
  }

  /** Of each mailbox, in wire order. */
  annotationsOf(entries: readonly MailboxEntry[]): Annotation[][] {
    const byName = this.#list.keying() === 'by-name';
    const scopes = entries.map(({ name, uniqueid, userid }) => ({
      scope: byName ? name : uniqueid,
      owner: userid,
    }));
    return readScopes(this.#databases, this.#layout.annotationPath, scopes);
  }

  stateOf(
    entry: MailboxEntry,
    index: IndexHeader,
    header: HeaderFile,
    inbox: MailboxEntry | undefined,
  ): MailboxState {
    return {
      indexVersion: index.version,
      records: index.records,
      exists: index.exists,
      lastUid: index.lastUid,
      highestmodseq: index.highestmodseq,
      deletedmodseq: index.deletedmodseq,
      recentuid: index.recentuid,
      recenttime: index.recenttime,
      lastAppenddate: index.lastAppenddate,
      pop3LastLogin: index.pop3LastLogin,
      pop3ShowAfter: index.pop3ShowAfter,
      uidvalidity: index.uidvalidity,
      options: optionLetters(index.options),
      ...this.#conversationState(entry, inbox),
      createdmodseq: index.createdmodseq,
      foldermodseq: entry.foldermodseq,
      crcBasic: index.crcBasic,
      crcAnnotations: index.crcAnnotations,
      quotaroot: header.quotaroot,
      userFlags: header.userFlags,
    };
  }

  /** Both are 0 where Cyrus would not look: store sections 10.5 and 10.6. */
  #conversationState(entry: MailboxEntry, inbox: MailboxEntry | undefined) {
    const { userid } = entry;
    if (!this.#layout.conversations || userid === undefined || entry.inDeleted) {
      return { xconvmodseq: 0, raclmodseq: 0 };
    }
    const name = parseInternalName(this.#layout, entry.name);
    const isSubmission = entry.type.startsWith('s') || name.boxes[0] === this.#layout.jmapsubmissionfolder;
    return {
      xconvmodseq: isSubmission
        ? 0
        : readConversationModseq(
            this.#databases,
            userFilePath(this.#layout, userid, inbox, 'conversations'),
            entry,
          ),
      raclmodseq: isInbox(name) ? readRaclModseq(userFilePath(this.#layout, userid, inbox, 'counters')) : 0,
    };
  }
}
