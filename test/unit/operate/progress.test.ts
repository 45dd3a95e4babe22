import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import stringWidth from 'string-width';
import { progressDisplay } from '../../../src/operate/progress/progress-display.ts';
import { progressLine } from '../../../src/operate/progress/progress-line.ts';
import { progressScreen } from '../../../src/operate/progress/progress-screen.ts';
import { cut, openScreen } from '../../../src/operate/progress/screen.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { Streams } from '../../../src/report/sinks/streams.ts';
import { begun, ended, found, opened, progressed, settled, told } from './run-events.ts';

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

class Terminal extends Writable {
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;
  text = '';

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }

  /** The screen as it stands now: of all that moves a cursor only what it itself says is known. */
  get lines(): string[] {
    let lines: string[] = [''];
    for (const piece of this.text.split('\u001b')) {
      const [, order = '', text = ''] = /^((?:\[\d*[A-Z])?)([\s\S]*)$/.exec(piece) ?? [];
      if (order.endsWith('F')) lines = [...lines.slice(0, -1 - Number(order.slice(1, -1))), ''];
      const [first = '', ...rest] = text.split('\n');
      lines = [...lines.slice(0, -1), `${lines.at(-1)}${first}`, ...rest];
    }
    return lines;
  }
}

function shown(stderr: Terminal, options: { terminal?: string; linesOnly?: boolean } = {}) {
  const streams = new Streams({ stdout: stderr, stderr });
  const state = told(events);
  const { terminal, linesOnly = false } = options;
  const view = () => state.view(10_000);
  return {
    streams,
    state,
    display: progressDisplay(streams, { stderr, view, terminal, lineMs: undefined, linesOnly }),
  };
}

test('without a terminal, or one that cannot move its cursor, the last state stands as a plain line', () => {
  for (const [isTTY, terminal] of [
    [false, 'xterm'],
    [true, undefined],
    [true, 'dumb'],
  ] as const) {
    const stderr = new Terminal(isTTY);
    shown(stderr, terminal === undefined ? {} : { terminal }).display[Symbol.dispose]();
    assert.match(stderr.text, /^2\/5\+ users \| 1000 messages, 2\.5 MB \|.*\n$/);
    assert.ok(!stderr.text.includes('\u001b'));
  }
});

test('lines written meanwhile stay whole, and the last state stands below them', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const stderr = new Terminal(true);
  const { streams, display } = shown(stderr, { terminal: 'xterm' });
  context.mock.timers.tick(600);
  assert.match(stderr.lines.join('\n'), /^copying .*\n2 of 5\+ users done/);
  streams.errorLine('Can not connect');
  context.mock.timers.tick(600);
  streams.errorLine('again');
  context.mock.timers.tick(300);
  assert.match(stderr.lines.join('\n'), /^Can not connect\nagain\ncopying /);
  display[Symbol.dispose]();
  streams.errorLine('after');
  assert.match(stderr.lines.join('\n'), /^Can not connect\nagain\ncopying [\s\S]*after\n$/);
  assert.equal(stderr.lines.filter((line) => line.startsWith('copying ')).length, 1);
});

test('lines that a smaller terminal has broken are taken away as what they are now, before the resize is heard of', () => {
  let written = '';
  let columns = 80;
  const stream = {
    isTTY: true,
    columns,
    write: (text: string) => (written = text),
    on() {},
    off() {},
    _refreshSize() {
      this.columns = columns;
    },
  };
  using screen = openScreen(stream, 'xterm');
  screen.show(['x'.repeat(50)]);
  columns = 25;
  screen.show(['short']);
  assert.equal(written, '\u001b[2F\u001b[Jshort\n');
});

test('on each size of screen it fits, and what matters most is there', () => {
  const many = Array.from({ length: 64 }, (_, index) => `0.${index}`);
  const state = told([
    ...[found(500, 5_000), ...many.map(opened)],
    ...many.flatMap((connection, index) => [begun(`a-user-with-a-long-name-日本-${index}`, connection)]),
    ...Array.from({ length: 9 }, (_, index) => settled(`failed${index}`, 'failed')),
  ]);
  const view = state.view(500_000);
  for (const [columns, rows] of [
    [80, 24],
    [40, 24],
    [200, 60],
    [20, 4],
  ] as const) {
    const lines = progressScreen(view, { columns, rows }).map((line) => cut(line, columns - 1));
    assert.ok(lines.length < rows, `${columns}x${rows}: ${lines.length} lines`);
    assert.ok(
      lines.every((line) => stringWidth(line) < columns),
      lines.join('\n'),
    );
    assert.match(lines[0] ?? '', /^copying/);
    if (rows >= 24) {
      assert.ok(lines.some((line) => line.includes('failed8')));
      assert.ok(lines.some((line) => /and \d+ connections more/.test(line)));
    }
  }
});
