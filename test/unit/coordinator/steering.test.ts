import assert from 'node:assert/strict';
import test from 'node:test';
import { BATCHES_PER_CONNECTION, GIANT_MESSAGES } from '../../../src/coordinator/limits.ts';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import { type RunResult, run } from '../../../src/coordinator/run/run.ts';
import type { Steering } from '../../../src/coordinator/steering.ts';
import { TokenBucket } from '../../../src/protocol/wire/token-bucket.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import {
  errorData,
  FakePool,
  type FakeWork,
  fakeStore,
  opened,
  request,
  setup,
} from '../../lab/pool-fakes.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

/** A run on a clock of its own, which the test steers at times of its choice. */
class SteeredScene {
  readonly clock = new VirtualClock();
  readonly events: SyncEvent[] = [];
  readonly pace = TokenBucket.memory();
  readonly begun: string[] = [];
  pool: FakePool | undefined;
  steering: Steering | undefined;
  disposed = false;
  /** Virtual milliseconds that each batch takes. */
  workMs = 100;
  result: (userid: string, attempt: number) => 'synced' | 'failed' = () => 'synced';
  retryable = true;

  run(users: ReadonlyMap<string, number>, fields: Parameters<typeof request>[0] = {}): Promise<RunResult> {
    const attempts = new Map<string, number>();
    const work: FakeWork = async ({ jobs }, emit) => {
      emit(opened);
      await this.clock.sleep(this.workMs);
      return jobs.map((job): Outcome => {
        const userid = job.kind === 'mailboxes' ? '' : job.userid;
        this.begun.push(userid);
        const attempt = (attempts.get(userid) ?? 0) + 1;
        attempts.set(userid, attempt);
        const counts = { mailboxes: 1, messages: 1, octets: 1 };
        if (this.result(userid, attempt) === 'synced') return { kind: 'synced', job, counts };
        return {
          kind: 'failed',
          job,
          error: errorData('LOCK_TIMEOUT', 'local', { retryable: this.retryable }),
          counts,
        };
      });
    };
    const connection = { ...setup.connection, pace: this.pace };
    return this.clock.drive(
      run(request({ setup: { ...setup, connection }, ...fields }), {
        emit: (event) => this.events.push(event),
        openStore: () => fakeStore(users),
        openPool: (_connections, emit) => {
          this.pool = new FakePool(work, emit);
          return this.pool;
        },
        clock: this.clock,
        load: () => ({ thisThread: 0.5, idleProcessors: 1 }),
        random: () => 0.5,
        signal: new AbortController().signal,
        steer: (steering) => {
          this.steering = steering;
          return {
            [Symbol.dispose]: () => {
              this.disposed = true;
            },
          };
        },
      }),
    );
  }

  at(milliseconds: number, act: (steering: Steering) => void): void {
    this.clock.after(milliseconds, () => act(this.steering ?? assert.fail('not steered')));
  }

  get steered(): unknown[] {
    return this.events.flatMap((event) => {
      if (event.kind !== 'run:steered') return [];
      const { kind: _kind, ...change } = event;
      return [change];
    });
  }
}

const giants = (count: number): Map<string, number> =>
  new Map(Array.from({ length: count }, (_, index) => [`u${index}`, GIANT_MESSAGES + count - index]));

test('while it is paused nothing is begun and no octet may go out; each takes back only what it asked for', async () => {
  const scene = new SteeredScene();
  const bucket = new TokenBucket(scene.pace);
  const begunAt: number[] = [];
  scene.at(250, (steering) => {
    steering.pause({ by: 'control', reason: 'by hand' });
    steering.pause({ by: 'load', reason: 'load 9.0' });
    assert.equal(bucket.paused, true);
  });
  scene.at(5_000, (steering) => {
    begunAt.push(scene.begun.length);
    steering.resume('control');
    assert.equal(bucket.paused, true);
  });
  scene.at(9_000, (steering) => {
    begunAt.push(scene.begun.length);
    steering.resume('load');
    assert.equal(bucket.paused, false);
  });
  const { summary } = await scene.run(giants(12), { connections: 1 });
  assert.equal(summary.synced, 12);
  assert.equal(begunAt[0], begunAt[1]);
  assert.ok((begunAt[0] ?? 12) < 12);
  assert.deepEqual(scene.steered, [
    { what: 'pauses', reasons: ['by hand'] },
    { what: 'pauses', reasons: ['by hand', 'load 9.0'] },
    { what: 'pauses', reasons: ['load 9.0'] },
    { what: 'pauses', reasons: [] },
  ]);
});

