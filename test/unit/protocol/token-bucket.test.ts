import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { TokenBucket } from '../../../src/protocol/wire/token-bucket.ts';
import { Transport } from '../../../src/protocol/wire/transport.ts';
import { socketPair } from './support/socket-pair.ts';

/** Connections that have always something to send, on a clock of their own. */
class Senders {
  readonly bucket: TokenBucket;
  now = 0n;
  sent = 0;
  readonly #due: bigint[];
  readonly #lateNs: () => bigint;

  constructor(count: number, lateNs: () => bigint = () => 0n) {
    this.bucket = new TokenBucket(TokenBucket.memory(), () => this.now);
    this.#due = new Array<bigint>(count).fill(0n);
    this.#lateNs = lateNs;
  }

  /** Each asks when it was told to, or somewhat later. */
  until(end: bigint): number {
    const before = this.sent;
    for (;;) {
      const next = this.#due.toSorted((a, b) => Number(a - b))[0] ?? end;
      if (next > end) break;
      if (next > this.now) this.now = next;
      const who = this.#due.indexOf(next);
      const octets = Math.min(this.bucket.pieceOctets, 65_536);
      const waitMs = this.bucket.take(octets);
      if (waitMs === 0) this.sent += octets;
      this.#due[who] = this.now + BigInt(waitMs) * 1_000_000n + (waitMs > 0 ? this.#lateNs() : 100_000n);
    }
    this.now = end;
    return this.sent - before;
  }
}

const seconds = (count: number): bigint => BigInt(count) * 1_000_000_000n;

test('over ten seconds the rate is kept within five percent, with one connection and with eight', () => {
  const rates = fc.integer({ min: 20_000, max: 100_000_000 });
  const late = fc.integer({ min: 0, max: 150 });
  fc.assert(
    fc.property(rates, fc.constantFrom(1, 8), late, (rate, connections, lateMs) => {
      const senders = new Senders(connections, () => BigInt(lateMs) * 1_000_000n);
      senders.bucket.setRate(rate);
      const octets = senders.until(seconds(10));
      const share = octets / (rate * 10);
      assert.ok(Math.abs(share - 1) <= 0.05, `${octets} octets at ${rate}/s by ${connections}: ${share}`);
    }),
    { numRuns: 60 },
  );
});

test('a new rate counts from the moment when it is set, also for those who wait already', () => {
  const senders = new Senders(8);
  senders.bucket.setRate(10_000);
  senders.until(seconds(10));
  senders.bucket.setRate(10_000_000);
  const fast = senders.until(seconds(20));
  assert.ok(Math.abs(fast / 100_000_000 - 1) <= 0.05, String(fast));
  senders.bucket.setRate(10_000);
  const slow = senders.until(seconds(30));
  assert.ok(Math.abs(slow / 100_000 - 1) <= 0.05, String(slow));
});

test('while it is paused nothing goes out, and within a second of its end all go on', () => {
  const senders = new Senders(8);
  senders.until(seconds(1));
  senders.bucket.paused = true;
  assert.equal(senders.until(seconds(100)), 0);
  senders.bucket.paused = false;
  senders.bucket.setRate(1_000_000);
  assert.ok(senders.until(seconds(101)) > 700_000);
});

test('what is asked for at a time is a fiftieth of a second, within bounds', () => {
  const { bucket } = new Senders(1);
  assert.deepEqual([bucket.rate, bucket.pieceOctets], [undefined, Number.POSITIVE_INFINITY]);
  for (const [rate, octets] of [
    [1, 512],
    [25_600, 512],
    [50_000, 1000],
    [3_276_800, 65_536],
    [1e9, 65_536],
  ] as const) {
    bucket.setRate(rate);
    assert.deepEqual([bucket.rate, bucket.pieceOctets], [rate, octets]);
  }
  bucket.setRate(undefined);
  assert.deepEqual([bucket.rate, bucket.take(1e9), bucket.take(1e9)], [undefined, 0, 0]);
});

test('who comes too soon is told after which time to ask again, in whole milliseconds and at most 200', () => {
  const senders = new Senders(1);
  const { bucket } = senders;
  bucket.setRate(1000);
  assert.equal(bucket.take(50), 0);
  assert.equal(bucket.take(1), 50);
  senders.now += 1_000_001n;
  assert.equal(bucket.take(1), 49);
  senders.now += 48_999_999n;
  assert.equal(bucket.take(1000), 0);
  assert.equal(bucket.take(1), 200);
  bucket.paused = true;
  senders.now += seconds(10);
  assert.deepEqual([bucket.paused, bucket.take(1)], [true, 200]);
  bucket.paused = false;
  assert.deepEqual([bucket.paused, bucket.take(1)], [false, 0]);
});

test('what was not used is kept for 200 milliseconds, not longer', () => {
  const senders = new Senders(1);
  const { bucket } = senders;
  bucket.setRate(1000);
  senders.now += seconds(100);
  assert.deepEqual([bucket.take(200), bucket.take(100), bucket.take(1)], [0, 0, 100]);
});

