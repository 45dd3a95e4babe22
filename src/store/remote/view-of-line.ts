import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEntry, MailboxState, MailboxView } from '../master-store.ts';
import { type NameRules, parseInternalName, useridOf } from '../paths/mailbox-name.ts';

/** The row that a MAILBOX line is of. A server lists no tombstones. */
export function entryOfLine(rules: NameRules, line: ReplicaMailbox): MailboxEntry {
  const { name, uniqueid, type, partition, acl, uidvalidity, createdmodseq, foldermodseq } = line;
  const parsed = parseInternalName(rules, name);
  return {
    name,
    uniqueid,
    type,
    intermediate: type.includes('i'),
    deleted: false,
    legacyDirs: false,
    partition,
    acl,
    uidvalidity,
    createdmodseq,
    foldermodseq,
    userid: useridOf(parsed),
    inDeleted: parsed.deletedTime !== 0,
  };
}

/**
 * The mailbox as its line tells it.
 *
 * @param counted what its records tell besides, where they have been read
 */
export function viewOfLine(
  rules: NameRules,
  line: ReplicaMailbox,
  counted: { exists: number | undefined; indexVersion: number },
): MailboxView {
  const state: MailboxState = {
    ...counted,
    lastUid: line.lastUid,
    highestmodseq: line.highestmodseq,
    deletedmodseq: undefined,
    recentuid: line.recentuid,
    recenttime: line.recenttime,
    lastAppenddate: line.lastAppenddate,
    pop3LastLogin: line.pop3LastLogin,
    pop3ShowAfter: line.pop3ShowAfter,
    uidvalidity: line.uidvalidity,
    options: line.options,
    xconvmodseq: line.xconvmodseq,
    raclmodseq: line.raclmodseq,
    createdmodseq: line.createdmodseq,
    foldermodseq: line.foldermodseq,
    crcBasic: line.crcBasic,
    crcAnnotations: line.crcAnnotations,
    quotaroot: line.quotaroot,
    keywords: line.keywords,
    // A server without any use for groups tells none, as does one where the user is in none.
    groups: line.groups || undefined,
    unread: [],
  };
  return { entry: entryOfLine(rules, line), state, annotations: line.annotations };
}
