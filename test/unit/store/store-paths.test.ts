import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import {
  mailboxLockPath,
  namespaceOwner,
  syncLockPath,
  userLockPaths,
} from '../../../src/store/paths/lock-paths.ts';
import { messageDirectory, metaPath } from '../../../src/store/paths/mailbox-paths.ts';
import { sieveDirectory, userFilePath } from '../../../src/store/paths/user-paths.ts';
import { plainLayout } from '../../lab/plain-layout.ts';

const byId = { name: 'user.amy.Work', uniqueid: 'k3fkl2dv', partition: 'default', legacyDirs: false };
const byName = { ...byId, legacyDirs: true };

test('directories by uniqueid ignore both kinds of hashing', () => {
  const layout = plainLayout('/r', { hashimapspool: true, fulldirhash: true });
  assert.equal(messageDirectory(layout, byId, false), '/r/spool/uuid/k/3/k3fkl2dv');
  assert.equal(metaPath(layout, byId, 'index'), '/r/spool/uuid/k/3/k3fkl2dv/cyrus.index');
});

test('directories by name follow hashing, domain and escaped dots', () => {
  const hashed = plainLayout('/r', { hashimapspool: true, fulldirhash: true, virtdomains: 'userid' });
  const paths: [string, string][] = [
    ['user.amy.Work', '/r/spool/C/user/amy/Work'],
    ['dom.org!user.jo^smith.Sub^dot', '/r/spool/domain/J/dom.org/A/user/jo^smith/Sub^dot'],
    ['DELETED.user.amy.Work.In^side.6B04DFE0', '/r/spool/C/DELETED/user/amy/Work/In^side/6B04DFE0'],
  ];
  for (const [name, path] of paths) {
    assert.equal(messageDirectory(hashed, { ...byName, name }, false), path);
  }
  assert.equal(messageDirectory(plainLayout('/r'), byName, false), '/r/spool/user/amy/Work');
  const simple = plainLayout('/r', { hashimapspool: true });
  assert.equal(messageDirectory(simple, byName, false), '/r/spool/a/user/amy/Work');
});

test('a meta file is in its metadir, else on the meta partition if listed, else with the messages', () => {
  const layout = plainLayout('/r', {
    metaPartitions: new Map([['default', '/meta']]),
    metapartitionFiles: ['header', 'annotations'],
    metaDirectories: new Map([['index-default', '/ssd']]),
  });
  const below = 'uuid/k/3/k3fkl2dv';
  assert.equal(metaPath(layout, byId, 'header'), `/meta/${below}/cyrus.header`);
  assert.equal(metaPath(layout, byId, 'index'), `/ssd/${below}/cyrus.index`);
  assert.equal(metaPath(layout, byId, 'annotations'), `/ssd/${below}/cyrus.annotations`);
  const other = { ...byId, partition: 'fast' };
  assert.equal(metaPath(layout, other, 'header'), `/r/fast/${below}/cyrus.header`);
});

test('archived messages are looked for in the archive only where there is one', () => {
  const archive = { archivePartitions: new Map([['default', '/old']]) };
  const on = plainLayout('/r', { ...archive, archiveEnabled: true });
  assert.equal(messageDirectory(on, byId, true), '/old/uuid/k/3/k3fkl2dv');
  assert.equal(messageDirectory(on, { ...byId, partition: 'fast' }, true), '/r/fast/uuid/k/3/k3fkl2dv');
  assert.equal(messageDirectory(plainLayout('/r', archive), byId, true), '/r/spool/uuid/k/3/k3fkl2dv');
});

test('a partition that imapd.conf does not know is named', () => {
  assert.throws(
    () => metaPath(plainLayout('/r'), { ...byId, partition: 'gone' }, 'index'),
    (error) => error instanceof SyncError && error.code === 'PARTITION_UNKNOWN' && /gone/.test(error.message),
  );
});

test('per-user files are hashed with or without hashimapspool, and keep their dots', () => {
  const layout = plainLayout('/r', { virtdomains: 'userid', fulldirhash: true });
  const inbox = { uniqueid: '1sh0xxlt', legacyDirs: false };
  assert.equal(userFilePath(layout, 'amy', inbox, 'seen'), '/r/conf/user/uuid/1/s/1sh0xxlt/seen.db');
  assert.equal(userFilePath(layout, 'amy', undefined, 'seen'), '/r/conf/user/C/amy.seen');
  const old = { ...inbox, legacyDirs: true };
  assert.equal(
    userFilePath(layout, 'jo.smith@dom.org', old, 'counters'),
    '/r/conf/domain/J/dom.org/user/A/jo.smith.counters',
  );
  assert.equal(sieveDirectory(layout, 'amy', inbox), '/r/sieve/uuid/1/s/1sh0xxlt');
  assert.equal(sieveDirectory(layout, 'jo.smith@dom.org', old), '/r/sieve/domain/J/dom.org/A/jo.smith');
  assert.equal(sieveDirectory(plainLayout('/r'), 'a@b.c', old), '/r/sieve/a/a@b.c');
  assert.equal(sieveDirectory(plainLayout('/r', { sieveusehomedir: true }), 'amy', inbox), undefined);
});

