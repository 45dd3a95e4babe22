import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  BATCHES_PER_CONNECTION,
  DRAIN_GRACE_MS,
  GIANT_MESSAGES,
  LOCKED_LIST_PAUSE_MS,
  LONG_JOB_MS,
  TWO_CONNECTIONS_MESSAGES,
} from '../../../src/coordinator/limits.ts';
import type { Batch, Job, Outcome } from '../../../src/coordinator/pool/messages.ts';
import type { WantedConnections } from '../../../src/coordinator/run/growth.ts';
import { type RunResult, run } from '../../../src/coordinator/run/run.ts';
import type { RunRequest } from '../../../src/coordinator/run/run-request.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MasterStore } from '../../../src/store/master-store.ts';
import {
  connectFailed,
  errorData,
  FakePool,
  type FakeWork,
  fakeStore,
  linkBroken,
  noCounts,
  opened,
  request,
} from '../../lab/pool-fakes.ts';
import { quiet, VirtualClock } from '../../lab/virtual-clock.ts';

interface Told {
  result: RunResult;
  events: SyncEvent[];
  pool: FakePool | undefined;
  connections: number;
  clock: VirtualClock;
}

interface Scene {
  request?: Partial<RunRequest>;
  store?: MasterStore | (() => MasterStore);
  clock?: VirtualClock;
  signal?: AbortSignal;
  /** Share of its time that the main thread is at work. */
  thisThread?: number;
  onEvent?(event: SyncEvent): void;
}

async function runWith(work: FakeWork, scene: Scene = {}): Promise<Told> {
  const { store, clock = new VirtualClock(), signal = new AbortController().signal } = scene;
  const events: SyncEvent[] = [];
  let pool: FakePool | undefined;
  let connections = 0;
  const result = await clock.drive(
    run(request(scene.request), {
      emit: (event) => {
        events.push(event);
        scene.onEvent?.(event);
      },
      openStore: () => (typeof store === 'function' ? store() : (store ?? fakeStore(new Map()))),
      openPool: (count, emit) => {
        connections = count;
        pool = new FakePool(work, emit);
        return pool;
      },
      clock,
      load: () => ({ thisThread: scene.thisThread ?? 0.5, idleProcessors: 1 }),
      random: () => 0.5,
      signal,
    }),
  );
  return { result, events, pool, connections, clock };
}

const syncAll: FakeWork = async ({ jobs }, emit) => {
  emit(opened);
  return jobs.map((job) => ({ kind: 'synced', job, counts: { mailboxes: 1, messages: 2, octets: 3 } }));
};

function names(job: Job): string {
  return job.kind === 'mailboxes' ? job.names.join(' ') : job.userid;
}

function users(count: number, messages = 10): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, index) => [`u${index}`, messages]));
}

function kinds(events: readonly SyncEvent[], kind: SyncEvent['kind']): SyncEvent[] {
  return events.filter((event) => event.kind === kind);
}

test('the last word on each user is told once, with what all attempts together took', async () => {
  let attempts = 0;
  const { events } = await runWith(
    async ({ jobs }, emit) => {
      emit(opened);
      return jobs.map((job) => {
        if (names(job) !== 'u0') return { kind: 'absent', job };
        attempts += 1;
        const counts = { mailboxes: 1, messages: 2, octets: 30 };
        if (attempts === 1) return { kind: 'locked', job, user: 'u0', elapsedMs: 1 };
        if (attempts === 2) {
          const error = errorData('LOCK_TIMEOUT', 'local', { retryable: true });
          return { kind: 'failed', job, error, counts, elapsedMs: 10 };
        }
        return { kind: 'synced', job, counts, elapsedMs: 100 };
      });
    },
    { store: fakeStore(users(2)) },
  );
  const told = kinds(events, 'user:settled').flatMap((event) =>
    event.kind === 'user:settled' ? [[event.user, event.status, event.effort]] : [],
  );
  const effort = { attempts: 2, lockWaits: 1, mailboxes: 2, messages: 4, octets: 60, elapsedMs: 111 };
  const none = { attempts: 1, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 0 };
  assert.deepEqual(told, [
    ['u1', 'absent', none],
    ['u0', 'replicated', effort],
  ]);
});

