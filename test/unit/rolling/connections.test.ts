import assert from 'node:assert/strict';
import test from 'node:test';
import { THREADS_LOOK_MS } from '../../../src/coordinator/limits.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { Channel } from './channel.ts';

test('more connections than there is room for are as many as there is room for, and that is said', async () => {
  using channel = new Channel();
  await channel.start({ wantedConnections: 11 });
  const { steering } = channel;
  assert.ok(steering);
  assert.deepEqual(channel.told(), [[4, 'open-files']]);
  assert.deepEqual(steering.setConnections(10), { limit: 10, most: 10, open: 0 });
  steering.setConnections(11);
  steering.setConnections('auto');
  steering.setConnections(2);
  assert.deepEqual(channel.told().slice(1), [
    [10, 'asked'],
    [10, 'open-files'],
    [4, 'asked'],
    [2, 'asked'],
  ]);
  assert.deepEqual(
    channel.allowances.map(({ connections }) => connections),
    [4, 10, 10, 4, 2],
  );
  await channel.end();
  assert.equal(channel.steering, undefined, 'nobody steers what has ended');
  assert.equal(channel.tell, undefined);
});

test('as many units run at once as the connections take that were asked for, each as a task of its own', async () => {
  using channel = new Channel();
  const lines = Array.from({ length: 40 }, (_, i) => ({ type: 'USER' as const, userid: `u${i}` }));
  await appendToLog(syncLogPath(channel.directory, undefined), lines);
  await channel.start();
  await channel.clock.advance(1_000);
  const running = () => channel.tasks.length - channel.done.length;
  assert.equal(running(), 12);
  channel.steering?.setConnections(7);
  await channel.clock.advance(1_000);
  assert.equal(running(), 7 * 3);
  channel.finish();
  await channel.clock.advance(10_000);
  channel.finish();
  await channel.clock.advance(10_000);
  assert.equal(new Set(channel.tasks).size, channel.tasks.length);
  assert.ok(channel.tasks.every((id) => id > 0));
  await channel.end();
});

test('connections that are open are counted, whichever way they end', async () => {
  using channel = new Channel();
  await channel.start();
  const open = () => channel.steering?.connections.open;
  const error = { code: 'LINK_BROKEN', family: 'link', message: 'x', retryable: true } as const;
  const event = (kind: string, more: object = {}): SyncEvent =>
    ({ kind, server: 'replica', connection: 1, ...more }) as never;
  for (let count = 0; count < 3; count++) channel.emitOfPool(event('connection:open'));
  assert.equal(open(), 3);
  channel.emitOfPool(event('connection:closed'));
  channel.emitOfPool(event('connection:lost', { error }));
  assert.equal(open(), 1);
  channel.emitOfPool(event('connection:lost', { error, connection: undefined }));
  assert.equal(open(), 1, 'one that was never made');
  await channel.end();
});

test('threads are asked for once this one is what the work waits for, and then no more looked for', async () => {
  using channel = new Channel();
  await channel.start();
  assert.deepEqual(channel.allowances, [{ connections: 4, threads: false }]);
  await channel.clock.advance(5 * THREADS_LOOK_MS);
  assert.equal(channel.allowances.length, 1);
  channel.busy = 1;
  await channel.clock.advance(THREADS_LOOK_MS);
  assert.deepEqual(channel.allowances.slice(1), [{ connections: 4, threads: true }]);
  channel.busy = 0;
  await channel.clock.advance(5 * THREADS_LOOK_MS);
  channel.steering?.setConnections(7);
  assert.deepEqual(channel.allowances.slice(2), [{ connections: 7, threads: true }]);
  await channel.end();
});

test('how things stand is told to whoever asks, and a channel that is told to stop before it began does not begin', async () => {
  using channel = new Channel();
  await channel.start();
  channel.tell?.();
  assert.equal(channel.events.filter(({ kind }) => kind === 'rolling:backlog').length, 1);
  channel.steering?.stop();
  await channel.clock.advance(1_000);
  assert.equal(channel.steering, undefined);
  assert.equal(channel.events.filter(({ kind }) => kind === 'run:stopping').length, 1);
  using never = new Channel();
  await never.end();
  await never.start();
  assert.deepEqual(never.allowances, []);
  assert.equal(never.events.filter(({ kind }) => kind === 'run:stopping').length, 1);
});

test('-t: the pool makes its connections anew, and a task without work tells whether the replica answers', async () => {
  using channel = new Channel();
  await channel.start({}, { sessionTimeoutMs: 600_000, repeatIntervalMs: 60_000 });
  assert.deepEqual([channel.renewals, channel.done], [[], [1]]);
  await channel.clock.advance(602_000);
  assert.equal(channel.renewals.length, 1);
  assert.deepEqual(channel.done, [1, 2]);
  assert.equal(channel.events.filter(({ kind }) => kind === 'rolling:restarted').length, 1);
  await channel.end();
});

test('the replica that closes an idle connection is connected to again, or ends the channel in the old way', async () => {
  using channel = new Channel();
  await channel.start();
  channel.closeIdle();
  await channel.clock.advance(100);
  assert.deepEqual(channel.done, [1, 2]);
  await channel.end();
  using old = new Channel();
  await old.start({}, { exitWhenReplicaGone: true });
  old.closeIdle();
  await old.clock.advance(100);
  assert.deepEqual([old.done, old.steering], [[1], undefined]);
  await old.end();
});
