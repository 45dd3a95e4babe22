import { type ByteString, textFromBytes } from '../../byte-string.ts';
import type { CyrusDatabase } from '../cyrusdb/cyrus-database.ts';
import type { KeptDatabases } from '../cyrusdb/kept-database.ts';
import { decimal } from '../files/parse-disk-dlist.ts';
import { databaseDamaged, withRepair } from '../files/store-errors.ts';
import type { MailboxEntry } from '../master-store.ts';

/** XCONVMODSEQ of one mailbox from its owner's conversations database (store 10.6). 0 = not known. */
export function readConversationModseq(
  databases: KeptDatabases,
  path: string,
  userid: ByteString,
  mailbox: Pick<MailboxEntry, 'name' | 'uniqueid'>,
): number {
  // The tool does not replace a damaged file, and says nothing of it.
  const hint = `move it away and run "ctl_conversationsdb -R ${textFromBytes(userid)}", which makes it anew`;
  const value = withRepair(hint, () => databases.read(path, (db) => folderStatus(db, mailbox)));
  if (value === undefined) return 0;
  const modseq = parseFolderStatus(value);
  if (modseq === undefined) {
    throw databaseDamaged(path, `folder ${mailbox.name}: expected "0 (MODSEQ ...)", found "${value}"`, hint);
  }
  return modseq;
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
