import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { SyncEvent } from '../../src/report/events.ts';
import { progressSink } from '../../src/report/progress.ts';
import { followProgress, progressText, startOfProgress } from '../../src/report/progress-state.ts';
import { Streams } from '../../src/report/streams.ts';

const events: SyncEvent[] = [
  { kind: 'run:discovered', users: 5, messages: 100, complete: false },
  { kind: 'user:progress', user: 'a', messages: 1_000, bytes: 2_500_000 },
  { kind: 'user:done', user: 'a' },
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
    '4/9 users | 1000 messages, 2.5 MB | 100/s, 0.3 MB/s | ETA 1:02:05 | 1 failed | 1 locked',
  );
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
