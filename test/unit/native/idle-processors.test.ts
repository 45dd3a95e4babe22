import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import test from 'node:test';
import { idleProcessorMeter } from '../../../src/native/idle-processor-meter.ts';
import { outOfFiles } from '../../lab/out-of-files.ts';

test('what nobody used is between nothing and all processors, and one at work is not idle', () => {
  const idle = idleProcessorMeter();
  const end = performance.now() + 300;
  while (performance.now() < end);
  const found = idle();
  assert.ok(found >= 0 && found <= availableParallelism() - 0.5, `${found} idle`);
});

test('without descriptors no processor is idle, and the time is looked at again once there are some', async () => {
  const { end, said, stderr } = await outOfFiles(`
    const { idleProcessorMeter } = await load('native/idle-processor-meter.js');
    const idle = idleProcessorMeter();
    takeAll();
    const without = [idle(), idleProcessorMeter()()];
    const late = idleProcessorMeter();
    giveBack();
    say(JSON.stringify({ without, again: idle(), late: late() }));`);
  assert.equal(end, 0, stderr);
  const { without, again, late } = JSON.parse(said);
  assert.deepEqual(without, [0, 0]);
  assert.ok(again >= 0 && again <= availableParallelism(), `${again} idle`);
  assert.equal(late, 0, 'of the time before its first look nothing is known');
});
