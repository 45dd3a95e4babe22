import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import test from 'node:test';
import { idleProcessorMeter } from '../../../src/native/idle-processor-meter.ts';

test('what nobody used is between nothing and all processors, and one at work is not idle', () => {
  const idle = idleProcessorMeter();
  const end = performance.now() + 300;
  while (performance.now() < end);
  const found = idle();
  assert.ok(found >= 0 && found <= availableParallelism() - 0.5, `${found} idle`);
});