test('all users and shared mailboxes are synced once, and the summary adds up', async () => {
  const { result, events, pool } = await runWith(syncAll, {
    store: fakeStore(users(500), ['shared.a', 'shared.b']),
  });
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.synced, 501);
  assert.equal(result.summary.messagesUploaded, 1_002);
  const done = pool?.batches.flatMap(({ jobs }) => jobs.map(names)) ?? [];
  assert.equal(new Set(done).size, done.length);
  assert.ok(done.includes('shared.a shared.b'), 'shared mailboxes go as one job');
  assert.equal(kinds(events, 'user:done').length, 501);
  assert.deepEqual(pool?.orders, ['close']);
});

test('there may be as many connections as jobs, and two for who has much or is not known, up to the limit', async () => {
  const connectionsOf = async (scene: Scene) => (await runWith(syncAll, scene)).connections;
  const one: Scene = { request: { mode: { kind: 'users', userids: ['a'] } } };
  assert.equal(await connectionsOf(one), 2);
  assert.equal(await connectionsOf({ store: fakeStore(users(3)) }), 3);
  assert.equal(await connectionsOf({ store: fakeStore(users(1, TWO_CONNECTIONS_MESSAGES - 1)) }), 1);
  assert.equal(await connectionsOf({ store: fakeStore(users(1, TWO_CONNECTIONS_MESSAGES)) }), 2);
  assert.equal(await connectionsOf({ store: fakeStore(users(500)) }), 4);
  assert.equal(await connectionsOf({ store: fakeStore(users(24)), request: { connections: 'auto' } }), 24);
  assert.equal(await connectionsOf({ store: fakeStore(users(500)), request: { connections: 'auto' } }), 64);
});

test('nothing to do is no error and needs no replica', async () => {
  const { result, pool } = await runWith(syncAll);
  assert.equal(result.exitCode, 0);
  assert.equal(pool, undefined);
});

test('a user named twice is synced once', async () => {
  const { result } = await runWith(syncAll, {
    request: { mode: { kind: 'users', userids: ['a', 'b', 'a'] } },
  });
  assert.equal(result.summary.synced, 2);
});

test('-m is one job that names every owner in order', async () => {
  const { pool } = await runWith(syncAll, {
    request: { mode: { kind: 'mailboxes', names: ['user.b', 'shared', 'user.a.x', 'user.gone'] } },
    store: fakeStore(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    ),
  });
  assert.deepEqual(pool?.batches[0]?.jobs, [
    {
      kind: 'mailboxes',
      owners: ['', 'a', 'b'],
      names: ['user.b', 'shared', 'user.a.x', 'user.gone'],
    },
  ]);
});

test('one batch tries the replica before the others, which come as the work lasts', async () => {
  const clock = new VirtualClock();
  let connected = false;
  let runningBefore = 0;
  const { pool } = await runWith(
    async (batch, emit, pool) => {
      if (!connected) {
        await clock.sleep(500);
        runningBefore = pool.mostRunning;
        connected = true;
        emit(opened);
      }
      await clock.sleep(300);
      return await syncAll(batch, emit, pool);
    },
    { clock, store: fakeStore(users(400)) },
  );
  assert.equal(runningBefore, 1);
  assert.equal(pool?.mostRunning, 4 * BATCHES_PER_CONNECTION);
  assert.deepEqual(pool?.allowance, { connections: 4, threads: false });
});

/** Twelve users with much to send of which each takes so long. @returns how many were under way at once at first, and at most */
async function withMuchToSend(servedMs: number): Promise<{ first: number; most: number }> {
  const clock = new VirtualClock();
  const lastsMs = 2_000;
  const atOnce: number[] = [];
  const { result, pool } = await runWith(
    async ({ jobs }, emit, own) => {
      emit(opened);
      const [kept, ...others] = jobs;
      if (!kept) return [];
      const began = clock.now();
      if (!kept.laden) {
        for (const job of others) {
          emit({ kind: 'job:postponed', key: `user:${names(job)}`, wayMs: 1, backlogMs: 1 });
        }
      }
      if (clock.now() < lastsMs) atOnce.push(own.running);
      await clock.sleep(began + lastsMs - clock.now());
      return [
        { kind: 'synced', job: kept, counts: noCounts, servedMs },
        ...others.map((job) => ({ kind: 'postponed', job }) as const),
      ];
    },
    { clock, store: fakeStore(users(12)), request: { connections: 'auto' } },
  );
  assert.equal(result.summary.synced, 12);
  assert.equal(pool?.allowance.connections, 2);
  return { first: Math.max(...atOnce), most: pool.mostRunning };
}

