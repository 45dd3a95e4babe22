import { type ByteString, textFromBytes } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import { directoryHash } from '../cyrusdb/directory-hash.ts';
import type { MailboxEntry } from '../master-store.ts';
import { componentsOf, escapeDot, type MailboxName, parseInternalName } from './mailbox-name.ts';
import type { StoreLayout } from './store-layout.ts';

type Placed = Pick<MailboxEntry, 'name' | 'uniqueid' | 'partition' | 'legacyDirs'>;

const META_KINDS = {
  header: { kind: 'header', file: 'cyrus.header' },
  index: { kind: 'index', file: 'cyrus.index' },
  /** Cyrus looks for a metadir of kind `index` here too. */
  annotations: { kind: 'index', file: 'cyrus.annotations' },
} as const;

export type MetaFile = keyof typeof META_KINDS;

/** Absolute path of a meta file. @throws SyncError PARTITION_UNKNOWN */
export function metaPath(layout: StoreLayout, entry: Placed, which: MetaFile): string {
  const { kind, file } = META_KINDS[which];
  const partition = partitionKey(entry);
  const root =
    layout.metaDirectories.get(`${kind}-${partition}`) ??
    (layout.metapartitionFiles.includes(which) ? layout.metaPartitions.get(partition) : undefined) ??
    dataRoot(layout, entry);
  return `${mailboxDirectory(layout, root, entry)}/${file}`;
}

/** The directory of messages, or of archived messages. @throws SyncError PARTITION_UNKNOWN */
export function messageDirectory(layout: StoreLayout, entry: Placed, archived: boolean): string {
  const archive =
    archived && layout.archiveEnabled ? layout.archivePartitions.get(partitionKey(entry)) : undefined;
  return mailboxDirectory(layout, archive ?? dataRoot(layout, entry), entry);
}

function dataRoot(layout: StoreLayout, entry: Placed): string {
  const partition = partitionKey(entry);
  const root = layout.partitions.get(partition);
  if (root === undefined) {
    throw new SyncError('PARTITION_UNKNOWN', `no partition-${partition} in imapd.conf`, {
      phase: 'read',
      mailbox: entry.name,
      hint: `define partition-${partition}, or move the mailbox to a partition that exists`,
    });
  }
  return root;
}

function partitionKey(entry: Placed): string {
  return (entry.partition ?? '').toLowerCase();
}

function mailboxDirectory(layout: StoreLayout, root: string, entry: Placed): string {
  return entry.legacyDirs
    ? root + legacyDirectory(layout, parseInternalName(layout, entry.name))
    : `${root}/${uniqueidDirectory(entry.uniqueid)}`;
}

export function uniqueidDirectory(uniqueid: ByteString): string {
  return `uuid/${uniqueid.charAt(0)}/${uniqueid.charAt(1)}/${uniqueid}`;
}

/**
 * `/domain/J/dom.org/A/user/jo^smith/Sub`: the path below a root that a mailbox name stands for (mboxname_hash).
 * Paths are text for node:fs, made from octets that have to be UTF-8.
 */
export function legacyDirectory(layout: StoreLayout, name: MailboxName): string {
  const components = componentsOf(layout, name);
  let path = '';
  if (name.domain !== undefined) {
    path += '/domain/';
    if (layout.hashimapspool) path += `${directoryHash(name.domain, layout.fulldirhash)}/`;
    path += textFromBytes(name.domain);
  }
  const hashed = components[1] ?? components[0];
  if (layout.hashimapspool && hashed !== undefined) path += `/${directoryHash(hashed, layout.fulldirhash)}`;
  for (const component of components) path += `/${textFromBytes(escapeDot(component))}`;
  return path;
}
