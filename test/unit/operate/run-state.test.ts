import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { standingText } from '../../../src/operate/state/standing.ts';
import type { Backlog, SyncEvent } from '../../../src/report/events.ts';
import { begun, ended, error, found, opened, progressed, settled, stateOf, told } from './run-events.ts';

const standing = (events: readonly SyncEvent[], rolling = false): string => {
  const state = told(events, stateOf(rolling));
  return standingText(state.view((events.length + 1) * 1_000).standing);
};

test('users are counted in one state each, from the first line to the last word', () => {
  const state = told([opened(), found(6, 60), begun('anna'), begun('bert'), begun('carl', '0.2')]);
  const counts = () => state.view(9_000).users;
  assert.deepEqual([counts().waiting, counts().running, counts().left], [3, 3, 6]);
  state.hear(ended('anna', 'synced', 10), 9_000);
  assert.deepEqual([counts().done, counts().left], [1, 5], 'before the batch is over');
  state.hear(settled('anna', 'replicated'), 9_000);
  assert.deepEqual([counts().done, counts().left], [1, 5], 'and not twice afterwards');
  state.hear(ended('bert', 'locked'), 9_000);
  state.hear({ kind: 'run:parked', key: 'user:bert', user: 'bert' }, 9_000);
  state.hear(ended('carl', 'failed'), 9_000);
  state.hear({ kind: 'run:retry', key: 'user:carl', user: 'carl', delayMs: 5, error }, 9_000);
  assert.deepEqual(
    [counts().waiting, counts().running, counts().waitingForLock, counts().waitingToRetry],
    [3, 0, 1, 1],
  );
  for (const event of [begun('carl'), ended('carl', 'failed'), settled('carl', 'failed')])
    state.hear(event, 9_000);
  assert.deepEqual([counts().failed, counts().waitingToRetry, counts().left], [1, 0, 4]);
});

test('one that has failed and is asked for again waits, is at work, and is counted by the new end alone', () => {
  const state = told([
    opened(),
    found(2, 20),
    begun('anna'),
    ended('anna', 'failed'),
    settled('anna', 'failed'),
  ]);
  const counts = () => {
    const { failed, waitingToRetry, running, done, left } = state.view(9_000).users;
    return [failed, waitingToRetry, running, done, left];
  };
  assert.deepEqual(counts(), [1, 0, 0, 0, 1]);
  state.hear({ kind: 'run:steered', what: 'retry', user: 'anna', failedKey: 'user:anna' }, 9_000);
  assert.deepEqual(counts(), [0, 1, 0, 0, 2]);
  state.hear(begun('anna'), 9_000);
  assert.deepEqual(counts(), [0, 0, 1, 0, 2]);
  state.hear(ended('anna', 'synced', 10), 9_000);
  state.hear(settled('anna', 'replicated'), 9_000);
  assert.deepEqual(counts(), [0, 0, 0, 1, 1]);
  assert.deepEqual(state.users('failed', 9, 9_000), []);
});

test('who waits for a lock goes on waiting for it after the next attempt, of which nothing else is told', () => {
  const state = told([opened(), found(1, 10), begun('anna'), ended('anna', 'locked')]);
  state.hear({ kind: 'run:parked', key: 'user:anna', user: 'anna' }, 5_000);
  state.hear(begun('anna'), 6_000);
  state.hear(ended('anna', 'locked'), 6_500);
  const { waiting, waitingForLock } = state.view(7_000).users;
  assert.deepEqual([waiting, waitingForLock], [0, 1]);
  assert.equal(state.view(7_000).standing.word, 'waiting-for-lock');
});

