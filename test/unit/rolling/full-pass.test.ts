import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Job } from '../../../src/coordinator/pool/messages.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { passOverAll } from '../../../src/rolling/daemon/pass-over-all.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { Channel } from './channel.ts';

const HOUR_MS = 3_600_000;

function scene(users: readonly string[] | ((now: () => number) => Iterable<string>)) {
  const clock = new VirtualClock();
  const end = new AbortController();
  const compared: { user: string; at: number }[] = [];
  const events: SyncEvent[] = [];
  const link = { up: true };
  const passing = passOverAll(
    HOUR_MS,
    {
      *jobs(): Generator<Job | 'busy'> {
        for (const user of typeof users === 'function' ? users(() => clock.now()) : users)
          yield user === 'busy' ? user : { kind: 'user', userid: user };
      },
      run: async (job) => {
        if (job.kind === 'user') compared.push({ user: job.userid, at: clock.now() });
        return [{ kind: 'absent', job }];
      },
      mayGoOn: () => link.up,
      clock,
      emit: (event) => events.push(event),
    },
    end.signal,
  );
  return { clock, compared, events, link, passing, end };
}

test('a full pass compares each user once in its time, evenly, and begins again', async () => {
  const { clock, compared, events, passing, end } = scene(['anna', 'bert', 'carl', 'dora']);
  await clock.advance(2 * HOUR_MS + 60_000);
  const quarter = HOUR_MS / 4;
  assert.deepEqual(
    compared.map(({ user }) => user),
    ['anna', 'bert', 'carl', 'dora', 'anna', 'bert', 'carl', 'dora'],
  );
  for (const [index, { at }] of compared.slice(0, 4).entries()) assert.equal(at, (index + 1) * quarter);
  assert.deepEqual(
    events.map((event) => event.kind === 'rolling:full-pass' && event.elapsedMs),
    [HOUR_MS, HOUR_MS],
  );
  assert.equal(getEventListeners(end.signal, 'abort').length, 1, 'one for each pause would be kept');
  end.abort();
  await passing;
});

test('each comparison of a pass tells what it found, even if the repair failed: the next attempt is the next pass', async () => {
  const clock = new VirtualClock();
  const events: SyncEvent[] = [];
  const end = new AbortController();
  const counts = { mailboxes: 0, messages: 0, octets: 0 };
  const error = { code: 'LINK_BROKEN', family: 'link', message: 'gone', retryable: true } as const;
  const passing = passOverAll(
    HOUR_MS,
    {
      jobs: () => [{ kind: 'user', userid: 'anna' }],
      run: async (job) => {
        const found = { user: 'anna', verdict: 'different', mailboxes: 1, differences: 1 } as const;
        return [{ kind: 'failed', job, error, counts, evidence: [{ kind: 'verify:verdict', ...found }] }];
      },
      mayGoOn: () => true,
      clock,
      emit: (event) => events.push(event),
    },
    end.signal,
  );
  await clock.advance(HOUR_MS + 60_000);
  assert.deepEqual(
    events.map((event) => (event.kind === 'verify:verdict' ? event.verdict : event.kind)),
    ['different', 'rolling:full-pass'],
  );
  end.abort();
  await passing;
});

test('of each pass is told how many there were, how many differ still, and how long it took; a list that cannot be read ends one', async () => {
  const clock = new VirtualClock();
  const events: SyncEvent[] = [];
  const end = new AbortController();
  let passes = 0;
  const passing = passOverAll(
    HOUR_MS,
    {
      *jobs() {
        yield { kind: 'user', userid: 'anna' };
        // Each pass reads the list twice.
        passes += 0.5;
        if (passes > 1) throw new Error('the list is damaged');
        yield { kind: 'user', userid: 'bert' };
      },
      run: async (job) =>
        job.kind === 'user' && job.userid === 'anna'
          ? [{ kind: 'locked', job, user: 'anna' }]
          : [{ kind: 'absent', job }],
      mayGoOn: () => true,
      clock,
      emit: (event) => events.push(event),
    },
    end.signal,
  );
  await clock.advance(2 * HOUR_MS + 60_000);
  end.abort();
  await passing;
  const [first, second] = events;
  assert.deepEqual(first, {
    kind: 'rolling:full-pass',
    jobs: 2,
    untold: 1,
    elapsedMs: HOUR_MS,
    error: undefined,
  });
  assert.ok(second?.kind === 'rolling:full-pass' && second.error);
  assert.deepEqual([second.jobs, second.elapsedMs], [0, 0]);
});

