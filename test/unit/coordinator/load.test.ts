import assert from 'node:assert/strict';
import test from 'node:test';
import { loadMeter } from '../../../src/coordinator/run/load.ts';

test('the first look begins, and the next tells of the time since', () => {
  const load = loadMeter();
  // What goes before is not in it.
  assert.deepEqual(load(), { thisThread: 0, idleProcessors: 0 });
  const { thisThread, idleProcessors } = load();
  assert.ok(thisThread > 0, 'a thread that never waits is at work');
  assert.ok(idleProcessors >= 0);
});
