import assert from 'node:assert/strict';
import test from 'node:test';
import { neededAbove } from '../../../src/replicate/folders/mailbox-above.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';
import { entry } from '../../lab/engine-fakes.ts';

const inbox = entry('user.alice');
const work = entry('user.alice.Work');
const deep = entry('user.alice.Work.gap.Deep');
const gap = entry('user.alice.Work.gap', { intermediate: true });
const shared = entry('shared.deep', { userid: undefined });
const removed = entry('DELETED.user.alice.Old.6B04DFE0', { inDeleted: true });
const master = new Map([inbox, work, deep, gap, shared, removed].map((each) => [each.name, each]));

function needed(entries: readonly MailboxEntry[], onReplica: readonly string[]): Record<string, string> {
  const found = neededAbove(entries, new Set(onReplica), (name) => master.get(name));
  return Object.fromEntries([...found].map(([{ name }, above]) => [name, above]));
}

test('a mailbox that the replica has needs nothing above it', () => {
  assert.deepEqual(needed([work, deep], [work.name, deep.name]), {});
});

test('a new mailbox needs the nearest real one above it', () => {
  assert.deepEqual(needed([work], []), { [work.name]: inbox.name });
  assert.deepEqual(needed([deep], []), { [deep.name]: work.name });
});

test('what is above and sent along is not asked for, but what that needs is', () => {
  assert.deepEqual(needed([inbox, work, deep], []), {});
  assert.deepEqual(needed([work, deep], []), { [work.name]: inbox.name, [deep.name]: inbox.name });
  assert.deepEqual(needed([work, deep], [work.name]), {});
});

test('an INBOX, shared mailboxes and deleted ones need nothing', () => {
  assert.deepEqual(needed([inbox, removed, shared], []), {});
});
