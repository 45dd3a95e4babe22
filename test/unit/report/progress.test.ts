import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { progressSink } from '../../../src/report/progress.ts';
import {
  followProgress,
  fractionDone,
  progressText,
  startOfProgress,
} from '../../../src/report/progress-state.ts';
import { Streams } from '../../../src/report/streams.ts';
import { TimeLeft } from '../../../src/report/time-left.ts';

const events: SyncEvent[] = [
  { kind: 'run:discovered', users: 5, messages: 100, complete: false },
  { kind: 'user:progress', user: 'a', messages: 1_000, octets: 2_500_000 },
  { kind: 'user:synced', user: 'a', size: 60 },
  { kind: 'user:absent', user: 'b' },
];

test('while users are still being found there is a count but no promise of an end', () => {
  const state = startOfProgress();
  for (const event of events) followProgress(state, event);
  assert.equal(progressText(state, 10, 60), '2/5+ users | 1000 messages, 2.5 MB | 100/s, 0.3 MB/s');
});

test('failures, locks and the estimate are shown when there are any', () => {
  const state = startOfProgress();
  for (const event of events) followProgress(state, event);
  followProgress(state, { kind: 'run:discovered', users: 9, messages: 100, complete: true });
  followProgress(state, { kind: 'user:locked', user: 'c' });
  const error = { code: 'IO', family: 'local', message: 'x', retryable: false } as const;
  followProgress(state, { kind: 'user:failed', user: 'd', work: 'user', error });
  assert.equal(
    progressText(state, 10, 3_725),
    '4/9 users, 48% | 1000 messages, 2.5 MB | 100/s, 0.3 MB/s | ETA 1:02:05 | 1 failed | 1 locked',
  );
});

test('progress goes on while a large user is under way, and does not wait for users to end', () => {
  const state = startOfProgress();
  followProgress(state, { kind: 'run:discovered', users: 10, messages: 100_000, complete: true });
  const shares: number[] = [];
  for (let step = 0; step < 9; step++) {
    followProgress(state, { kind: 'user:progress', user: 'giant', messages: 10_000, octets: 1 });
    shares.push(fractionDone(state));
  }
  assert.ok(
    shares.every((share, index) => share > (shares[index - 1] ?? 0)),
    String(shares),
  );
  assert.ok(Math.abs((shares[4] ?? 0) - 0.5) < 0.02);
  // What he was expected to have counts once, not twice.
  followProgress(state, { kind: 'user:synced', user: 'giant', size: 99_000 });
  for (let other = 0; other < 9; other++) {
    assert.ok(fractionDone(state) < 1);
    followProgress(state, { kind: 'user:synced', user: `u${other}`, size: 0 });
  }
  followProgress(state, { kind: 'run:discovered', users: 10, messages: 99_000, complete: true });
  assert.equal(fractionDone(state), 1);
});

test('a run in which everybody fails is done at its end all the same', () => {
  const state = startOfProgress();
  followProgress(state, { kind: 'run:discovered', users: 4, messages: 1_000, complete: true });
  const error = { code: 'IO', family: 'local', message: 'x', retryable: false } as const;
  for (const user of ['a', 'b']) followProgress(state, { kind: 'user:failed', user, work: 'user', error });
  assert.equal(fractionDone(state), 0.5);
  for (const user of ['c', 'd']) followProgress(state, { kind: 'user:locked', user });
  assert.equal(fractionDone(state), 1);
});

test('the time left is right at every point of an even run, and soon after a slow beginning', () => {
  const even = new TimeLeft();
  for (let seconds = 1; seconds < 1_000; seconds++) {
    const left = even.estimate(seconds, seconds / 1_000) ?? Number.NaN;
    assert.ok(Math.abs(left - (1_000 - seconds)) < 1, `at ${seconds}: ${left}`);
  }
  // A hundred seconds at a tenth of the pace, then four hundred at full pace.
  const slow = new TimeLeft();
  const done = (seconds: number): number => Math.min(seconds, 100) / 4_100 + Math.max(0, seconds - 100) / 410;
  for (let seconds = 1; seconds <= 500; seconds++) {
    const left = slow.estimate(seconds, done(seconds)) ?? Number.NaN;
    if (seconds >= 200) assert.ok(Math.abs(left - (500 - seconds)) < 2, `at ${seconds}: ${left}`);
  }
  assert.equal(new TimeLeft().estimate(5, 0), undefined);
});

test('without a terminal the last state stands as a plain line', async () => {
  let text = '';
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const sink = await progressSink(new Streams({ stdout: stderr, stderr }), { stderr });
  for (const event of events) sink(event);
  sink[Symbol.dispose]();
  assert.match(text, /^2\/5\+ users \| 1000 messages, 2\.5 MB/m);
  assert.ok(!text.includes('\u001b'));
});

test('lines written meanwhile stay where they are on a terminal', async () => {
  let text = '';
  const stderr = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    { isTTY: true, columns: 80 },
  );
  const streams = new Streams({ stdout: stderr, stderr });
  const sink = await progressSink(streams, { stderr });
  for (const event of events) sink(event);
  streams.errorLine('Can not connect');
  sink[Symbol.dispose]();
  streams.errorLine('after');
  assert.ok(text.includes('\r\u001b[2KCan not connect\n'), 'the bar is wiped before another line');
  assert.ok(!text.includes('\u001b8'), 'the cursor is never put back over other lines');
  assert.match(text, /2\/5\+ users[^\n]*\n.*after\n$/s);
});
