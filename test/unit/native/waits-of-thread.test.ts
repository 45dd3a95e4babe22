import assert from 'node:assert/strict';
import test from 'node:test';
import { waitsOfThread } from '../../../src/native/waits-of-thread.ts';

const SLEEPS = 20;

test('a thread that sleeps has waited, one that is at work has not, and each counts for itself', () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const before = waitsOfThread();
  for (let done = 0; done < SLEEPS; done += 1) Atomics.wait(cell, 0, 0, 1);
  const slept = waitsOfThread();
  assert.ok(slept - before >= SLEEPS, `${slept - before}`);
  const texts = Array.from({ length: 1_000 }, (_, i) => `${i}`).join().length;
  assert.ok(texts > 0);
  assert.ok(waitsOfThread() - slept < SLEEPS);
});
