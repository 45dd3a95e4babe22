import { SyncError } from '../../report/sync-error.ts';
import { MAX_HEADER_OCTETS } from '../files/limits.ts';
import { readSmallFile } from '../files/read-small-file.ts';
import { mailboxDamaged } from '../files/store-errors.ts';
import type { MailboxEntry } from '../master-store.ts';
import { metaPath } from '../paths/mailbox-paths.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import { type CyrusHeader, CyrusHeaderError, parseCyrusHeader } from './cyrus-header.ts';

/** cyrus.header of a mailbox. @throws SyncError MAILBOX_DAMAGED, PARTITION_UNKNOWN, IO */
export function readCyrusHeader(layout: StoreLayout, entry: MailboxEntry): CyrusHeader {
  const path = metaPath(layout, entry, 'header');
  const content = readSmallFile(path, MAX_HEADER_OCTETS, (finding) =>
    mailboxDamaged(path, finding, entry.name),
  );
  if (content === undefined) throw mailboxDamaged(path, 'no such file', entry.name);
  try {
    return parseCyrusHeader(content);
  } catch (caught) {
    if (!(caught instanceof CyrusHeaderError)) throw caught;
    throw mailboxDamaged(path, caught.message, entry.name);
  }
}

/**
 * The entry with its uniqueid, which rows of Cyrus 2.x do not have: there only cyrus.header knows it. What cannot be
 * read stays without; opening the mailbox then says why.
 */
export function withUniqueid(layout: StoreLayout, entry: MailboxEntry): MailboxEntry {
  if (entry.uniqueid !== '' || entry.partition === undefined || entry.deleted) return entry;
  try {
    return { ...entry, uniqueid: readCyrusHeader(layout, entry).uniqueid ?? '' };
  } catch (caught) {
    if (caught instanceof SyncError) return entry;
    throw caught;
  }
}