test('more connections are used at once, and fewer as soon as what runs has ended', async () => {
  const scene = new SteeredScene();
  const running: number[] = [];
  scene.at(350, (steering) => {
    running.push(scene.pool?.running ?? 0);
    assert.equal(steering.setConnections(6).limit, 6);
  });
  scene.at(460, (steering) => {
    running.push(scene.pool?.running ?? 0);
    steering.setConnections(1);
  });
  scene.at(750, () => running.push(scene.pool?.running ?? 0));
  const { summary } = await scene.run(giants(200), { connections: 2 });
  assert.equal(summary.synced, 200);
  assert.deepEqual(
    running,
    [2, 6, 1].map((count) => count * BATCHES_PER_CONNECTION),
  );
  const told = scene.events.flatMap((event) =>
    event.kind === 'run:connections' ? [[event.most, event.why]] : [],
  );
  assert.deepEqual(told.slice(-2), [
    [6, 'asked'],
    [1, 'asked'],
  ]);
});

test('a user asked for now is the next to begin, wherever it waited', async () => {
  for (const order of ['found', 'size'] as const) {
    const scene = new SteeredScene();
    const users = order === 'size' ? giants(40) : new Map([...giants(400).keys()].map((user) => [user, 1]));
    const last = [...users.keys()].at(-1) ?? '';
    let before = 0;
    scene.at(150, (steering) => {
      before = scene.begun.length;
      assert.deepEqual(steering.waiting(1_000).at(-1), last);
      assert.equal(steering.now(last), 'done');
      assert.equal(steering.now('nobody'), 'unknown');
    });
    await scene.run(users, { connections: 1, order });
    const behind = scene.begun.slice(before).indexOf(last);
    // Behind the batches that had begun already.
    assert.ok(behind <= (order === 'size' ? 4 : 200), `${order}: ${behind}`);
    assert.equal(new Set(scene.begun).size, users.size);
  }
});

test('a skipped user is not begun, is told of at the end, and comes when it is no longer skipped', async () => {
  const scene = new SteeredScene();
  scene.at(50, (steering) => {
    assert.equal(steering.skip('u30'), 'done');
    assert.equal(steering.skip('u31'), 'done');
    assert.equal(steering.skip('u30'), 'as-it-was');
    assert.deepEqual(steering.skipped, ['u30', 'u31']);
  });
  scene.at(250, (steering) => assert.equal(steering.unskip('u31'), 'done'));
  const { summary, exitCode } = await scene.run(giants(32), { connections: 1 });
  assert.equal(summary.synced, 31);
  assert.deepEqual(summary.unreached, [{ user: 'u30' }]);
  assert.equal(summary.stoppedBy, 'skip');
  assert.equal(exitCode, 75);
  assert.ok(!scene.begun.includes('u30'));
});

test('one that waits for its next attempt has it at once', async () => {
  const scene = new SteeredScene();
  scene.result = (userid, attempt) => (userid === 'u0' && attempt === 1 ? 'failed' : 'synced');
  let steered = '';
  scene.at(250, (steering) => {
    steered = steering.retry('u0');
  });
  const { summary } = await scene.run(giants(30), { connections: 1 });
  assert.equal(steered, 'done');
  assert.equal(summary.synced, 30);
  assert.ok(scene.begun.lastIndexOf('u0') < 14, String(scene.begun.lastIndexOf('u0')));
});

/** The last words of a user, as they were told. */
function lastWords(scene: SteeredScene, user: string): unknown[] {
  return scene.events.flatMap((event) => {
    if (event.kind !== 'user:settled' || event.user !== user) return [];
    return [[event.status, event.again, event.effort.attempts]];
  });
}

