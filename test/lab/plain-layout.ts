import type { StoreLayout } from '../../src/store/paths/store-layout.ts';

/** A layout below `root` with the defaults of Cyrus. */
export function plainLayout(root: string, changes: Partial<StoreLayout> = {}): StoreLayout {
  return {
    configdirectory: `${root}/conf`,
    partitions: new Map([
      ['default', `${root}/spool`],
      ['fast', `${root}/fast`],
    ]),
    metaPartitions: new Map(),
    archivePartitions: new Map(),
    metaDirectories: new Map(),
    metapartitionFiles: [],
    archiveEnabled: false,
    hashimapspool: false,
    fulldirhash: false,
    virtdomains: 'off',
    defaultdomain: 'internal',
    unixhierarchysep: true,
    deletedprefix: 'DELETED',
    mboxlistPath: `${root}/conf/mailboxes.db`,
    annotationPath: `${root}/conf/annotations.db`,
    quotaPath: `${root}/conf`,
    quotaDatabase: 'quotalegacy',
    improvedMailboxSort: false,
    conversations: false,
    reverseacls: false,
    mboxgroups: false,
    lockPath: `${root}/conf/lock`,
    sievedir: `${root}/sieve`,
    sieveusehomedir: false,
    sieveFolder: '#sieve',
    jmapsubmissionfolder: '#jmapsubmission',
    userLock: 'userid',
    ...changes,
  };
}
