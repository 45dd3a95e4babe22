import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { KeptDatabases } from '../cyrusdb/kept-database.ts';
import { lockDatabase } from '../cyrusdb/lock-database.ts';
import type { MailboxList, RowWithInbox } from '../mailbox-list/mailbox-list.ts';
import type { Annotation, MailboxEntry, MailboxState, MailboxView, UnreadPart } from '../master-store.ts';
import { isInbox, parseInternalName } from '../paths/mailbox-name.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import { userFilePath } from '../paths/user-paths.ts';
import {
  type MailboxConversations,
  NO_CONVERSATIONS,
  readConversations,
} from '../user/read-conversations.ts';
import { readRaclModseq } from '../user/read-racl-modseq.ts';
import type { CyrusHeader } from './cyrus-header.ts';
import { type IndexHeader, optionLetters } from './index-header.ts';
import { readScopes } from './message-annotations.ts';
import { usableFlags } from './record-flags.ts';

/** The fields of a mailbox on the wire, beside its records, put together from the files that hold them. */
export class MailboxStates {
  readonly #layout: StoreLayout;
  readonly #list: MailboxList;
  readonly #databases: KeptDatabases;

  constructor(layout: StoreLayout, list: MailboxList, databases: KeptDatabases) {
    this.#layout = layout;
    this.#list = list;
    this.#databases = databases;
  }

  /** Reads annotations of all mailboxes together, and of each by itself if that fails: one damaged row is one mailbox's. */
  viewsOf(mailboxes: readonly Omit<MailboxView, 'annotations'>[]): MailboxView[] {
    const together = this.#annotationsOf(mailboxes);
    if (together.unread && mailboxes.length > 1) return mailboxes.flatMap((one) => this.viewsOf([one]));
    return mailboxes.map(({ entry, state }, i) => ({
      entry,
      state: together.unread ? { ...state, unread: [...state.unread, together.unread] } : state,
      annotations: together.value[i] ?? [],
    }));
  }

  #annotationsOf(mailboxes: readonly Omit<MailboxView, 'annotations'>[]): PartRead<Annotation[][]> {
    const byName = this.#list.keying() === 'by-name';
    const path = this.#layout.annotationPath;
    const scopes = mailboxes.map(({ entry: { name, uniqueid, userid } }) => ({
      scope: byName ? name : uniqueid,
      owner: userid,
    }));
    return readPart('annotations', path, [], () => readScopes(this.#databases, path, scopes));
  }

  stateOf(
    entry: MailboxEntry,
    index: IndexHeader,
    header: CyrusHeader,
    { inbox, groups }: Omit<RowWithInbox, 'entry'>,
  ): MailboxState {
    const conversation = this.#conversation(entry, inbox);
    const counter = this.#counter(entry, inbox);
    return {
      indexVersion: index.version,
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
      xconvmodseq: conversation.value.modseq,
      raclmodseq: counter.value,
      createdmodseq: index.createdmodseq,
      foldermodseq: entry.foldermodseq,
      crcBasic: index.crcBasic,
      crcAnnotations: index.crcAnnotations,
      quotaroot: header.quotaroot,
      keywords: usableFlags(header.userFlags),
      groups,
      compactEmailids: conversation.value.compactEmailids || undefined,
      unread: [conversation.unread, counter.unread].filter((part) => part !== undefined),
    };
  }

  /**
   * Keeps conversations as they are. Up to Cyrus 3.2 whoever changes a mailbox has them before its index: so must a reader,
   * who would otherwise keep the index from the one who keeps conversations from them (store 11.4).
   */
  lockConversations(entry: MailboxEntry, inbox: MailboxEntry | undefined): Disposable | undefined {
    const path = this.#conversationsPath(entry, inbox);
    return path === undefined ? undefined : lockDatabase(path);
  }

  /** 0 where Cyrus would not look (store 10.6). */
  #conversation(entry: MailboxEntry, inbox: MailboxEntry | undefined): PartRead<MailboxConversations> {
    const path = this.#conversationsPath(entry, inbox);
    if (path === undefined) return { value: NO_CONVERSATIONS };
    return readPart('xconvmodseq', path, NO_CONVERSATIONS, () =>
      readConversations(this.#databases, path, entry.userid ?? '', entry),
    );
  }

  #conversationsPath(entry: MailboxEntry, inbox: MailboxEntry | undefined): string | undefined {
    const userid = this.#ownerWithConversations(entry);
    const name = parseInternalName(this.#layout, entry.name);
    const isSubmission = entry.type.startsWith('s') || name.boxes[0] === this.#layout.jmapsubmissionfolder;
    if (userid === undefined || isSubmission) return undefined;
    return userFilePath(this.#layout, userid, inbox, 'conversations');
  }

  /** 0 where Cyrus would not look (store 10.5). */
  #counter(entry: MailboxEntry, inbox: MailboxEntry | undefined): PartRead<number> {
    const userid = this.#ownerWithConversations(entry);
    if (userid === undefined || !isInbox(parseInternalName(this.#layout, entry.name))) return { value: 0 };
    const path = userFilePath(this.#layout, userid, inbox, 'counters');
    return readPart('raclmodseq', path, 0, () => readRaclModseq(path));
  }

  #ownerWithConversations({ userid, inDeleted }: MailboxEntry): ByteString | undefined {
    return this.#layout.conversations && !inDeleted ? userid : undefined;
  }
}

interface PartRead<T> {
  value: T;
  unread?: UnreadPart;
}

/** @param none what stands for a part that cannot be read */
function readPart<T>(part: UnreadPart['part'], path: string, none: T, read: () => T): PartRead<T> {
  try {
    return { value: read() };
  } catch (caught) {
    if (!(caught instanceof SyncError) || !isOfTheFile(caught)) throw caught;
    return { value: none, unread: { part, path, error: caught } };
  }
}

/** Tells damage of the file from a lock that was not had: for that the mailbox as a whole is tried again. */
function isOfTheFile({ code, retryable }: SyncError): boolean {
  return !retryable && ['DATABASE_DAMAGED', 'DATABASE_UNSUPPORTED', 'IO'].includes(code);
}
