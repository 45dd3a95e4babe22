import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { THREADS_LOOK_MS } from '../../../src/coordinator/limits.ts';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import type { Steering } from '../../../src/coordinator/steering.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { type RollingRequest, runRolling } from '../../../src/rolling/run-rolling.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

/** A channel with nothing in its log, and what its pool is told. */
class Channel {
  readonly clock = new VirtualClock();
  readonly events: SyncEvent[] = [];
  readonly allowances: { connections: number; threads: boolean }[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'connections-'));
  /** Tasks that were begun, and those that are done; the ones with work wait for `finish`. */
  readonly tasks: number[] = [];
  readonly done: number[] = [];
  finish: () => void = () => {};
  #finished = new Promise<void>((resolve) => {
    this.finish = resolve;
  });
  busy = 0;
  steering: Steering | undefined;
  tell: (() => void) | undefined;
  emitOfPool: (event: SyncEvent) => void = () => {};
  readonly #signal = new AbortController();
  #end: Promise<unknown> = Promise.resolve();

  async start(changes: Partial<RollingRequest> = {}): Promise<void> {
    const pool: Partial<UnitPool & JobPool> = {
      use: (allowance) => void this.allowances.push({ ...allowance }),
      cut: () => {},
      renew: () => {},
      close: async () => {},
      runUnit: async ({ id, unit }) => {
        this.tasks.push(id);
        if (unit.actions.length > 0) await this.#finished;
        this.done.push(id);
        return { results: unit.actions.map(() => ({ kind: 'done' as const })), linkError: undefined };
      },
    };
    this.#end = runRolling(
      {
        layout: {
          configdirectory: this.directory,
          virtdomains: 'off',
          defaultdomain: '',
          deletedprefix: 'DELETED',
          unixhierarchysep: false,
        },
        source: { kind: 'log' },
        ...{ connections: 4, wantedConnections: 4, mostConnections: 10, unitsPerConnection: 3 },
        shutdownFile: undefined,
        pace: undefined,
        fullPassMs: 0,
        options: {
          ...{ channel: undefined, server: 'replica', once: false, parallel: 12, repeatIntervalMs: 0 },
          ...{ sessionTimeoutMs: 0, connectOnce: false, reconnectMaxWaitSeconds: 0 },
          ...{ exitWhenReplicaGone: false, relogLocked: false, reportIntervalMs: 0 },
        },
        ...changes,
      },
      {
        emit: (event) => this.events.push(event),
        openPool: (_connections, emit) => {
          this.emitOfPool = emit;
          return pool as UnitPool & JobPool;
        },
        openStore: () => new MemoryStore(),
        load: () => ({ thisThread: this.busy, idleProcessors: 1 }),
        clock: this.clock,
        random: () => 0.5,
        signal: this.#signal.signal,
        steer: (steering) => {
          this.steering = steering;
          return { [Symbol.dispose]: () => (this.steering = undefined) };
        },
        onStatusRequest: (tell) => {
          this.tell = tell;
          return { [Symbol.dispose]: () => (this.tell = undefined) };
        },
      },
    );
    await this.clock.advance(10);
  }

  told(): unknown[] {
    return this.events.flatMap((event) =>
      event.kind === 'run:connections' ? [[event.most, event.why]] : [],
    );
  }

  async end(): Promise<void> {
    this.#signal.abort();
    await this.clock.advance(1_000);
    await this.#end;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

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
