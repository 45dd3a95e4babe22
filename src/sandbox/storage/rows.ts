import type { ByteString } from '../../byte-string.ts';

/** The sandbox keeps this, as plain data. Times are Unix seconds, names those of the wire (protocol 9.1). */

export interface AnnotationRow {
  entry: ByteString;
  userid: ByteString;
  modseq: number;
  value: ByteString;
}

export interface MailboxRow {
  /** Key of its records; never reused, unlike names and uniqueids. */
  id: number;
  uniqueid: ByteString;
  name: ByteString;
  /** Letters of MBOXTYPE; empty for mail. An `i` among them: a row without storage. */
  type: string;
  partition: ByteString | null;
  acl: ByteString | null;
  options: ByteString;
  lastUid: number;
  highestmodseq: number;
  recentuid: number;
  recenttime: number;
  lastAppenddate: number;
  pop3LastLogin: number;
  pop3ShowAfter: number;
  xconvmodseq: number;
  raclmodseq: number;
  uidvalidity: number;
  createdmodseq: number;
  foldermodseq: number;
  crcBasic: number;
  crcAnnotations: number;
  annotations: AnnotationRow[];
}

export interface RecordRow {
  uid: number;
  modseq: number;
  lastUpdated: number;
  /** System flags first, in Cyrus's order, `\Expunged` among them; then user flags. */
  flags: ByteString[];
  internaldate: number;
  size: number;
  guid: string;
  /** Real ones sorted, then the virtual ones (protocol 7.5). */
  annotations: AnnotationRow[];
  /** Expunged, and the message was never received. */
  unlinked: boolean;
}

export interface SeenRow {
  uniqueid: ByteString;
  lastread: number;
  lastuid: number;
  lastchange: number;
  seenuids: ByteString;
}

/** Limits as sent; undefined = unlimited. */
export interface QuotaRow {
  root: ByteString;
  storage: number | undefined;
  messages: number | undefined;
  annotationStorage: number | undefined;
  folders: number | undefined;
  modseq: number;
}

export interface ScriptRow {
  /** `name.script` */
  filename: ByteString;
  lastUpdate: number;
  content: ByteString;
}

export function isExpunged(record: Pick<RecordRow, 'flags'>): boolean {
  return record.flags.includes('\\Expunged');
}

export function isIntermediate(mailbox: Pick<MailboxRow, 'type'>): boolean {
  return mailbox.type.includes('i');
}