test('who came back for a connection of its own gets one, until it is known that a user costs little', async () => {
  assert.deepEqual(await withMuchToSend(LONG_JOB_MS - 1), { first: 2, most: 2 * BATCHES_PER_CONNECTION });
  assert.deepEqual(await withMuchToSend(LONG_JOB_MS), { first: 2, most: 2 });
});

test('who came back gets a connection alone, also where there are as many as can be had already', async () => {
  const atMost: [number, WantedConnections, number][] = [
    [60, 'auto', 4],
    [6, 6, 6],
  ];
  for (const [count, connections, most] of atMost) {
    const clock = new VirtualClock();
    const sharing: number[] = [];
    const { pool } = await runWith(
      async ({ jobs }, emit, own) => {
        emit(opened);
        const [kept, ...others] = jobs;
        if (!kept) return [];
        if (kept.laden) sharing.push(own.running - own.allowance.connections);
        await clock.sleep(250);
        for (const job of kept.laden ? [] : others) {
          emit({ kind: 'job:postponed', key: `user:${names(job)}`, wayMs: 100, backlogMs: undefined });
        }
        await clock.sleep(2_000);
        return [
          { kind: 'synced', job: kept, counts: noCounts, servedMs: LONG_JOB_MS },
          ...others.map((job) => ({ kind: 'postponed', job }) as const),
        ];
      },
      {
        clock,
        store: fakeStore(users(count)),
        request: { connections, mostConnections: most },
        thisThread: 0.1,
      },
    );
    assert.equal(pool?.mostRunning, most);
    assert.ok(Math.max(...sharing) <= 0, String(sharing));
  }
});

test('a replica that is down is tried again at 15, 20, 20 ... seconds, by one connection, and nothing is lost', async () => {
  const clock = new VirtualClock();
  const attempts: number[] = [];
  const { result, events } = await runWith(
    async (batch, emit, pool) => {
      if (attempts.length < 4) {
        attempts.push(clock.now());
        return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed }));
      }
      return await syncAll(batch, emit, pool);
    },
    { clock, store: fakeStore(users(100)) },
  );
  assert.deepEqual(attempts, [0, 15_000, 35_000, 55_000]);
  assert.deepEqual(
    kinds(events, 'connection:failed').map((event) => 'retryInSeconds' in event && event.retryInSeconds),
    [15, 20, 20, 20],
  );
  assert.equal(result.summary.synced, 100);
  assert.equal(result.exitCode, 0);
});

test('an outage in the middle of a run is announced once, not once per connection', async () => {
  const clock = new VirtualClock();
  let down = false;
  let tries = 0;
  const { result, events } = await runWith(
    async (batch, emit, pool) => {
      await clock.sleep(300);
      if (clock.now() >= 900 && tries < 10) down = true;
      if (down && tries < 10) {
        tries += 1;
        if (tries === 10) down = false;
        return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed }));
      }
      return await syncAll(batch, emit, pool);
    },
    { clock, store: fakeStore(users(1_000)) },
  );
  const waits = kinds(events, 'connection:failed').map((event) =>
    event.kind === 'connection:failed' ? event.retryInSeconds : undefined,
  );
  assert.deepEqual(waits, [15, 20, 20]);
  assert.equal(result.summary.synced, 1_000);
});

test('a replica that takes no more connections is used with those that it takes', async () => {
  const clock = new VirtualClock();
  let refused = 0;
  const { result, events, pool } = await runWith(
    async (batch, emit, pool) => {
      pool.othersAreUp = true;
      const wanted = pool.allowance.connections;
      await clock.sleep(300);
      if (wanted > 1 && refused < 3) {
        refused += 1;
        return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed }));
      }
      return await syncAll(batch, emit, pool);
    },
    { clock, store: fakeStore(users(400)) },
  );
  assert.equal(result.summary.synced, 400);
  assert.equal(refused, 3);
  assert.deepEqual(kinds(events, 'connection:failed'), []);
  assert.equal(pool?.allowance.connections, 1);
  assert.deepEqual(kinds(events, 'replica:full').at(-1), {
    kind: 'replica:full',
    server: 'replica',
    connections: 1,
  });
});