test('threads share the rate exactly, by the clock that the bucket itself goes by', async () => {
  const memory = TokenBucket.memory();
  const bucket = new TokenBucket(memory);
  const rate = 20_000_000;
  bucket.setRate(rate);
  const file = new URL('../../../src/protocol/wire/token-bucket.js', import.meta.url).href;
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import('${file}').then(({ TokenBucket }) => {
      const bucket = new TokenBucket(workerData);
      const end = process.hrtime.bigint() + 400_000_000n;
      let sent = 0;
      while (process.hrtime.bigint() < end) if (bucket.take(10_000) === 0) sent += 10_000;
      parentPort.postMessage(sent);
    });`;
  const began = process.hrtime.bigint();
  const sent = await Promise.all(
    Array.from({ length: 3 }, () => {
      const worker = new Worker(source, { eval: true, workerData: memory });
      return new Promise<number>((resolve, reject) => worker.on('message', resolve).on('error', reject));
    }),
  );
  const elapsed = Number(process.hrtime.bigint() - began) / 1e9;
  const total = sent.reduce((sum, octets) => sum + octets, 0);
  assert.ok(total > 0);
  assert.ok(total <= rate * (elapsed + 0.2) + 10_000, `${total} octets in ${elapsed} s`);
});

for (const compressed of [false, true]) {
  test(`what goes out at the socket is what the bucket allows, all of it and in order (compressed: ${compressed})`, async () => {
    const { near, far, close } = await socketPair();
    const bucket = new TokenBucket(TokenBucket.memory());
    const rate = 4_000_000;
    bucket.setRate(rate);
    const began = process.hrtime.bigint();
    const received: Buffer[] = [];
    const end = new Promise<void>((resolve) => far.on('end', resolve));
    far.on('data', (chunk: Buffer) => {
      received.push(chunk);
      const octets = received.reduce((sum, { length }) => sum + length, 0);
      const elapsed = Number(process.hrtime.bigint() - began) / 1e9;
      assert.ok(octets <= rate * (elapsed + 0.2) + 65_536, `${octets} octets in ${elapsed} s`);
    });
    const transport = new Transport(near);
    transport.pace(bucket);
    if (compressed) transport.startCompression(1, Buffer.alloc(0));
    const piece = Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919) % 251));
    for (let count = 0; count < 40; count++) {
      transport.write(piece);
      if (transport.full) await transport.drained();
    }
    transport.end();
    await end;
    const octets = Buffer.concat(received);
    if (!compressed) assert.ok(octets.equals(Buffer.concat(new Array<Buffer>(40).fill(piece))));
    else assert.ok(octets.length > 0 && octets.length < 2_000_000);
    far.end();
    close();
  });
}

/** Counts the octets that it lets go out. */
class CountingBucket extends TokenBucket {
  granted = 0;

  override take(octets: number): number {
    const waitMs = super.take(octets);
    if (waitMs === 0) this.granted += octets;
    return waitMs;
  }
}

for (const compression of ['none', 'before', 'after']) {
  test(`every octet that goes out was asked for, compression begun: ${compression}`, async () => {
    const { near, far, close } = await socketPair();
    const bucket = new CountingBucket(TokenBucket.memory());
    bucket.setRate(1_000_000);
    const received: Buffer[] = [];
    const end = new Promise<void>((resolve) => far.on('end', resolve));
    far.on('data', (chunk: Buffer) => received.push(chunk));
    const transport = new Transport(near);
    if (compression === 'before') transport.startCompression(1, Buffer.alloc(0));
    transport.pace(bucket);
    if (compression === 'after') transport.startCompression(1, Buffer.alloc(0));
    const octets = randomBytes(50_000);
    transport.write(octets);
    transport.end();
    await end;
    const wire = Buffer.concat(received);
    assert.equal(wire.length, bucket.granted);
    const plain =
      compression === 'none' ? wire : inflateRawSync(wire, { finishFlush: constants.Z_SYNC_FLUSH });
    assert.ok(plain.equals(octets));
    far.end();
    close();
  });
}

test("silence is not the replica's while nothing is let out", async () => {
  const { near, far, close } = await socketPair();
  const bucket = new TokenBucket(TokenBucket.memory());
  bucket.paused = true;
  const transport = new Transport(near);
  transport.pace(bucket);
  let silences = 0;
  const heard = new Promise<void>((resolve) => {
    near.on('timeout', () => {
      // Twice while it is held; then it may go out, and the peer says nothing.
      if (silences === 0 && bucket.paused) turns += 1;
      if (turns === 2) bucket.paused = false;
      if (silences > 0) resolve();
    });
  });
  let turns = 0;
  transport.watchSilence(20, () => {
    assert.equal(bucket.paused, false);
    silences += 1;
  });
  transport.write('NOOP\r\n');
  await heard;
  transport.destroy(new (await import('../../../src/report/sync-error.ts')).SyncError('CANCELLED', 'done'));
  far.destroy();
  close();
});
