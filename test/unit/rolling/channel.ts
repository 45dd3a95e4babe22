import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import type { Steering } from '../../../src/coordinator/steering.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import type { RollingEnd } from '../../../src/rolling/daemon/rolling-options.ts';
import { type RollingRequest, runRolling } from '../../../src/rolling/run-rolling.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

const DOWN = { code: 'LINK_BROKEN', family: 'link', message: 'refused', retryable: true } as const;

/** A channel with nothing in its log, and what its pool is told. */
export class Channel {
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
  /** Jobs that were compared, with their batches and the time. */
  readonly compared: { batch: number; user: string; at: number }[] = [];
  readonly store = new MemoryStore();
  /** Settles when the replica has answered about a user who is compared. */
  comparing: (user: string) => Promise<void> = async () => {};
  /** Orders to the pool at the end. */
  readonly orders: string[] = [];
  /** Called when the connections are cut. */
  onCut: () => void = () => {};
  /** Undefined: not yet. */
  ended: RollingEnd | undefined;
  /** The replica does not answer. */
  isDown = false;
  /** The replica closes a connection that nothing is under way on. */
  closeIdle: () => void = () => {};
  /** Times at which connections were made anew. */
  readonly renewals: number[] = [];
  busy = 0;
  steering: Steering | undefined;
  tell: (() => void) | undefined;
  emitOfPool: (event: SyncEvent) => void = () => {};
  readonly #signal = new AbortController();
  #end: Promise<unknown> = Promise.resolve();

  async start(
    changes: Partial<RollingRequest> = {},
    options: Partial<RollingRequest['options']> = {},
  ): Promise<void> {
    const pool: Partial<UnitPool & JobPool> = {
      use: (allowance) => void this.allowances.push({ ...allowance }),
      cut: () => {
        this.orders.push('cut');
        this.onCut();
      },
      renew: () => void this.renewals.push(this.clock.now()),
      close: async () => void this.orders.push('close'),
      run: async ({ id, jobs }) => {
        for (const job of jobs) {
          if (job.kind !== 'user') continue;
          this.compared.push({ batch: id, user: job.userid, at: this.clock.now() });
          await this.comparing(job.userid);
        }
        return jobs.map((job) => ({ kind: 'absent', job }));
      },
      runUnit: async ({ id, unit }) => {
        this.tasks.push(id);
        if (unit.actions.length > 0) await this.#finished;
        this.done.push(id);
        if (this.isDown) return { results: [], linkError: DOWN };
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
          ...options,
        },
        ...changes,
      },
      {
        emit: (event) => this.events.push(event),
        openPool: (_connections, emit, { onIdleClosed }) => {
          this.emitOfPool = emit;
          this.closeIdle = onIdleClosed ?? (() => {});
          return pool as UnitPool & JobPool;
        },
        openStore: () => this.store,
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
    ).then((end) => {
      this.ended = end;
    });
    await this.clock.advance(10);
  }

  told(): unknown[] {
    return this.events.flatMap((event) =>
      event.kind === 'run:connections' ? [[event.most, event.why]] : [],
    );
  }

  stop(): void {
    this.#signal.abort();
  }

  async end(): Promise<void> {
    this.stop();
    await this.clock.advance(1_000);
    await this.#end;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