for (const code of ['AUTHENTICATION_FAILED', 'HOST_NOT_FOUND', 'NOT_A_SYNC_SERVER'] as const) {
  test(`${code} on the first connection ends the run at once`, async () => {
    const error = errorData(code, 'link', { phase: 'connect' });
    const { result, events, pool } = await runWith(
      async ({ jobs }) => jobs.map((job): Outcome => ({ kind: 'untouched', job, error })),
      { store: fakeStore(users(30)) },
    );
    assert.equal(result.exitCode, 1);
    assert.equal(result.error?.code, code);
    assert.equal(pool?.batches.length, 1);
    assert.equal(result.summary.unreached.length, 30);
    assert.equal(kinds(events, 'user:failed').length, 0, 'told once, not once per user');
  });
}

for (const code of ['REPLICA_BUSY', 'HOST_NOT_FOUND', 'TLS_FAILED'] as const) {
  test(`${code} that may pass is waited out, even on the first connection`, async () => {
    let tries = 0;
    const error = errorData(code, 'link', { phase: 'connect', retryable: true });
    const { result } = await runWith(
      async (batch, emit, pool) => {
        tries += 1;
        if (tries < 3) return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error }));
        return await syncAll(batch, emit, pool);
      },
      { store: fakeStore(users(30)) },
    );
    assert.equal(result.exitCode, 0);
    assert.equal(result.summary.synced, 30);
  });
}

test('a password that stops working in the middle of a run is waited out like an outage', async () => {
  let batches = 0;
  const error = errorData('AUTHENTICATION_FAILED', 'link', { phase: 'connect' });
  const { result } = await runWith(
    async (batch, emit, pool) => {
      batches += 1;
      if (batches === 2) return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error }));
      return await syncAll(batch, emit, pool);
    },
    { store: fakeStore(users(30)), request: { connections: 1 } },
  );
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.synced, 30);
});

test('-o tries once', async () => {
  const { result, events, pool } = await runWith(
    async ({ jobs }) => jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed })),
    { store: fakeStore(users(30)), request: { connectOnce: true } },
  );
  assert.equal(result.exitCode, 1);
  assert.equal(pool?.batches.length, 1);
  const [failed] = kinds(events, 'connection:failed');
  assert.ok(failed?.kind === 'connection:failed' && failed.retryInSeconds === undefined);
});

test('a user whose every attempt kills the link fails alone, and everybody else is synced', async () => {
  const { result, pool } = await runWith(
    async (batch, emit, pool) => {
      const poisoned = batch.jobs.some((job) => names(job) === 'u7');
      if (!poisoned) return await syncAll(batch, emit, pool);
      emit(opened);
      return batch.jobs.map((job): Outcome => ({ kind: 'failed', job, error: linkBroken, counts: noCounts }));
    },
    { store: fakeStore(users(200)) },
  );
  assert.equal(result.exitCode, 1);
  assert.equal(result.summary.synced, 199);
  assert.deepEqual(
    result.summary.failures.map((failure) => failure.user),
    ['u7'],
  );
  const withPoison = pool?.batches.filter(({ jobs }) => jobs.some((job) => names(job) === 'u7')) ?? [];
  assert.deepEqual(
    withPoison.slice(1).map(({ jobs }) => jobs.length),
    [1, 1],
  );
});

/** A connection that breaks on the first job, after which the others were not begun. */
const loseLink: FakeWork = async ({ jobs }, emit) => {
  emit(opened);
  const [first, ...rest] = jobs;
  return [
    ...(first ? [{ kind: 'failed', job: first, error: linkBroken, counts: noCounts } as const] : []),
    ...rest.map((job): Outcome => ({ kind: 'untouched', job, error: linkBroken })),
  ];
};

test('a replica that takes connections and loses every one ends the run soon, and not as one that is away', async () => {
  const { result, events, clock, pool } = await runWith(loseLink, {
    store: fakeStore(users(300)),
    request: { connections: 1 },
  });
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'replica:ill' ? [event.retryInSeconds] : [])),
    [5, 15, undefined],
  );
  assert.deepEqual(kinds(events, 'connection:failed'), []);
  assert.ok(clock.now() < 30_000, `${clock.now()} ms`);
  assert.equal(result.exitCode, 1);
  assert.equal(result.error?.code, 'REPLICA_ILL');
  assert.equal(result.summary.unreached.length, 300);
  // Nobody whose link was lost is what shows whether the replica serves others.
  const probes = pool?.batches.slice(-2).flatMap(({ jobs }) => jobs.map(names)) ?? [];
  const before = new Set(pool?.batches.slice(0, -2).map(({ jobs: [job] }) => job && names(job)));
  assert.equal(probes.length, 2);
  assert.ok(probes.every((name) => !before.has(name)));
});

