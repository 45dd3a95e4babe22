import { join } from 'node:path';
import type { StoreLayout } from '../../src/store/paths/store-layout.ts';
import { type CyrusServer, giveToCyrus } from './cyrus-server.ts';

/** The layout of a test server, taken from the options it was given. */
export function layoutOf(server: CyrusServer): StoreLayout {
  const configdirectory = server.configDirectory;
  const byPartition = (prefix: string): ReadonlyMap<string, string> =>
    new Map(
      Object.keys(server.partitions).flatMap((name) => {
        const path = server.setting(`${prefix}${name}`);
        return path === undefined ? [] : [[name, path] as const];
      }),
    );
  const isOn = (option: string): boolean => ['yes', '1', 'on'].includes(server.setting(option) ?? 'no');
  return {
    configdirectory,
    partitions: new Map(Object.entries(server.partitions)),
    metaPartitions: byPartition('metapartition-'),
    archivePartitions: byPartition('archivepartition-'),
    metaDirectories: new Map(),
    metapartitionFiles: (server.setting('metapartition_files') ?? '').split(' '),
    archiveEnabled: isOn('archive_enabled'),
    hashimapspool: isOn('hashimapspool'),
    fulldirhash: isOn('fulldirhash'),
    virtdomains: (server.setting('virtdomains') ?? 'off') as StoreLayout['virtdomains'],
    defaultdomain: server.setting('defaultdomain') ?? 'internal',
    unixhierarchysep: isOn('unixhierarchysep'),
    deletedprefix: 'DELETED',
    mboxlistPath: join(configdirectory, 'mailboxes.db'),
    annotationPath: join(configdirectory, 'annotations.db'),
    quotaPath: configdirectory,
    quotaDatabase: 'quotalegacy',
    improvedMailboxSort: isOn('improved_mboxlist_sort'),
    conversations: isOn('conversations'),
    reverseacls: isOn('reverseacls'),
    mboxgroups: server.setting('auth_mech') === 'mboxgroups',
    lockPath: join(configdirectory, 'lock'),
    sievedir: server.setting('sievedir') ?? '',
    sieveusehomedir: false,
    sieveFolder: '#sieve',
    jmapsubmissionfolder: '#jmapsubmission',
    userLock: 'either',
  };
}

/** Lock files that the test, running as root, made would keep Cyrus out. */
export function handOverLocks(server: CyrusServer): void {
  giveToCyrus(join(server.configDirectory, 'lock'));
}
