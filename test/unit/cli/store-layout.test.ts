import assert from 'node:assert/strict';
import test from 'node:test';
import { storeLayout } from '../../../src/cli/run-plan/store-layout.ts';
import { configOf } from '../../lab/config-of.ts';

test('everything hangs below configdirectory by default', () => {
  assert.deepEqual(storeLayout(configOf('')), {
    configdirectory: '/var/lib/cyrus',
    partitions: new Map(),
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
    mboxlistPath: '/var/lib/cyrus/mailboxes.db',
    annotationPath: '/var/lib/cyrus/annotations.db',
    quotaPath: '/var/lib/cyrus',
    quotaDatabase: 'quotalegacy',
    conversations: false,
    improvedMailboxSort: false,
    reverseacls: false,
    mboxgroups: false,
    lockPath: '/var/lib/cyrus/lock',
    sievedir: '/usr/sieve',
    sieveusehomedir: false,
    sieveFolder: '#sieve',
    jmapsubmissionfolder: '#jmapsubmission',
    userLock: 'either',
  });
});

test('partitions of all kinds by lower-case name', () => {
  const layout = storeLayout(
    configOf(
      [
        'partition-Default: /spool',
        'partition-big-one: /big',
        'metapartition-default: /meta',
        'archivepartition-default: /archive',
        'metadir-index-default: /index',
        'metapartition_files: index header',
        'archive_enabled: yes',
      ].join('\n'),
    ),
  );
  assert.deepEqual(Object.fromEntries(layout.partitions), { default: '/spool', 'big-one': '/big' });
  assert.deepEqual(Object.fromEntries(layout.metaPartitions), { default: '/meta' });
  assert.deepEqual(Object.fromEntries(layout.archivePartitions), { default: '/archive' });
  assert.deepEqual(Object.fromEntries(layout.metaDirectories), { 'index-default': '/index' });
  assert.deepEqual(layout.metapartitionFiles, ['header', 'index']);
  assert.equal(layout.archiveEnabled, true);
});

test('paths given win over the places below configdirectory', () => {
  const layout = storeLayout(
    configOf(
      [
        'mboxlist_db_path: /db/mb',
        'annotation_db_path: {configdirectory}/an',
        'mboxname_lockpath: /run/lock',
        'sievedir: /sieve',
      ].join('\n'),
    ),
  );
  const { mboxlistPath, annotationPath, lockPath, sievedir } = layout;
  assert.deepEqual(
    [mboxlistPath, annotationPath, lockPath, sievedir],
    ['/db/mb', '/var/lib/cyrus/an', '/run/lock', '/sieve'],
  );
});

test('the quota path is a folder for quotalegacy and a file otherwise', () => {
  assert.equal(storeLayout(configOf('quota_db_path: /q/quotas.db')).quotaPath, '/q');
  assert.equal(storeLayout(configOf('quota_db: twoskip')).quotaPath, '/var/lib/cyrus/quotas.db');
  assert.equal(storeLayout(configOf('quota_db: twoskip\nquota_db_path: /q/x')).quotaPath, '/q/x');
});

test('the user lock follows the setting, and auto takes either spelling', () => {
  const config = configOf('');
  assert.deepEqual(
    (['auto', 'userid', 'inbox'] as const).map((setting) => storeLayout(config, setting).userLock),
    ['either', 'userid', 'inbox'],
  );
});

test('paths are text, names are octets', () => {
  const octets = Buffer.from('\u00f6').toString('latin1');
  const layout = storeLayout(configOf(`partition-a: /${octets}\ndeletedprefix: ${octets}`));
  assert.equal(layout.partitions.get('a'), '/\u00f6');
  assert.equal(layout.deletedprefix, octets);
});
