import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { loadMeter } from '../../../src/coordinator/run/load.ts';
import { nowMs } from '../../../src/now-ms.ts';

test('the first look begins, and the next tells of the time since', async () => {
  // Node tells nothing of a loop that has not begun to turn.
  await turn();
  const load = loadMeter();
  assert.deepEqual(load(), { thisThread: 0, idleProcessors: 0 });
  const untilMs = nowMs() + 20;
  while (nowMs() < untilMs);
  const { thisThread, idleProcessors } = load();
  assert.ok(thisThread > 0, `${thisThread}`);
  assert.ok(idleProcessors >= 0);
});
