import { posix } from 'node:path';
import { textFromBytes } from '../../byte-string.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import { deepFreeze } from './deep-freeze.ts';

/** Where a Cyrus master with this imapd.conf keeps what (store 1.4). */
export function storeLayout(
  config: ImapdConfig,
  userLock: 'auto' | 'userid' | 'inbox' = 'auto',
): StoreLayout {
  const { configdirectory } = config;
  const below = (name: string): string => `${configdirectory}/${name}`;
  const quotaDatabase = config.word('quota_db');
  const quotaFile = config.text('quota_db_path') ?? below('quotas.db');
  return deepFreeze({
    configdirectory,
    partitions: paths(config, 'partition-'),
    metaPartitions: paths(config, 'metapartition-'),
    archivePartitions: paths(config, 'archivepartition-'),
    metaDirectories: paths(config, 'metadir-'),
    metapartitionFiles: config.words('metapartition_files'),
    archiveEnabled: config.switch('archive_enabled'),
    hashimapspool: config.switch('hashimapspool'),
    fulldirhash: config.switch('fulldirhash'),
    virtdomains: config.word('virtdomains'),
    defaultdomain: config.string('defaultdomain') ?? '',
    unixhierarchysep: config.switch('unixhierarchysep'),
    deletedprefix: config.string('deletedprefix') ?? '',
    mboxlistPath: config.text('mboxlist_db_path') ?? below('mailboxes.db'),
    annotationPath: config.text('annotation_db_path') ?? below('annotations.db'),
    // quotalegacy has a file for each root and uses only the folder of the path (store 2.4).
    quotaPath: quotaDatabase === 'quotalegacy' ? posix.dirname(quotaFile) : quotaFile,
    quotaDatabase,
    conversations: config.switch('conversations'),
    improvedMailboxSort: config.switch('improved_mboxlist_sort'),
    reverseacls: config.switch('reverseacls'),
    mboxgroups: config.word('auth_mech') === 'mboxgroups',
    lockPath: config.text('mboxname_lockpath') ?? below('lock'),
    sievedir: config.text('sievedir') ?? '',
    sieveusehomedir: config.switch('sieveusehomedir'),
    sieveFolder: config.string('sieve_folder') ?? '',
    jmapsubmissionfolder: config.string('jmapsubmissionfolder') ?? '',
    userLock: userLock === 'auto' ? 'either' : userLock,
  });
}

function paths(config: ImapdConfig, prefix: string): ReadonlyMap<string, string> {
  const found = config.overflowsWithPrefix(prefix);
  return new Map([...found].map(([name, path]) => [name, textFromBytes(path)]));
}
