import { statSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxEntry } from '../master-store.ts';
import { metaPath } from '../paths/mailbox-paths.ts';
import type { StoreLayout } from '../paths/store-layout.ts';

/** Header and record of the versions in use for years; a scheduler does not mind being wrong by a third. */
const LIKELY_HEADER_OCTETS = 160;
const LIKELY_RECORD_OCTETS = 112;

/** Messages of one mailbox judged by the size of its index alone; 0 if there is nothing to be seen. */
export function estimateMessages(layout: StoreLayout, entry: MailboxEntry): number {
  if (entry.intermediate || entry.deleted || entry.partition === undefined) return 0;
  try {
    const size = statSync(metaPath(layout, entry, 'index'), { throwIfNoEntry: false })?.size ?? 0;
    return Math.max(0, Math.round((size - LIKELY_HEADER_OCTETS) / LIKELY_RECORD_OCTETS));
  } catch (caught) {
    // What is wrong with it is reported when the mailbox is opened.
    if (caught instanceof SyncError || (caught instanceof Error && 'syscall' in caught)) return 0;
    throw caught;
  }
}
