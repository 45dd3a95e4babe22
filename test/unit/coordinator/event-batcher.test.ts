import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENTS_PER_POST } from '../../../src/coordinator/limits.ts';
import { EventBatcher } from '../../../src/coordinator/pool/event-batcher.ts';
import type { SyncEvent } from '../../../src/report/events.ts';

function progress(user: string, messages: number): SyncEvent {
  return { kind: 'user:progress', user, messages, octets: messages * 10 };
}

test('many events cross in few posts, in order and without loss', () => {
  const posts: SyncEvent[][] = [];
  const batcher = new EventBatcher((events) => posts.push(events));
  for (let index = 0; index < EVENTS_PER_POST * 2 + 5; index += 1) {
    batcher.emit({ kind: 'user:done', user: `u${index}` });
  }
  batcher.flush();
  assert.deepEqual(
    posts.map((events) => events.length),
    [EVENTS_PER_POST, EVENTS_PER_POST, 5],
  );
  const names = posts.flat().map((event) => (event.kind === 'user:done' ? event.user : ''));
  assert.deepEqual(
    names,
    names.map((_, index) => `u${index}`),
  );
  batcher.flush();
  assert.equal(posts.length, 3, 'nothing is posted for nothing');
});

test('progress of one user in a row is summed up; that of different users is not mixed', () => {
  const posts: SyncEvent[][] = [];
  const batcher = new EventBatcher((events) => posts.push(events));
  for (const event of [progress('a', 1), progress('a', 2), progress('b', 4), progress('a', 8)]) {
    batcher.emit(event);
  }
  batcher.flush();
  assert.deepEqual(posts, [[progress('a', 3), progress('b', 4), progress('a', 8)]]);
});
