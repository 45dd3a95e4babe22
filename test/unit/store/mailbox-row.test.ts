import assert from 'node:assert/strict';
import test from 'node:test';
import { MailboxRowError, parseMailboxRow } from '../../../src/store/mailbox-list/mailbox-row.ts';
import { wireType } from '../../../src/store/mailbox-list/mailbox-type.ts';

test('a row of Cyrus 3.6 gives partition, numbers and the ACL in stored order', () => {
  const row = parseMailboxRow(
    '%(T el I 0icddas3made P default V 1795503956 C 7 F 9 M 1795503949 A %(anna lrswip -mallory lr "x y" l))',
  );
  assert.equal(row.uniqueid, '0icddas3made');
  assert.equal(row.acl, 'anna\tlrswip\t-mallory\tlr\tx y\tl\t');
  assert.deepEqual([row.uidvalidity, row.createdmodseq, row.foldermodseq], [1795503956, 7, 9]);
  assert.ok(row.type.legacyDirs);
  assert.equal(row.jmapid, undefined);
  assert.equal(parseMailboxRow('%(T e I abc J P12 P default V 1)').jmapid, 'P12');
  assert.equal(wireType(row.type), '');
});

test('tombstones have no partition, intermediates say so on the wire', () => {
  const tombstone = parseMailboxRow('%(T ed I x V 1 C 2 F 3 M 4)');
  assert.equal(tombstone.type.deleted, true);
  assert.equal(tombstone.partition, undefined);
  assert.equal(tombstone.acl, '');
  assert.equal(wireType(parseMailboxRow('%(T eil I x V 1)').type), 'ei');
  assert.equal(wireType(parseMailboxRow('%(T f I x P default)').type), 'f');
});

test('an I record gives the current name and the former ones, newest first', () => {
  const row = parseMailboxRow(
    '%(T e N "user\x1fa\x1fnew name" P default V 1 H (%(N user\x1fa\x1fmid M 3 T e P default) %(N user\x1fa\x1fold M 2)))',
  );
  assert.equal(row.dbname, 'user\x1fa\x1fnew name');
  assert.deepEqual(row.formerDbnames, ['user\x1fa\x1fmid', 'user\x1fa\x1fold']);
  assert.deepEqual(parseMailboxRow('%(T e N user\x1fa H ())').formerDbnames, []);
});

test('rows of Cyrus 2.5 to 3.4 may lack the type letter or have it anywhere', () => {
  assert.equal(parseMailboxRow('%(A %(a lrs) I abc P default T d V 1 M 5)').type.deleted, true);
  assert.equal(parseMailboxRow('%(A %(a lrs) I abc P default V 1 M 5)').type.kind, 'e');
  assert.equal(parseMailboxRow('%(A %(a lrs) I abc P default T dc)').type.kind, 'c');
});

test('text rows of Cyrus 2.x', () => {
  const plain = parseMailboxRow('0 default alice\tlrswipcda\tanyone\tp\t');
  assert.equal(plain.partition, 'default');
  assert.equal(plain.acl, 'alice\tlrswipcda\tanyone\tp\t');
  assert.ok(plain.type.legacyDirs);
  assert.deepEqual([plain.uidvalidity, plain.createdmodseq, plain.foldermodseq], [0, 0, 0]);
  const remote = parseMailboxRow('1 backend.example!fast anna\tlrs\t');
  assert.deepEqual([remote.type.remote, remote.partition], [true, 'fast']);
  const extended = parseMailboxRow('(uniqueid 4e1b7a0c specialuse \\Trash) 4 default anna\tlrs\t');
  assert.deepEqual([extended.uniqueid, extended.type.deleted], ['4e1b7a0c', true]);
});

test('anything else is refused with a reason', () => {
  for (const value of [
    '',
    'nonsense',
    '%(T q I x)',
    '%(T e V notanumber)',
    '%(T e',
    '%(T e) x',
    '%(T e I ../../x P default)',
    '%(T e I x P a/../b)',
  ]) {
    assert.throws(() => parseMailboxRow(value), MailboxRowError, value);
  }
});