test('a replica that is well again after an illness gets everything, and nobody has failed for it', async () => {
  let attempts = 0;
  const { result, events } = await runWith(
    async (batch, emit, pool) => {
      attempts += 1;
      return attempts > 7 ? await syncAll(batch, emit, pool) : await loseLink(batch, emit, pool);
    },
    { store: fakeStore(users(300)), request: { connections: 1 } },
  );
  assert.equal(kinds(events, 'replica:ill').length, 2);
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.synced, 300);
});

test('without descriptors all wait, fewer run at once from then on, and nobody fails for it', async () => {
  const error = errorData('TOO_MANY_FILES', 'local', { retryable: true });
  const { result, events, clock } = await runWith(
    async (batch, emit, pool) => {
      emit(opened);
      if (batch.jobs.length <= 4) return await syncAll(batch, emit, pool);
      return batch.jobs.map((job): Outcome => ({ kind: 'failed', job, error, counts: noCounts }));
    },
    { store: fakeStore(users(300)), request: { connections: 1, openFiles: 30 } },
  );
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.synced, 300);
  assert.deepEqual(
    events.flatMap((event) =>
      event.kind === 'host:out-of-files' ? [[event.limit, event.retryInSeconds]] : [],
    ),
    [
      [30, 1],
      [30, 2],
      [30, 4],
      [30, 8],
    ],
  );
  assert.deepEqual(kinds(events, 'run:retry'), []);
  assert.ok(clock.now() < 20_000);
});

test('a thread that dies fails its batch, whose jobs are tried again alone', async () => {
  let died = false;
  const { result } = await runWith(
    async (batch, emit, pool) => {
      if (!died) {
        died = true;
        throw new SyncError('BUG', 'a worker thread died: out of memory', { retryable: true });
      }
      return await syncAll(batch, emit, pool);
    },
    { store: fakeStore(users(50)) },
  );
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.synced, 50);
});

test('threads that die at every start end the run instead of dying for every user', async () => {
  const { result, pool } = await runWith(
    async () => {
      throw new SyncError('BUG', 'a worker thread died: cannot load', { retryable: true });
    },
    { store: fakeStore(users(10_000)) },
  );
  assert.equal(result.exitCode, 1);
  assert.ok((pool?.batches.length ?? 0) < 20);
  assert.equal(result.summary.unreached.length, 10_000);
});

test('a locked user holds nobody up and is synced when its lock is free', async () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  const { result, events } = await runWith(
    async ({ jobs }, emit) => {
      emit(opened);
      await clock.sleep(1);
      return jobs.map((job): Outcome => {
        if (names(job) === 'u0' && clock.now() < 4_000) return { kind: 'locked', job, user: 'u0' };
        order.push(names(job));
        return { kind: 'synced', job, counts: noCounts };
      });
    },
    { clock, store: fakeStore(users(100)), request: { connections: 1 } },
  );
  assert.equal(result.exitCode, 0);
  assert.equal(order.length, 100);
  assert.equal(order.at(-1), 'u0');
  assert.equal(kinds(events, 'run:parked').length, 1);
});

const lockAll: FakeWork = async ({ jobs }, emit) => {
  emit(opened);
  return jobs.map((job): Outcome => ({ kind: 'locked', job, user: names(job) }));
};

test('-N skips a locked user: no failure with -A, a failure when named', async () => {
  const all = await runWith(lockAll, { store: fakeStore(users(2)), request: { skipLocked: true } });
  assert.equal(all.result.exitCode, 0);
  assert.equal(all.result.summary.locked, 2);
  assert.equal(kinds(all.events, 'user:locked').length, 2);
  const named = await runWith(lockAll, {
    request: { skipLocked: true, mode: { kind: 'users', userids: ['a'] } },
  });
  assert.equal(named.result.exitCode, 1);
  const mailbox = await runWith(lockAll, {
    request: { skipLocked: true, mode: { kind: 'mailboxes', names: ['user.a'] } },
    store: fakeStore(users(1)),
  });
  assert.equal(mailbox.result.exitCode, 1);
});

