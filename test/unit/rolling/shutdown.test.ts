import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { CUT_GRACE_MS, DRAIN_GRACE_MS } from '../../../src/coordinator/limits.ts';
import type { UnitAnswer } from '../../../src/coordinator/pool/messages.ts';
import type { UnitPool } from '../../../src/coordinator/pool/pool.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import type { RollingEnd } from '../../../src/rolling/daemon/rolling-options.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { runRolling } from '../../../src/rolling/run-rolling.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

/** A replica that answers, and that one user's work waits for without an end. */
class Scene implements UnitPool {
  readonly clock = new VirtualClock();
  readonly events: SyncEvent[] = [];
  readonly orders: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'shutdown-'));
  readonly file = syncLogPath(this.directory, undefined);
  readonly #signal = new AbortController();
  /** The work ends when its connection is cut. */
  endsWithItsLink = false;
  end: RollingEnd | undefined;
  fullPassMs = 0;
  #onCut: () => void = () => {};

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }

  async start(): Promise<void> {
    await appendToLog(this.file, [{ type: 'USER', userid: 'anna' }]);
    const options = {
      ...{ channel: undefined, server: 'replica', once: false, parallel: 1, repeatIntervalMs: 0 },
      ...{ sessionTimeoutMs: 0, connectOnce: false, reconnectMaxWaitSeconds: 0, exitWhenReplicaGone: false },
      ...{ relogLocked: false, reportIntervalMs: 0 },
    };
    const layout = {
      configdirectory: this.directory,
      virtdomains: 'off',
      defaultdomain: '',
      deletedprefix: 'DELETED',
      unixhierarchysep: false,
    } as const;
    const source = { kind: 'log' } as const;
    const counts = { connections: 1, wantedConnections: 1, mostConnections: 1, unitsPerConnection: 1 };
    runRolling(
      {
        layout,
        source,
        ...counts,
        shutdownFile: undefined,
        pace: undefined,
        fullPassMs: this.fullPassMs,
        options,
      },
      {
        emit: (event) => this.events.push(event),
        openPool: () => this,
        openStore: () => (this.fullPassMs > 0 ? new MemoryStore() : assert.fail('nobody is to be gone over')),
        load: () => ({ thisThread: 0, idleProcessors: 0 }),
        clock: this.clock,
        random: () => 0.5,
        signal: this.#signal.signal,
      },
    ).then((end) => {
      this.end = end;
    }, assert.ifError);
    await this.clock.advance(100);
    assert.equal(this.end, undefined);
  }

  stop(): void {
    this.#signal.abort();
  }

  run(): never {
    assert.fail('a full pass was not asked for');
  }

  use(): void {}
  cancel(): void {}
  renew(): void {}

  cut(): void {
    this.orders.push('cut');
    if (this.endsWithItsLink) this.#onCut();
  }

  async close(): Promise<void> {
    this.orders.push('close');
  }

  async runUnit({ unit }: Parameters<UnitPool['runUnit']>[0]): Promise<UnitAnswer> {
    if (unit.actions.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onCut = resolve;
      });
    }
    const error = { code: 'LINK_BROKEN', family: 'link', message: 'cut', retryable: true } as const;
    return { results: unit.actions.map(() => ({ kind: 'failed', error })), linkError: undefined };
  }
}

test('told to stop, rolling mode lets work finish, then cuts it, and leaves it to the next start', async () => {
  using scene = new Scene();
  scene.endsWithItsLink = true;
  await scene.start();
  scene.stop();
  await scene.clock.advance(DRAIN_GRACE_MS - 1);
  assert.deepEqual([scene.orders, scene.end], [[], undefined]);
  await scene.clock.advance(1);
  assert.deepEqual(scene.orders, ['cut', 'close']);
  assert.deepEqual([scene.end?.reason, scene.end?.unfinished], ['signal', 1]);
  assert.equal(readFileSync(`${scene.file}-run`, 'latin1'), 'USER anna\n');
  assert.deepEqual(scene.events.at(-1), { kind: 'run:stopping' });
});

test('work that does not even end without its connection is left behind', async () => {
  using scene = new Scene();
  await scene.start();
  scene.stop();
  await scene.clock.advance(DRAIN_GRACE_MS + CUT_GRACE_MS - 1);
  assert.deepEqual([scene.orders, scene.end], [['cut'], undefined]);
  await scene.clock.advance(1);
  assert.deepEqual(scene.orders, ['cut', 'close']);
  assert.equal(scene.end?.reason, 'signal');
  assert.equal(readFileSync(`${scene.file}-run`, 'latin1'), 'USER anna\n');
});

test('a pass over everybody that is under way does not hold up the end', async () => {
  using scene = new Scene();
  scene.endsWithItsLink = true;
  scene.fullPassMs = 24 * 3_600_000;
  await scene.start();
  scene.stop();
  await scene.clock.advance(DRAIN_GRACE_MS);
  assert.equal(scene.end?.reason, 'signal');
});
