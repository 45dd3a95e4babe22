import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadPace } from '../../../src/store/files/read-pace.ts';

const FAST = 0.02;
const SLOW = 5;

/** How many are read at once after eight that took so long each. */
function after(pace: ReadPace, milliseconds: readonly number[], octets = 1_000): number {
  for (const each of milliseconds) {
    assert.equal(pace.next(), 'one by one');
    pace.took(each, octets);
  }
  let stretch = 0;
  while (stretch < 100_000 && pace.next() === 'several at once') stretch += 1;
  // The one that ended the stretch is read by itself, and fast.
  pace.took(FAST, octets);
  return stretch;
}

function eight(milliseconds: number): number[] {
  return Array.from({ length: 8 }, () => milliseconds);
}

test('files from memory are read one by one, whatever hiccups there are', () => {
  const pace = new ReadPace();
  assert.equal(after(pace, eight(FAST)), 0);
  assert.equal(after(pace, [...eight(FAST).slice(0, 4), SLOW, SLOW, SLOW]), 0);
});

test('large files may take longer', () => {
  assert.equal(after(new ReadPace(), eight(SLOW), 5_000_000), 0);
});

test('a disk that has to be waited for is asked for several at once, and tried again ever more rarely', () => {
  const pace = new ReadPace();
  const stretches = [after(pace, eight(SLOW))];
  for (let round = 0; round < 6; round++) stretches.push(after(pace, eight(SLOW).slice(1)));
  assert.deepEqual(stretches, [256, 512, 1024, 2048, 4096, 4096, 4096]);
  assert.equal(after(pace, eight(FAST).slice(1)), 0);
  assert.equal(after(pace, eight(SLOW).slice(1)), 256);
});
