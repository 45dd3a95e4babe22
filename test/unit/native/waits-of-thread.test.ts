import assert from 'node:assert/strict';
import test from 'node:test';
import { waitsOfThread } from '../../../src/native/waits-of-thread.ts';

const SLEEPS = 20;

test('a thread that sleeps has waited, and one that is at work has not', () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const before = waitsOfThread();
  for (let done = 0; done < SLEEPS; done += 1) Atomics.wait(cell, 0, 0, 1);
  const slept = waitsOfThread();
  assert.ok(slept - before >= SLEEPS, `${slept - before}`);
  assert.ok(waitsOfThread() - slept < SLEEPS);
});