test('whatever becomes of users in whatever order, each is in one state and no more', () => {
  const results = fc.constantFrom('synced', 'absent', 'locked', 'failed', 'postponed', 'dies');
  const scripts = fc.array(fc.array(results, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(scripts, (users) => {
      const state = stateOf();
      let now = 0;
      const tell = (event: SyncEvent): void => {
        state.hear(event, now++);
        const {
          found: all,
          left,
          waiting,
          running,
          waitingForLock,
          waitingToRetry,
          ...rest
        } = state.view(now).users;
        assert.equal(waiting + running + waitingForLock + waitingToRetry, left);
        const { done, absent, locked, failed, notReached } = rest;
        assert.equal(left + done + absent + locked + failed + notReached, all);
      };
      tell(found(users.length, users.length * 10));
      tell(opened());
      for (const [index, script] of users.entries()) {
        const user = `u${index}`;
        const key = `user:${user}`;
        for (const [turn, result] of script.entries()) {
          tell(begun(user));
          tell(progressed(user, 3, 30));
          if (result !== 'dies') tell(ended(user, result, 10));
          const last = turn === script.length - 1;
          if (result === 'synced' || result === 'absent') {
            tell(settled(user, result === 'synced' ? 'replicated' : 'absent'));
            break;
          }
          if (last) tell(settled(user, result === 'locked' ? 'locked' : 'failed'));
          else if (result === 'locked') tell({ kind: 'run:parked', key, user });
          else if (result !== 'postponed') tell({ kind: 'run:retry', key, user, delayMs: 1, error });
        }
      }
      const { users: counts, done } = state.view(now);
      assert.equal(counts.left, 0);
      assert.equal(done, 1);
    }),
  );
});

test('one word says how a run stands, and the reason where there is one', () => {
  assert.equal(standing([]), 'connecting');
  assert.equal(standing([opened(), found(3, 1), begun('anna')]), 'copying');
  const failed: SyncEvent = { kind: 'connection:failed', server: 'replica', error, retryInSeconds: 15 };
  assert.equal(standing([opened(), found(3, 1), failed]), 'waiting-for-replica: IO: disk full');
  assert.equal(standing([found(3, 1), failed, opened(), begun('anna')]), 'copying');
  const ill: SyncEvent = { kind: 'replica:ill', server: 'replica', error, retryInSeconds: 15 };
  assert.equal(standing([found(3, 1), ill, opened(), begun('anna')]), 'replica-ill: IO: disk full');
  assert.equal(
    standing([found(3, 1), ill, opened(), begun('a'), ended('a', 'synced'), begun('b')]),
    'copying',
  );
  const paused: SyncEvent = {
    kind: 'run:steered',
    what: 'pauses',
    reasons: ['pause file /run/quiet', 'by hand'],
  };
  assert.equal(standing([opened(), begun('a'), paused]), 'throttled: pause file /run/quiet; by hand');
  const resumed: SyncEvent = { kind: 'run:steered', what: 'pauses', reasons: [] };
  assert.equal(standing([opened(), begun('a'), paused, resumed]), 'copying');
  const parked: SyncEvent = { kind: 'run:parked', key: 'user:a', user: 'a' };
  assert.equal(
    standing([opened(), found(1, 1), begun('a'), ended('a', 'locked'), parked]),
    'waiting-for-lock: 1 users',
  );
  assert.equal(standing([opened(), { kind: 'run:stopping' }]), 'stopping');
  assert.equal(standing([opened()], true), 'idle');
});

test('a connection is idle, or says whom it is at work on and since when', () => {
  const state = told([opened('0.1'), opened('1.1'), found(9, 9), begun('anna', '1.1'), begun('bert', '1.1')]);
  const view = state.view(10_000);
  assert.deepEqual(
    view.connections.map(({ connection, standing: { word }, work }) => [
      connection,
      word,
      work.map(({ user, forMs }) => [user, forMs]),
    ]),
    [
      ['0.1', 'idle', []],
      [
        '1.1',
        'copying',
        [
          ['anna', 6_000],
          ['bert', 5_000],
        ],
      ],
    ],
  );
  state.hear({ kind: 'connection:lost', connection: '1.1', server: 'replica', error }, 11_000);
  assert.deepEqual(
    state.view(11_000).connections.map(({ connection }) => connection),
    ['0.1'],
  );
  assert.deepEqual(
    state.slow(1, 11_000).map(({ user }) => user),
    ['anna'],
  );
});

test('the share done grows while a large user is under way, and is whole at the end', () => {
  const state = told([opened(), found(10, 100_000), begun('giant')]);
  const shares: number[] = [];
  for (let step = 0; step < 9; step++) {
    state.hear(progressed('giant', 10_000, 10_000), 5_000 + step);
    shares.push(state.view(5_000 + step).done ?? 0);
  }
  assert.ok(
    shares.every((share, index) => share > (shares[index - 1] ?? 0)),
    String(shares),
  );
  assert.ok(Math.abs((shares[4] ?? 0) - 0.5) < 0.02);
  // What it was expected to have counts once, not twice.
  state.hear(ended('giant', 'synced', 100_000), 6_000);
  for (let other = 0; other < 9; other++) {
    assert.ok((state.view(6_000).done ?? 1) < 1);
    state.hear(begun(`u${other}`), 6_000);
    state.hear(ended(`u${other}`, 'synced', 0), 6_000);
  }
  assert.equal(state.view(6_000).done, 1);
});

test('a run in which everybody fails is done at its end all the same', () => {
  const state = told([opened(), found(4, 1_000), settled('a', 'failed'), settled('b', 'failed')]);
  assert.equal(state.view(9_000).done, 0.5);
  for (const user of ['c', 'd']) state.hear(settled(user, 'locked'), 9_000);
  assert.equal(state.view(9_000).done, 1);
  assert.deepEqual(
    state.view(9_000).failures.map(({ user, code, message }) => [user, code, message]),
    [
      ['b', 'IO', 'IO: disk full'],
      ['a', 'IO', 'IO: disk full'],
    ],
  );
});

test('the rate now forgets what was, and the average does not', () => {
  const state = stateOf();
  for (const event of [opened(), found(2, 2), begun('anna')]) state.hear(event, 0);
  for (let second = 1; second <= 20; second++) state.hear(progressed('anna', 1, 1_000), second * 1_000);
  const { rateNow, rateAverage } = state.view(20_000);
  assert.deepEqual([rateNow.octets, rateAverage.octets], [1_000, 1_000]);
  assert.equal(state.view(60_000).rateNow.octets, 0);
  assert.ok(Math.abs(state.view(40_000).rateAverage.octets - 500) < 1);
});

test('memory is for those at work and in trouble: done and waiting users are numbers', () => {
  const state = told([opened(), found(100_000, 100_000)]);
  for (let index = 0; index < 100_000; index++) {
    const user = `u${index}`;
    state.hear(begun(user), 9_000 + index);
    state.hear(ended(user, index % 2 === 0 ? 'synced' : 'failed', 1), 9_000 + index);
    state.hear(settled(user, index % 2 === 0 ? 'replicated' : 'failed'), 9_000 + index);
  }
  const { users, failures } = state.view(200_000);
  assert.deepEqual([users.done, users.failed, users.left], [50_000, 50_000, 0]);
  assert.equal(failures.length, 10);
  assert.equal(state.users('failed', 100_000, 200_000).length, 10_000);
});

test('of a channel it says how far behind it is, who is in quarantine, and how long changes take', () => {
  const channel = 'offsite';
  const quarantined: SyncEvent = {
    ...{ kind: 'rolling:quarantined', channel, user: 'anna', failures: 5, delayMs: 9, error },
  };
  const state = told(
    [
      opened(),
      { kind: 'rolling:pass', channel, file: '/log', lines: 7, bad: 1, units: 2 },
      quarantined,
      { kind: 'rolling:replicated', channel, users: ['bert'], lagMs: 700 },
    ],
    stateOf(true),
  );
  const rolling = state.view(9_000).rolling;
  assert.deepEqual([rolling?.linesTaken, rolling?.badLines], [7, 1]);
  assert.deepEqual(rolling?.quarantined, [{ user: 'anna', failures: 5, code: 'IO', message: 'disk full' }]);
  assert.deepEqual(
    rolling?.lag.buckets.find(({ count }) => count > 0),
    { atMostSeconds: 1, count: 1 },
  );
  assert.equal(state.view(9_000).users.waitingToRetry, 1);
  state.hear({ kind: 'rolling:released', channel, user: 'anna' }, 9_000);
  state.hear({ kind: 'rolling:replicated', channel, users: ['anna'], lagMs: 60_000 }, 9_000);
  assert.deepEqual(state.view(9_000).rolling?.quarantined, []);
  assert.equal(state.view(9_000).users.waitingToRetry, 0);
});

test('who is in quarantine is what the daemon last said, and what was told one by one since', () => {
  const state = stateOf(true);
  const channel = 'offsite';
  const failure = { channel, delayMs: 9, error };
  const inQuarantine = (): string[] =>
    state.view(0).rolling?.quarantined.map(({ user, failures }) => `${user} ${failures}`) ?? [];
  const report = (...quarantined: Backlog['quarantined']): SyncEvent => ({
    kind: 'rolling:backlog',
    backlog: {
      ...{ channel, lines: 0, oldestMs: undefined, inFlight: 0, waiting: 0, locked: 0, quarantined },
      ...{ lastSuccess: undefined, link: 'up' },
    },
  });
  state.hear({ kind: 'rolling:quarantined', user: 'anna', failures: 5, ...failure }, 0);
  state.hear({ kind: 'rolling:retry', user: 'anna', failures: 6, ...failure }, 0);
  state.hear({ kind: 'rolling:retry', user: 'bert', failures: 1, ...failure }, 0);
  assert.deepEqual(inQuarantine(), ['anna 6']);
  state.hear(report({ user: 'carl', failures: 7, retryMs: 1, error }), 0);
  assert.deepEqual(inQuarantine(), ['carl 7']);
  state.hear(report(), 0);
  assert.deepEqual(inQuarantine(), []);
});

test('a channel whose link is up waits for no replica, whichever connection it is that is up', () => {
  const state = stateOf(true);
  state.hear(opened(), 0);
  state.hear({ kind: 'connection:failed', server: 'replica', error, retryInSeconds: 15 }, 0);
  const word = (link: Backlog['link']): string => {
    const none = { lines: 0, oldestMs: undefined, inFlight: 0, waiting: 0, locked: 0, quarantined: [] };
    const backlog = { channel: undefined, ...none, lastSuccess: undefined, link };
    state.hear({ kind: 'rolling:backlog', backlog }, 0);
    return state.view(0).standing.word;
  };
  assert.equal(word('down'), 'waiting-for-replica');
  assert.equal(word('up'), 'idle');
});

test('of who is skipped in a channel it is told who asked for that', () => {
  const state = stateOf(true);
  const channel = 'offsite';
  state.hear({ kind: 'run:steered', what: 'skip', user: 'anna' }, 1_000);
  state.hear({ kind: 'rolling:parked', channel, user: 'anna', why: 'skipped' }, 2_000);
  state.hear({ kind: 'rolling:parked', channel, user: 'bert', why: 'locked' }, 2_000);
  state.hear({ kind: 'rolling:parked', channel, user: 'carl', why: 'skip-file' }, 2_000);
  const standings = (): string[] =>
    state
      .users('waiting-for-lock', 10, 3_000)
      .map(({ user, standing }) => `${user} ${standingText(standing)}`);
  assert.deepEqual(standings(), [
    'anna skipped: as asked',
    'bert waiting-for-lock',
    'carl skipped: by its skipuser file',
  ]);
  state.hear({ kind: 'rolling:parked', channel, user: 'carl', why: 'locked' }, 4_000);
  assert.equal(standings().at(-1), 'carl waiting-for-lock');
});
