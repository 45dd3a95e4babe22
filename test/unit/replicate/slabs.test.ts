import assert from 'node:assert/strict';
import test from 'node:test';
import { Slabs } from '../../../src/replicate/connection/slabs.ts';

test('as many slices as a window holds use the same memory again', () => {
  const slabs = new Slabs();
  const sizes = Array.from({ length: 20 }, (_, index) => 190_000 + index * 1_000);
  const first = sizes.map((octets) => slabs.take(octets));
  for (const slab of first) slabs.giveBack(slab);
  const again = sizes.map((octets) => slabs.take(octets));
  assert.deepEqual(new Set(again), new Set(first));
  assert.ok(again.every((slab, index) => slab.length >= (sizes[index] ?? 0)));
});

test('memory beyond a window is given up, the smallest buffers first', () => {
  const slabs = new Slabs();
  const large = Array.from({ length: 32 }, () => slabs.take(1024 ** 2));
  const small = slabs.take(1);
  slabs.giveBack(small);
  for (const slab of large) slabs.giveBack(slab);
  const kept = Array.from({ length: 33 }, () => slabs.take(1));
  assert.ok(!kept.includes(small));
  assert.equal(kept.filter((slab) => large.includes(slab)).length, 32);
});

test('memory that is taken and given back again and again is kept', () => {
  const slabs = new Slabs();
  const first = slabs.take(1024 ** 2);
  slabs.giveBack(first);
  for (let count = 0; count < 20; count++) {
    const slab = slabs.take(1024 ** 2);
    assert.equal(slab, first);
    slabs.giveBack(slab);
  }
});