test('an unknown user is no failure', async () => {
  const { result } = await runWith(
    async ({ jobs }, emit) => {
      emit(opened);
      return jobs.map((job): Outcome => ({ kind: 'absent', job }));
    },
    { request: { mode: { kind: 'users', userids: ['nobody'] } } },
  );
  assert.equal(result.exitCode, 0);
  assert.equal(result.summary.absent, 1);
});

test('a signal lets jobs in flight finish, starts nothing more and exits 75', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const { result, events, pool } = await runWith(
    async (batch, emit, pool) => {
      emit(opened);
      stop.abort();
      await clock.sleep(1_000);
      return await syncAll(batch, emit, pool);
    },
    { clock, store: fakeStore(users(100)), signal: stop.signal, request: { connections: 1 } },
  );
  assert.equal(result.exitCode, 75);
  assert.equal(pool?.batches.length, BATCHES_PER_CONNECTION);
  assert.deepEqual(pool?.orders, ['cancel', 'close']);
  assert.ok(result.summary.synced > 0);
  assert.equal(result.summary.failed, 0);
  assert.ok(events.some((event) => event.kind === 'run:stopping'));
  assert.equal(result.summary.synced + result.summary.unreached.length, 100);
  assert.equal(result.summary.allFound, true);
});

test('while somebody has locked the mailbox list the run goes on with other work, and all are found in the end', async () => {
  const whole = fakeStore(users(3));
  let tries = 0;
  const locked: MasterStore = {
    ...whole,
    *enumerate(prefix) {
      for (; tries < 20; tries += 1) yield { kind: 'busy' };
      yield* whole.enumerate(prefix);
    },
  };
  const clock = new VirtualClock();
  const { result } = await runWith(syncAll, { clock, store: locked });
  assert.equal(result.summary.synced, 3);
  assert.ok(clock.now() >= 20 * LOCKED_LIST_PAUSE_MS);
});

test('a run that waits for a locked mailbox list is ended by the first signal', async () => {
  const stop = new AbortController();
  const clock = new VirtualClock();
  const locked: MasterStore = {
    ...fakeStore(new Map()),
    *enumerate() {
      for (;;) {
        if (clock.now() > 5 * LOCKED_LIST_PAUSE_MS) stop.abort();
        yield { kind: 'busy' };
      }
    },
  };
  const { result } = await runWith(syncAll, { clock, store: locked, signal: stop.signal });
  assert.equal(result.exitCode, 75);
});

test('whoever a stop leaves unreached is found all the same, unless finding takes too long', async () => {
  const stopped = async (millisecondsPerUser: number): Promise<Told> => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const whole = fakeStore(users(1_000));
    const slow: MasterStore = {
      ...whole,
      *enumerate(prefix) {
        for (const found of whole.enumerate(prefix)) {
          clock.pass(millisecondsPerUser);
          yield found;
        }
      },
    };
    stop.abort();
    return await runWith(syncAll, { clock, store: slow, signal: stop.signal });
  };
  const soon = (await stopped(0.2)).result.summary;
  assert.equal(soon.unreached.length, 1_000);
  assert.equal(soon.allFound, true);
  const late = (await stopped(50)).result.summary;
  assert.ok(late.unreached.length < 1_000);
  assert.equal(late.allFound, false);
});

test('a master that says nothing when it is asked for its users is given up with the connections, and nothing is found later', async () => {
  const stop = new AbortController();
  const clock = new VirtualClock();
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const store = { ...fakeStore(users(1)), refresh: () => asked };
  clock.after(1_000, () => stop.abort());
  const { result, events, pool } = await runWith(syncAll, { clock, store, signal: stop.signal });
  assert.deepEqual([result.exitCode, result.error, pool], [75, undefined, undefined]);
  assert.equal(clock.now(), 1_000 + DRAIN_GRACE_MS);
  assert.equal(events.at(-1)?.kind, 'run:end');
  answer();
  await quiet();
  assert.equal(events.at(-1)?.kind, 'run:end');
});

