import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeLink, type LinkSample } from '../../../src/protocol/link/compression-policy.ts';

const SECOND = 1_000;

/** A link to another host that takes so many octets a second, with processors to spare. */
function sample(rate: number, fields: Partial<LinkSample> = {}): LinkSample {
  return { milliseconds: SECOND, octets: rate, waited: 900, idleProcessors: 1, local: false, ...fields };
}

test('a slow link is compressed, a very slow one more', () => {
  assert.equal(judgeLink(sample(500_000)), 6);
  assert.equal(judgeLink(sample(5_000_000)), 1);
  assert.equal(judgeLink(sample(50_000_000)), 'none');
});

test('not while it is not the link that is waited for, nor by what little was answered', () => {
  assert.equal(judgeLink(sample(500_000, { waited: 300 })), 'none');
  assert.equal(judgeLink(sample(100_000)), 'undecided');
});

test('not where the processors are busy, unless it takes next to nothing', () => {
  assert.equal(judgeLink(sample(15_000_000, { idleProcessors: 0.1 })), 'none');
  assert.equal(judgeLink(sample(500_000, { idleProcessors: 0 })), 6);
});

test('on this host only what can hardly be anything but a tunnel to a slow link', () => {
  assert.equal(judgeLink(sample(5_000_000, { local: true })), 'none');
  assert.equal(judgeLink(sample(500_000, { local: true })), 6);
});