test('nobody is compared while the replica cannot be reached', async () => {
  const { clock, compared, link, passing, end } = scene(['anna', 'bert']);
  link.up = false;
  await clock.advance(HOUR_MS);
  assert.deepEqual(compared, []);
  link.up = true;
  await clock.advance(60_000);
  assert.deepEqual(
    compared.map(({ user }) => user),
    ['anna', 'bert'],
  );
  end.abort();
  await passing;
});

test('one user alone is compared once in the time, and where nobody is the time passes all the same', async () => {
  const alone = scene(['anna']);
  await alone.clock.advance(2 * HOUR_MS + 60_000);
  assert.deepEqual(
    alone.compared.map(({ at }) => at),
    [HOUR_MS, 2 * HOUR_MS + 20],
  );
  alone.end.abort();
  await alone.passing;
  const nobody = scene([]);
  await nobody.clock.advance(2 * HOUR_MS + 60_000);
  assert.deepEqual(nobody.compared, []);
  assert.deepEqual(
    nobody.events.map((event) => event.kind === 'rolling:full-pass' && [event.jobs, event.error]),
    [0, 1, 2].map(() => [0, undefined]),
  );
  nobody.end.abort();
  await nobody.passing;
});

test('a list that cannot be read on at a moment is read on later, and what is not there is no user', async () => {
  const asked: number[] = [];
  const list = function* (now: () => number): Generator<string> {
    for (const user of ['busy', 'busy', 'anna', 'bert']) {
      asked.push(now());
      yield user;
    }
  };
  const { clock, compared, events, passing, end } = scene(list);
  await clock.advance(HOUR_MS + 10_000);
  assert.deepEqual(
    compared.map(({ user }) => user),
    ['anna', 'bert'],
  );
  const counting = asked.slice(0, 4);
  const going = asked.slice(4, 7);
  assert.deepEqual(
    [counting, going],
    [
      [0, 5_000, 10_000, 10_000],
      [10_000, 15_000, 20_000],
    ],
  );
  assert.deepEqual(
    events.map((event) => event.kind === 'rolling:full-pass' && event.jobs),
    [2],
  );
  end.abort();
  await passing;
});

test('nobody is compared any more once the end is asked for, whatever was waited for', async () => {
  for (const up of [true, false]) {
    const { clock, compared, events, link, passing, end } = scene(['anna', 'bert']);
    link.up = up;
    await clock.advance(HOUR_MS / 2 - 1);
    if (!up) await clock.advance(60_000);
    end.abort();
    await passing;
    link.up = true;
    await clock.advance(2 * HOUR_MS);
    assert.deepEqual([compared, events], [[], []]);
  }
});

test('a list that somebody has locked does not hold up the end, whether it is counted or gone through', async () => {
  for (const lockedFrom of [0, 1]) {
    let asked = 0;
    const list = function* (): Generator<string> {
      if (asked++ < lockedFrom) return;
      for (let looks = 0; looks < 100; looks++) yield 'busy';
      throw new Error('it is asked for again and again');
    };
    const { clock, events, passing, end } = scene(list);
    await clock.advance(60_000);
    end.abort();
    await passing;
    assert.deepEqual(events, []);
  }
});

test('a channel compares everybody in the time given, with the connections that it has, and not while it is paused or down', async () => {
  using channel = new Channel();
  for (const user of ['anna', 'bert', 'carl', 'dora']) channel.store.addUser(user);
  await channel.start({ fullPassMs: HOUR_MS }, { repeatIntervalMs: 60_000, reconnectMaxWaitSeconds: 20 });
  const { clock, compared, steering } = channel;
  await clock.advance(HOUR_MS / 2 + 60_000);
  assert.deepEqual(
    compared.map(({ user }) => user),
    ['anna', 'bert'],
  );
  steering?.pause({ by: 'operator', reason: 'maintenance' });
  await clock.advance(HOUR_MS);
  assert.equal(compared.length, 2);
  channel.isDown = true;
  channel.closeIdle();
  steering?.resume('operator');
  await clock.advance(HOUR_MS);
  assert.equal(compared.length, 2);
  channel.isDown = false;
  await clock.advance(60_000);
  assert.deepEqual(
    compared.map(({ user }) => user),
    ['anna', 'bert', 'carl', 'dora'],
  );
  const batches = compared.map(({ batch }) => batch);
  assert.equal(new Set(batches).size, batches.length);
  assert.ok(!batches.some((batch) => channel.tasks.includes(batch)), 'taken for a unit of the same number');
  await channel.end();
});

test('a channel whose interval is 0 compares nobody', async () => {
  using channel = new Channel();
  channel.store.addUser('anna');
  await channel.start({ fullPassMs: 0 }, { repeatIntervalMs: 60_000 });
  await channel.clock.advance(2 * HOUR_MS);
  assert.deepEqual(channel.compared, []);
  await channel.end();
});
