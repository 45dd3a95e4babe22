import assert from 'node:assert/strict';
import test from 'node:test';
import type { FolderStep } from '../../src/replicate/folders.ts';
import { formerInboxes } from '../../src/replicate/former-name.ts';

function rename(oldName: string, newName: string): FolderStep {
  return { kind: 'rename', oldName, newName, partition: 'default', uidvalidity: 1 };
}

function given(...steps: FolderStep[]): string[] {
  return formerInboxes(steps, (name) => /^user\.[^.]+$/.test(name));
}

test('the former name of a renamed user is given up, those of folders are not', () => {
  const steps = [rename('user.old', 'user.new'), rename('user.old.Work', 'user.new.Work')];
  assert.deepEqual(given(...steps), ['user.old']);
});

test('a deleted user keeps the name, under which what is left is still to be removed', () => {
  assert.deepEqual(given(rename('user.old', 'DELETED.user.old.6B04DFE0')), []);
  assert.deepEqual(given({ kind: 'unmailbox', name: 'user.old' }), []);
});

test('a name that another mailbox has taken in the same go is left alone', () => {
  const chain = [rename('user.b', 'user.c'), rename('user.a', 'user.b')];
  assert.deepEqual(given(...chain), ['user.a']);
  const swap = [
    rename('user.a', 'user.a.cyrus-sync-id'),
    rename('user.b', 'user.a'),
    rename('user.a.cyrus-sync-id', 'user.b'),
  ];
  assert.deepEqual(given(...swap), []);
});
