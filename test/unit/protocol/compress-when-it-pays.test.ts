import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { CompressionStart } from '../../../src/protocol/connection-settings.ts';
import { compressWhenItPays, type Rates } from '../../../src/protocol/link/compress-when-it-pays.ts';
import { Stopwatch } from '../../../src/protocol/wire/stopwatch.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

const LOOK_MS = 5_000;

/** A connection to another host, and what was made of it after each look. */
class Watched {
  readonly levels: number[] = [];
  readonly started: CompressionStart[] = [];
  /** The replica's answer to COMPRESS. */
  answer: () => Promise<boolean> = async () => true;
  readonly queue = {
    octetsAnswered: 0,
    compress: (level: number): Promise<boolean> => {
      this.levels.push(level);
      return this.answer();
    },
  };
  readonly transport = { closed: false, waiting: new Stopwatch() };
  readonly #timer = { unref: () => undefined };
  #look: (() => void) | undefined;
  #now = 0;

  constructor(t: TestContext, level?: number, rates: Rates = new Map()) {
    mockNowMs(t.mock, () => this.#now);
    t.mock.method(globalThis, 'setInterval', (look: () => void, milliseconds: number) => {
      assert.equal(milliseconds, LOOK_MS);
      this.#look = look;
      return this.#timer;
    });
    t.mock.method(globalThis, 'clearInterval', (timer: unknown) => {
      if (timer === this.#timer) this.#look = undefined;
    });
    compressWhenItPays(
      this.queue,
      this.transport,
      { local: false, level },
      (start) => this.started.push(start),
      rates,
    );
  }

  /** Until the next look: so many octets are answered, and so much of the time is waited. */
  async look(octets: number, waitedMs: number): Promise<void> {
    this.queue.octetsAnswered += octets;
    this.transport.waiting.begin();
    this.#now += waitedMs;
    this.transport.waiting.end();
    this.#now += LOOK_MS - waitedMs;
    await this.lookAlone();
  }

  async lookAlone(): Promise<void> {
    this.#look?.();
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  }
}

test('a connection that waits for a slow link compresses, once', async (t) => {
  const watched = new Watched(t);
  await watched.look(2_500_000, LOOK_MS);
  await watched.look(2_500_000, LOOK_MS);
  assert.deepEqual(watched.levels, [6]);
  assert.deepEqual(watched.started, [{ level: 6, rate: 500_000 }]);
});

test('the level is the operator’s where there is one', async (t) => {
  const watched = new Watched(t, 9);
  await watched.look(2_500_000, LOOK_MS);
  assert.deepEqual(watched.levels, [9]);
});

test('each look is at the time since the one before, or since the last that could tell', async (t) => {
  const watched = new Watched(t);
  // A link too fast to compress, which was waited for; then one that was not.
  await watched.look(500_000_000, LOOK_MS);
  await watched.look(2_500_000, 0);
  // All of the time is waited from here on, and too little is answered to tell.
  await watched.look(100_000, LOOK_MS);
  assert.deepEqual(watched.levels, []);
  await watched.look(100_000, LOOK_MS);
  assert.deepEqual(watched.started, [{ level: 6, rate: 20_000 }]);
});

test('a replica that refuses, a link that breaks meanwhile, and one that is closed leave things as they are', async (t) => {
  for (const answer of [async () => false, () => Promise.reject(new Error('broken'))]) {
    const watched = new Watched(t);
    watched.answer = answer;
    await watched.look(2_500_000, LOOK_MS);
    assert.deepEqual([watched.levels, watched.started], [[6], []]);
    t.mock.reset();
  }
  const closed = new Watched(t);
  closed.transport.closed = true;
  await closed.look(2_500_000, LOOK_MS);
  closed.transport.closed = false;
  await closed.look(2_500_000, LOOK_MS);
  assert.deepEqual(closed.levels, []);
});

test('what others have of the link counts until they are closed', async (t) => {
  const rates: Rates = new Map();
  const other = new Watched(t, undefined, rates);
  await other.look(100_000_000, 0);
  const { queue, transport } = other;
  t.mock.reset();
  const watched = new Watched(t, undefined, rates);
  await watched.look(2_500_000, LOOK_MS);
  assert.deepEqual(
    [...rates],
    [
      [queue, 20_000_000],
      [watched.queue, 500_000],
    ],
  );
  assert.deepEqual(watched.levels, [], 'all together are faster than what is worth it');
  transport.closed = true;
  await other.lookAlone();
  await watched.look(2_500_000, LOOK_MS);
  assert.deepEqual(watched.started, [{ level: 6, rate: 500_000 }]);
  await watched.look(5_000_000, LOOK_MS);
  assert.deepEqual([...rates], [[watched.queue, 500_000]], 'compressed it has no more of the link');
  assert.equal(watched.started.length, 1);
});