test('a job that does not end in the grace period after a signal is cut off', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const { result, pool } = await runWith(
    async ({ jobs }, emit, pool) => {
      emit(opened);
      stop.abort();
      await new Promise<void>((resolve) => {
        pool.onCut = resolve;
      });
      const error = errorData('CANCELLED', 'local', { retryable: true });
      return jobs.map((job): Outcome => ({ kind: 'failed', job, error, counts: noCounts }));
    },
    { clock, store: fakeStore(users(1)), signal: stop.signal },
  );
  assert.deepEqual(pool?.orders, ['cancel', 'cut', 'close']);
  assert.equal(result.exitCode, 75);
  assert.equal(result.summary.failed, 0);
  assert.deepEqual(result.summary.unreached, [{ user: 'u0' }]);
});

test('a job that does not even notice that it was cut off was not reached', async () => {
  const stop = new AbortController();
  const { result } = await runWith(
    async (_batch, emit) => {
      emit(opened);
      stop.abort();
      return await new Promise<never>(() => undefined);
    },
    { store: fakeStore(users(1)), signal: stop.signal },
  );
  assert.equal(result.exitCode, 75);
  assert.deepEqual(result.summary.unreached, [{ user: 'u0' }]);
});

test('a signal ends the wait for a replica that is down', async () => {
  const stop = new AbortController();
  const { result } = await runWith(
    async ({ jobs }) => jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed })),
    {
      store: fakeStore(users(5)),
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'connection:failed') stop.abort();
      },
    },
  );
  assert.equal(result.exitCode, 75);
});

test('a store that cannot be opened is the result of the run, with its own exit code', async () => {
  const open = (): MasterStore => {
    throw new SyncError('DATABASE_DAMAGED', 'mailboxes.db: expected a header, found zeroes');
  };
  const { result } = await runWith(syncAll, { store: open });
  assert.equal(result.exitCode, 1);
  assert.equal(result.error?.code, 'DATABASE_DAMAGED');
});

test('users found before the list of mailboxes turned out damaged are synced, and the run fails', async () => {
  const store = fakeStore(users(20));
  const { result } = await runWith(syncAll, {
    store: {
      ...store,
      *enumerate() {
        yield* store.enumerate();
        throw new SyncError('DATABASE_DAMAGED', 'mailboxes.db: expected a record at 4096, found zeroes');
      },
    },
  });
  assert.equal(result.summary.synced, 20);
  assert.equal(result.exitCode, 1);
  assert.equal(result.error?.code, 'DATABASE_DAMAGED');
});

test('the giant of a big site does not keep small users waiting', async () => {
  const clock = new VirtualClock();
  const ended = new Map<string, number>();
  const sizes = users(200);
  for (const giant of ['g1', 'g2', 'g3', 'g4', 'g5']) sizes.set(giant, GIANT_MESSAGES);
  await runWith(
    async ({ jobs }: Batch, emit) => {
      emit(opened);
      await clock.sleep(jobs.some((job) => names(job).startsWith('g')) ? 1_000_000 : 10);
      for (const job of jobs) ended.set(names(job), clock.now());
      return jobs.map((job) => ({ kind: 'synced', job, counts: noCounts }));
    },
    { clock, store: fakeStore(sizes), request: { connections: 4 } },
  );
  const lastSmall = Math.max(...[...ended].filter(([name]) => name.startsWith('u')).map(([, at]) => at));
  assert.ok(lastSmall < 1_000_000, `small users were done at ${lastSmall}`);
});

test('whatever threads and links do, every user ends once and the run ends', async () => {
  const act = fc.constantFrom('sync', 'sync', 'sync', 'down', 'drop', 'die', 'lock', 'refuse', 'mute');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 300 }),
      fc.array(act, { maxLength: 60 }),
      async (connections, count, acts) => {
        const clock = new VirtualClock();
        const script = [...acts];
        const { result, pool } = await runWith(
          async (batch, emit, pool) => {
            await clock.sleep(1 + (batch.id % 3));
            const next = script.shift() ?? 'sync';
            if (next === 'down') {
              return batch.jobs.map((job): Outcome => ({ kind: 'untouched', job, error: connectFailed }));
            }
            if (next === 'die') throw new SyncError('BUG', 'a worker thread died', { retryable: true });
            if (next === 'mute') return [];
            emit(opened);
            return (await syncAll(batch, emit, pool)).map((outcome, index): Outcome => {
              const { job } = outcome;
              if (next === 'lock' && index === 0) return { kind: 'locked', job, user: names(job) };
              if (next === 'drop') return { kind: 'failed', job, error: linkBroken, counts: noCounts };
              if (next === 'refuse' && index === 0) {
                return {
                  kind: 'failed',
                  job,
                  error: errorData('IMAP_PERMISSION_DENIED', 'refused'),
                  counts: noCounts,
                };
              }
              return outcome;
            });
          },
          { clock, store: fakeStore(users(count)), request: { connections } },
        );
        const { synced, failed, locked, absent, failures } = result.summary;
        assert.equal(synced + failed + locked + absent, count);
        assert.equal(failures.length, failed);
        assert.equal(new Set(failures.map((failure) => failure.user)).size, failed);
        assert.ok((pool?.mostRunning ?? 0) <= connections * BATCHES_PER_CONNECTION);
        assert.equal(result.exitCode, failed > 0 ? 1 : 0);
      },
    ),
    { numRuns: 60 },
  );
});