test('one that has failed for good and is asked for again is next, and its last word is the new one', async () => {
  const scene = new SteeredScene();
  scene.result = (userid, attempt) => (userid === 'u0' && attempt < 3 ? 'failed' : 'synced');
  scene.retryable = false;
  const steered: string[] = [];
  const ask = (user: string) => (steering: Steering) => steered.push(steering.retry(user));
  scene.at(250, ask('u0'));
  scene.at(250, ask('nobody'));
  scene.at(250, ask('u1'));
  scene.at(320, ask('u0'));
  scene.at(650, ask('u0'));
  const { summary, exitCode } = await scene.run(giants(60), { connections: 1 });
  assert.deepEqual(steered, ['done', 'unknown', 'unknown', 'running', 'done']);
  assert.deepEqual([summary.synced, summary.failed, summary.failures, exitCode], [60, 0, [], 0]);
  assert.deepEqual(lastWords(scene, 'u0'), [
    ['failed', false, 1],
    ['failed', true, 2],
    ['replicated', true, 3],
  ]);
  assert.deepEqual(scene.steered, [
    { what: 'retry', user: 'u0', failedKey: 'user:u0' },
    { what: 'retry', user: 'u0', failedKey: 'user:u0' },
  ]);
});

test('one that fails again is one failure, and one whose new turn never comes has failed', async () => {
  const scene = new SteeredScene();
  scene.result = (userid) => (userid === 'u0' ? 'failed' : 'synced');
  scene.retryable = false;
  let late: string | undefined;
  scene.at(250, (steering) => steering.retry('u0'));
  scene.at(650, (steering) => {
    steering.pause({ by: 'control', reason: 'by hand' });
    steering.retry('u0');
    steering.stop();
    late = steering.retry('u0');
  });
  const { summary } = await scene.run(giants(60), { connections: 1 });
  assert.equal(late, 'unknown');
  assert.deepEqual([summary.failed, summary.failures.length], [1, 1]);
  assert.ok(summary.unreached.length > 0 && summary.unreached.every(({ user }) => user !== 'u0'));
  assert.deepEqual(lastWords(scene, 'u0'), [
    ['failed', false, 1],
    ['failed', true, 2],
    ['failed', true, 2],
  ]);
});

test('of one that has failed for good it is said that another run is the next attempt, once this one begins nothing', async () => {
  const scene = new SteeredScene();
  scene.result = (userid) => (userid === 'u0' ? 'failed' : 'synced');
  scene.retryable = false;
  let steered = '';
  scene.at(250, (steering) => {
    steering.stop();
    steered = steering.retry('u0');
  });
  const { summary } = await scene.run(giants(60), { connections: 1 });
  assert.equal(steered, 'failed');
  assert.equal(summary.failed, 1);
});

test('to stop is what the first signal does, and nothing steers a run that has ended', async () => {
  const scene = new SteeredScene();
  scene.at(150, (steering) => steering.stop());
  const { exitCode, summary } = await scene.run(giants(30), { connections: 1 });
  assert.equal(exitCode, 75);
  assert.equal(summary.stoppedBy, 'signal');
  assert.ok(summary.synced > 0 && summary.unreached.length > 0);
  assert.ok(scene.disposed);
});

test('the limit of octets is the one that all connections have', async () => {
  const scene = new SteeredScene();
  scene.at(50, (steering) => {
    steering.setBwlimit(10_000_000);
    assert.equal(new TokenBucket(scene.pace).rate, 10_000_000);
    assert.equal(steering.bwlimit, 10_000_000);
    steering.setBwlimit(undefined);
    assert.equal(new TokenBucket(scene.pace).rate, undefined);
  });
  await scene.run(giants(4), { connections: 1 });
  assert.deepEqual(scene.steered, [
    { what: 'bwlimit', octetsPerSecond: 10_000_000 },
    { what: 'bwlimit', octetsPerSecond: undefined },
  ]);
});
