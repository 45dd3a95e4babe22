import { type ByteString, textFromBytes } from '../../byte-string.ts';
import { nameInText } from '../../report/name-in-text.ts';
import type { CyrusDatabase } from '../cyrusdb/cyrus-database.ts';
import type { KeptDatabases } from '../cyrusdb/kept-database.ts';
import { decimal } from '../files/parse-disk-dlist.ts';
import { databaseDamaged, withRepair } from '../files/store-errors.ts';
import type { MailboxEntry } from '../master-store.ts';

/** An owner's conversations database says this of one mailbox. */
export interface MailboxConversations {
  /** XCONVMODSEQ (store 10.6). 0 = not known. */
  modseq: number;
  compactEmailids: boolean;
}

export const NO_CONVERSATIONS: MailboxConversations = { modseq: 0, compactEmailids: false };

/** Kept since 3.13 for all mailboxes of the owner. */
const COMPACT_KEY = '$COMPACT_EMAILIDS';

export function readConversations(
  databases: KeptDatabases,
  path: string,
  userid: ByteString,
  mailbox: Pick<MailboxEntry, 'name' | 'uniqueid'>,
): MailboxConversations {
  // The tool does not replace a damaged file, and says nothing of it.
  const hint = `move it away and run "ctl_conversationsdb -R ${textFromBytes(userid)}", which makes it anew`;
  const found = withRepair(hint, () =>
    databases.read(path, (db) => ({
      value: folderStatus(db, mailbox),
      compactEmailids: (db.get(COMPACT_KEY) ?? '') !== '',
    })),
  );
  if (found === undefined) return NO_CONVERSATIONS;
  const { value, compactEmailids } = found;
  const modseq = value === undefined ? 0 : parseFolderStatus(value);
  if (modseq === undefined) {
    throw databaseDamaged(
      path,
      `folder ${nameInText(mailbox.name)}: expected "0 (MODSEQ ...)", found "${value}"`,
      hint,
    );
  }
  return { modseq, compactEmailids };
}

/**
 * Up to Cyrus 3.4 folders are keyed by name. The list of folders tells which it is, once there are conversations; before
 * that a folder has one of the two.
 */
function folderStatus(
  db: CyrusDatabase,
  { name, uniqueid }: Pick<MailboxEntry, 'name' | 'uniqueid'>,
): ByteString | undefined {
  if (db.get('$FOLDER_IDS') !== undefined) return db.get(`F${uniqueid}`);
  if (db.get('$FOLDER_NAMES') !== undefined) return db.get(`F${name}`);
  return db.get(`F${uniqueid}`) ?? db.get(`F${name}`);
}

/** `0 (THREADMODSEQ threadexists threadunseen ...)` */
export function parseFolderStatus(value: ByteString): number | undefined {
  const modseq = /^0 \(([0-9]+)[ )]/.exec(value)?.[1];
  const number = modseq === undefined ? Number.NaN : decimal(modseq);
  return Number.isNaN(number) ? undefined : number;
}