/** One user at a time, in the order in which they were begun. */
function oneByOne(failing: readonly string[], begun: string[], clock?: VirtualClock): FakeWork {
  return async ({ jobs }, emit) => {
    emit(opened);
    return jobs.map((job) => {
      begun.push(names(job));
      clock?.pass(1_000);
      return failing.includes(names(job))
        ? { kind: 'failed', job, error: errorData('MAILBOX_DAMAGED', 'local'), counts: noCounts }
        : { kind: 'synced', job, counts: noCounts };
    });
  };
}

test('after so many failures nobody else is begun, and those not reached are told', async () => {
  const { result } = await runWith(oneByOne(['u0', 'u1', 'u2'], []), {
    request: { limits: { errors: 1, durationSeconds: undefined }, order: 'found', connections: 1 },
    store: fakeStore(users(200)),
  });
  assert.equal(result.summary.stoppedBy, 'max-errors');
  assert.equal(result.exitCode, 1);
  const { failed, synced, unreached } = result.summary;
  assert.ok(unreached.length > 0);
  assert.equal(failed + synced + unreached.length, 200);
});

test('a run whose time is up finishes who is under way, and ends as one that is to be run again', async () => {
  const clock = new VirtualClock();
  const begun: string[] = [];
  const slowly: FakeWork = async (...given) => {
    await clock.sleep(60_000);
    return await oneByOne([], begun)(...given);
  };
  const { result } = await runWith(slowly, {
    clock,
    request: { limits: { errors: undefined, durationSeconds: 90 }, connections: 1 },
    store: fakeStore(users(2_000)),
  });
  const { synced, unreached, stoppedBy } = result.summary;
  assert.deepEqual([stoppedBy, result.exitCode], ['max-duration', 75]);
  assert.ok(synced > 0 && unreached.length > 0);
  assert.equal(synced, begun.length, 'who was begun was finished');
});

test('a run that is done in time does not wait for its end', async () => {
  const { result, clock } = await runWith(syncAll, {
    request: { limits: { errors: 5, durationSeconds: 3_600 } },
    store: fakeStore(users(3)),
  });
  assert.deepEqual([result.exitCode, result.summary.stoppedBy], [0, undefined]);
  assert.ok(clock.now() < 3_600_000);
});

test('in the order in which they are found, large ones come when it is their turn', async () => {
  const begun: string[] = [];
  const sizes = new Map([
    ['b', 1],
    ['c', GIANT_MESSAGES * 2],
    ['a', 500],
    ['d', 2],
  ]);
  await runWith(oneByOne([], begun), {
    request: { order: 'found', connections: 1 },
    store: fakeStore(sizes),
  });
  assert.deepEqual(begun, ['b', 'c', 'a', 'd']);
});

test('those who are not chosen are not looked at, and a choice that leaves nobody is said', async () => {
  const choice = { include: ['u1*'], exclude: ['u11'], shard: undefined };
  const { pool } = await runWith(syncAll, {
    request: { choice },
    store: fakeStore(users(13), ['shared.a']),
  });
  assert.deepEqual(pool?.batches.flatMap(({ jobs }) => jobs.map(names)).sort(), ['u1', 'u10', 'u12']);
  const { events, result } = await runWith(syncAll, {
    request: { choice: { ...choice, exclude: ['*'] } },
    store: fakeStore(users(3)),
  });
  assert.equal(result.exitCode, 0);
  assert.deepEqual(kinds(events, 'run:unmatched'), [
    { kind: 'run:unmatched', mode: 'all', name: '', guess: { why: 'choice' } },
  ]);
});
