import assert from 'node:assert/strict';
import test from 'node:test';
import { type LinkSample, levelThatPays } from '../../../src/protocol/link/level-that-pays.ts';

const SECOND_MS = 1_000;

/** A link to another host that takes so many octets a second, with processors to spare. */
function sample(rate: number, fields: Partial<LinkSample> = {}): LinkSample {
  const still = { othersRate: 0, waitedMs: 900, idleProcessors: 1, local: false };
  return { elapsedMs: SECOND_MS, octets: rate, ...still, ...fields };
}

test('a slow link is compressed, a very slow one more', () => {
  assert.equal(levelThatPays(sample(500_000)), 6);
  assert.equal(levelThatPays(sample(5_000_000)), 1);
  assert.equal(levelThatPays(sample(50_000_000)), 'none');
});

test('not while it is not the link that is waited for, nor by what little was answered', () => {
  assert.equal(levelThatPays(sample(500_000, { waitedMs: 300 })), 'none');
  assert.equal(levelThatPays(sample(100_000)), 'undecided');
});

test('half of the time is enough waiting, and each rate belongs to the level below it', () => {
  assert.equal(levelThatPays(sample(500_000, { waitedMs: 500 })), 6);
  assert.equal(levelThatPays(sample(500_000, { waitedMs: 499 })), 'none');
  assert.deepEqual(
    [1_000_000, 1_000_001, 20_000_000, 20_000_001].map((rate) => levelThatPays(sample(rate))),
    [6, 1, 1, 'none'],
  );
});

test('not where the processors are busy, unless it takes next to nothing', () => {
  assert.equal(levelThatPays(sample(15_000_000, { idleProcessors: 0.1 })), 'none');
  assert.equal(levelThatPays(sample(500_000, { idleProcessors: 0 })), 6);
});

test('on this host only what can hardly be anything but a tunnel to a slow link', () => {
  assert.equal(levelThatPays(sample(5_000_000, { local: true })), 'none');
  assert.equal(levelThatPays(sample(500_000, { local: true })), 6);
});

test('of many connections each has little of the link, which says nothing of what all of them would cost', () => {
  const busy = { idleProcessors: 0.1, othersRate: 31 * 400_000 };
  assert.equal(levelThatPays(sample(400_000, busy)), 'none');
  assert.equal(levelThatPays(sample(400_000, { ...busy, idleProcessors: 1 })), 1);
  assert.equal(levelThatPays(sample(400_000, { othersRate: 20_000_000 })), 'none');
  assert.equal(levelThatPays(sample(400_000, { othersRate: 800_000, local: true })), 'none');
});
