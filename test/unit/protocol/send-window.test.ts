import assert from 'node:assert/strict';
import test from 'node:test';
import { SendWindow } from '../../../src/protocol/link/send-window.ts';

const MIB = 1024 ** 2;
const MOST = 4 * MIB;

test('the window grows with every soon answer while somebody waits for it, up to what is allowed', () => {
  const window = new SendWindow(MOST);
  window.answered(MIB, 0, 100, false);
  assert.equal(window.limit, MIB);
  for (let i = 0; i < 10; i++) window.answered(MIB, 0, 100, true);
  assert.equal(window.limit, MOST);
});

test('answers that take seconds halve it, once for what was under way together', () => {
  const window = new SendWindow(MOST);
  for (let at = 0; at < 500; at += 100) window.answered(MIB / 8, at, 5_000 + at, true);
  assert.equal(window.limit, MIB / 2);
  window.answered(MIB / 8, 5_500, 8_000, true);
  assert.equal(window.limit, MIB / 4);
  for (let at = 10_000; at < 100_000; at += 5_000) window.answered(MIB / 8, at, at + 4_000, true);
  assert.equal(window.limit, MIB / 8);
});

test('what is sent at the moment of a cut tells of the time after it, what was sent before does not', () => {
  const window = new SendWindow(MOST);
  window.answered(MIB / 8, 1, 5_000, true);
  assert.equal(window.limit, MIB / 2);
  window.answered(MIB / 8, 4_999, 8_000, true);
  assert.equal(window.limit, MIB / 2);
  window.answered(MIB / 8, 5_000, 8_000, true);
  assert.equal(window.limit, MIB / 4);
});

test('how long an answer took counts, not when in a long run it came', () => {
  const window = new SendWindow(MOST);
  window.answered(MIB, 3_600_000, 3_600_100, true);
  assert.equal(window.limit, 2 * MIB);
  window.answered(MIB, 3_601_000, 3_602_500, true);
  assert.equal(window.limit, 2 * MIB, 'neither soon nor late');
});

test('an operator who wants less gets less', () => {
  const window = new SendWindow(64 * 1024);
  window.answered(MIB, 0, 10_000, true);
  window.answered(MIB, 10_000, 10_100, true);
  assert.equal(window.limit, 64 * 1024);
});
