import assert from 'node:assert/strict';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { inboxBy } from '../../../src/rolling/queue/inbox-by.ts';
import { MemoryStore } from '../../lab/memory-store.ts';

const EIO = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' });

test('where the list cannot be read nothing is known of the user, whatever was thrown, and later it is again', () => {
  const store = new MemoryStore();
  store.addUser('anna');
  let failure: unknown;
  const failing = Object.assign(Object.create(store) as MemoryStore, {
    lookup: (name: string) => {
      if (failure !== undefined) throw failure;
      return store.lookup(name);
    },
    close: () => {},
  });
  const events: SyncEvent[] = [];
  using inboxes = inboxBy(
    () => failing,
    (event) => events.push(event),
  );
  for (failure of [
    new SyncError('IO', 'cannot be read'),
    EIO,
    EIO,
    new RangeError('mine'),
    'mine',
    undefined,
  ]) {
    const inbox = inboxes.inboxOf('anna');
    assert.equal(inbox?.deleted, failure === undefined ? false : undefined);
  }
  assert.deepEqual(
    events.map((event) => event.kind === 'rolling:file-failed' && [event.error.code, event.error.message]),
    [
      ['IO', EIO.message],
      ['BUG', 'mine'],
    ],
    'what nobody else would tell is told, and once for each cause',
  );
});

test('a store that cannot be opened is opened at the next question', () => {
  const store = new MemoryStore();
  store.addUser('anna');
  let times = 0;
  using inboxes = inboxBy(
    () => {
      if (times++ === 0) throw EIO;
      return store;
    },
    () => {},
  );
  assert.equal(inboxes.inboxOf('anna'), undefined);
  assert.equal(inboxes.inboxOf('anna')?.deleted, false);
});
