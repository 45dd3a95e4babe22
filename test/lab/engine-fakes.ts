import { lockScope } from '../../src/native/lock-scope.ts';
import type { ReplicaMailbox } from '../../src/protocol/replica-session.ts';
import type {
  IndexRecord,
  LockedMailbox,
  MailboxEntry,
  MailboxState,
  MasterStore,
  RecordPage,
} from '../../src/store/master-store.ts';

/** Plain data with sensible defaults, so that a test states only what matters to it. */
export function entry(name: string, fields: Partial<MailboxEntry> = {}): MailboxEntry {
  return {
    name,
    uniqueid: `id-${name}`,
    type: '',
    intermediate: false,
    deleted: false,
    legacyDirs: false,
    partition: 'default',
    acl: 'alice\tlrs\t',
    uidvalidity: 1000,
    createdmodseq: 1,
    foldermodseq: 1,
    userid: 'alice',
    inDeleted: false,
    ...fields,
  };
}

export function state(fields: Partial<MailboxState> = {}): MailboxState {
  return {
    indexVersion: 17,
    exists: 0,
    lastUid: 0,
    highestmodseq: 1,
    deletedmodseq: 0,
    recentuid: 0,
    recenttime: 0,
    lastAppenddate: 0,
    pop3LastLogin: 0,
    pop3ShowAfter: 0,
    uidvalidity: 1000,
    options: 'P',
    xconvmodseq: 0,
    raclmodseq: 0,
    createdmodseq: 1,
    foldermodseq: 1,
    crcBasic: 0,
    crcAnnotations: 12345678,
    quotaroot: undefined,
    unread: [],
    ...fields,
  };
}

export function remoteOf(
  mailbox: MailboxEntry,
  of: MailboxState,
  fields: Partial<ReplicaMailbox> = {},
): ReplicaMailbox {
  return {
    uniqueid: mailbox.uniqueid,
    name: mailbox.name,
    type: mailbox.type,
    crcBasic: of.crcBasic,
    crcAnnotations: of.crcAnnotations,
    lastUid: of.lastUid,
    highestmodseq: of.highestmodseq,
    recentuid: of.recentuid,
    recenttime: of.recenttime,
    lastAppenddate: of.lastAppenddate,
    pop3LastLogin: of.pop3LastLogin,
    pop3ShowAfter: of.pop3ShowAfter,
    xconvmodseq: of.xconvmodseq,
    raclmodseq: of.raclmodseq,
    uidvalidity: of.uidvalidity,
    partition: mailbox.partition,
    acl: mailbox.acl,
    options: of.options,
    quotaroot: undefined,
    createdmodseq: of.createdmodseq,
    foldermodseq: of.foldermodseq,
    annotations: [],
    ...fields,
  };
}

export function record(uid: number, modseq: number, fields: Partial<IndexRecord> = {}): IndexRecord {
  return {
    uid,
    modseq,
    lastUpdated: 1,
    flags: [],
    internaldate: 1,
    size: 100,
    guid: uid.toString(16).padStart(40, '0'),
    annotations: [],
    unlinked: false,
    archived: false,
    ...fields,
  };
}

export function lockedMailbox(
  mailbox: MailboxEntry,
  records: readonly IndexRecord[],
  fields: Partial<MailboxState> = {},
  pageSize = 3,
): LockedMailbox {
  return {
    entry: mailbox,
    state: state({
      lastUid: records.at(-1)?.uid ?? 0,
      highestmodseq: Math.max(1, ...records.map((one) => one.modseq)),
      ...fields,
    }),
    annotations: [],
    *pages(fromUid = 0) {
      const wanted = records.filter((one) => one.uid >= fromUid);
      for (let at = 0; at < wanted.length; at += pageSize) yield page(wanted.slice(at, at + pageSize));
    },
    messages: {
      keepFiles: () => ({ [Symbol.dispose]: () => undefined }),
      readMessage: async () => Buffer.alloc(0),
    },
  };
}

/** `readMailbox` of a store that has this mailbox, under locks as the real one. */
export function readerOf(mailbox: () => LockedMailbox | undefined): MasterStore['readMailbox'] {
  return async (_name, read) => {
    const found = mailbox();
    return found && lockScope(() => read(found));
  };
}

function page(records: readonly IndexRecord[]): RecordPage {
  const at = (i: number): IndexRecord => {
    const one = records[i];
    if (!one) throw new Error(`no record ${i}`);
    return one;
  };
  return {
    count: records.length,
    uid: (i) => at(i).uid,
    modseq: (i) => at(i).modseq,
    guidIsNull: (i) => /^0+$/.test(at(i).guid),
    guid: (i) => at(i).guid,
    size: (i) => at(i).size,
    expunged: (i) => at(i).flags.includes('\\Expunged'),
    unlinked: (i) => at(i).unlinked,
    archived: (i) => at(i).archived,
    record: (i) => ({ ...at(i) }),
  };
}
