import { createHash } from 'node:crypto';
import type { MessageUpload, WireMailbox, WireRecord } from '../../src/protocol/replica-session.ts';

/** A new mailbox as a replica may be sent it, with nothing in it that is not said. */
export function wireMailbox(name: string, changes: Partial<WireMailbox> = {}): WireMailbox {
  return {
    uniqueid: createHash('sha1').update(name).digest('hex').slice(0, 24),
    name,
    type: '',
    crcBasic: 0,
    crcAnnotations: undefined,
    lastUid: 0,
    highestmodseq: 1,
    recentuid: 0,
    recenttime: 0,
    lastAppenddate: 0,
    pop3LastLogin: 0,
    pop3ShowAfter: 0,
    xconvmodseq: 0,
    raclmodseq: 0,
    uidvalidity: 1795479544,
    partition: 'default',
    acl: 'anyone\tlrs\t',
    options: 'P',
    quotaroot: undefined,
    createdmodseq: 1,
    foldermodseq: 1,
    annotations: [],
    since: undefined,
    intermediate: false,
    local: false,
    ...changes,
  };
}

/** The record of a message that was uploaded. */
export function wireRecord(
  uid: number,
  { guid, size }: Pick<MessageUpload, 'guid' | 'size'>,
  changes: Partial<WireRecord> = {},
): WireRecord {
  const times = { lastUpdated: 1795479543, internaldate: 1795479543 };
  return { uid, modseq: uid + 1, ...times, flags: [], size, guid, annotations: [], ...changes };
}
