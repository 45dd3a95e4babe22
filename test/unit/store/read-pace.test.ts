import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadPace } from '../../../src/store/files/read-pace.ts';

const FROM_MEMORY = false;
const FROM_DISK = true;

/** How many are read at once after some for which the thread had to wait, or not. */
function after(pace: ReadPace, waits: readonly boolean[]): number {
  for (const hasWaited of waits) {
    assert.equal(pace.next(), 'one by one');
    pace.didOne(hasWaited);
  }
  let stretch = 0;
  while (stretch < 100_000 && pace.next() === 'several at once') stretch += 1;
  // The one that ended the stretch is read by itself, and from memory.
  pace.didOne(FROM_MEMORY);
  return stretch;
}

function eight(hasWaited: boolean): boolean[] {
  return Array.from({ length: 8 }, () => hasWaited);
}

test('files from memory are read one by one, whatever was waited for now and then', () => {
  const pace = new ReadPace();
  assert.equal(after(pace, eight(FROM_MEMORY)), 0);
  assert.equal(after(pace, [...eight(FROM_MEMORY).slice(0, 4), FROM_DISK, FROM_DISK, FROM_DISK]), 0);
});

test('a disk that has to be waited for is asked for several at once, and tried again ever more rarely', () => {
  const pace = new ReadPace();
  const stretches = [after(pace, eight(FROM_DISK))];
  for (let round = 0; round < 6; round++) stretches.push(after(pace, eight(FROM_DISK).slice(1)));
  assert.deepEqual(stretches, [256, 512, 1024, 2048, 4096, 4096, 4096]);
  assert.equal(after(pace, eight(FROM_MEMORY).slice(1)), 0);
  assert.equal(after(pace, eight(FROM_DISK).slice(1)), 256);
});