test('lock files have the names that Cyrus gives them', () => {
  const layout = plainLayout('/r');
  const below = '/r/conf/lock';
  assert.equal(syncLockPath(layout, '127.0.0.1', 'carol.smith'), `${below}/*S*127^0^0^1*carol^smith.lock`);
  assert.equal(syncLockPath(layout, '127.0.0.1', ''), `${below}/*S*127^0^0^1*.lock`);
  assert.deepEqual(userLockPaths(layout, 'alice'), [`${below}/*U*alice.lock`]);
  assert.deepEqual(userLockPaths(layout, undefined), [`${below}/*U*.lock`]);
  const hashed = plainLayout('/r', { hashimapspool: true, fulldirhash: true });
  assert.deepEqual(userLockPaths(hashed, 'jo.smith@dom.org'), [`${below}/K/*U*jo^smith@dom^org.lock`]);
  const newer = plainLayout('/r', { userLock: 'inbox' });
  assert.deepEqual(userLockPaths(newer, 'alice'), [`${below}/*U*user/alice.lock`]);
  assert.deepEqual(userLockPaths(newer, undefined), [`${below}/*U*.lock`]);
  const either = plainLayout('/r', { userLock: 'either' });
  assert.deepEqual(userLockPaths(either, 'alice'), [`${below}/*U*alice.lock`, `${below}/*U*user/alice.lock`]);
  assert.equal(mailboxLockPath(layout, byId), `${below}/k3fkl2dv.lock`);
  assert.equal(mailboxLockPath(layout, byName), `${below}/user/amy/Work.lock`);
  assert.equal(namespaceOwner(layout, 'DELETED.user.foo.Gone.6B04D978'), 'foo');
});

test('what is no userid, name or uniqueid never becomes the path of a lock', () => {
  const layout = plainLayout('/r');
  const refused = (code: string) => (error: unknown) => error instanceof SyncError && error.code === code;
  for (const odd of ['../../etc/x', 'a/b', 'a\nb', 'a\0', '\x1b[2J', 'a'.repeat(1024)]) {
    assert.throws(() => syncLockPath(layout, 'replica', odd), refused('IMAP_INVALID_USER'));
    assert.throws(() => userLockPaths(layout, odd), refused('IMAP_INVALID_USER'));
    for (const legacyDirs of [true, false]) {
      const entry = { name: odd, uniqueid: odd, legacyDirs };
      assert.throws(() => mailboxLockPath(layout, entry), refused('DATABASE_DAMAGED'));
    }
  }
  // Octets that are no text would become the lock of another name.
  assert.throws(() => syncLockPath(layout, 'replica', 'caf\xe9'), refused('IMAP_INVALID_USER'));
  const latin = { name: 'user.caf\xe9', uniqueid: 'abc', legacyDirs: true };
  assert.throws(() => mailboxLockPath(layout, latin), refused('DATABASE_DAMAGED'));
  assert.match(mailboxLockPath(layout, { ...latin, legacyDirs: false }), /abc\.lock$/);
});

test('a partition called like what every object has is a partition that is not there', () => {
  for (const partition of ['__proto__', 'constructor', 'toString']) {
    assert.throws(
      () => messageDirectory(plainLayout('/r'), { ...byId, partition }, false),
      (error) => error instanceof SyncError && error.code === 'PARTITION_UNKNOWN',
    );
    const layout = plainLayout('/r', { partitions: new Map([[partition.toLowerCase(), '/p']]) });
    assert.match(messageDirectory(layout, { ...byId, partition }, false), /^\/p\//);
  }
});

test('what cannot be the name of a lock is shown, as far as there is room', () => {
  const layout = plainLayout('/r');
  for (const [odd, shown] of [
    ['a/b', '"a/b"'],
    [`/${'a'.repeat(2_000)}`, `"/${'a'.repeat(79)}"`],
  ] as const) {
    for (const lock of [
      () => syncLockPath(layout, 'replica', odd),
      () => mailboxLockPath(layout, { name: 'user.anna', uniqueid: odd, legacyDirs: false }),
      () => mailboxLockPath(layout, { name: odd, uniqueid: 'abc', legacyDirs: true }),
    ]) {
      assert.throws(lock, (error) => error instanceof SyncError && error.message.endsWith(`found ${shown}`));
    }
  }
});
