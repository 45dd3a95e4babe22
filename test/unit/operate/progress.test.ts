import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import { progressDisplay } from '../../../src/operate/progress/progress-display.ts';
import { progressLine } from '../../../src/operate/progress/progress-line.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { Streams } from '../../../src/report/streams.ts';
import { begun, ended, found, opened, progressed, settled, stateOf, told } from './run-events.ts';

const events: readonly SyncEvent[] = [
  ...[found(5, 100, false), opened(), begun('a'), progressed('a', 1_000, 2_500_000)],
  ...[ended('a', 'synced', 60), begun('b'), ended('b', 'absent')],
];

test('while users are still being found there is a count but no promise of an end', () => {
  const view = told(events).view(10_000);
  assert.equal(progressLine(view), '2/5+ users | 1000 messages, 2.5 MB | 100/s, 0.3 MB/s');
});

test('failures, locks and the estimate are shown when there are any', () => {
  const state = told([...events, found(9, 100)]);
  state.hear(settled('c', 'locked'), 9_500);
  state.hear(settled('d', 'failed'), 10_000);
  assert.match(
    progressLine(state.view(10_000)),
    /^4\/9 users, 48% \| 1000 messages, 2\.5 MB \| 100\/s, 0\.3 MB\/s \| ETA 00:\d\d \| 1 failed \| 1 locked$/,
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
  const state = stateOf();
  const sink = await progressDisplay(new Streams({ stdout: stderr, stderr }), { stderr }, () =>
    state.view(9_000),
  );
  for (const event of events) {
    state.hear(event, 9_000);
    sink(event);
  }
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
  const state = stateOf();
  const sink = await progressDisplay(streams, { stderr }, () => state.view(9_000));
  for (const event of events) {
    state.hear(event, 9_000);
    sink(event);
  }
  streams.errorLine('Can not connect');
  sink[Symbol.dispose]();
  streams.errorLine('after');
  assert.ok(text.includes('\r\u001b[2KCan not connect\n'), 'the bar is wiped before another line');
  assert.ok(!text.includes('\u001b8'), 'the cursor is never put back over other lines');
  assert.match(text, /2\/5\+ users[^\n]*\n.*after\n$/s);
});
