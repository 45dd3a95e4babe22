import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fitDescriptors, mostThatFit } from '../../../src/coordinator/run/fit-descriptors.ts';

/** Descriptors of one user in flight, measured on a real store: sync lock, namespace lock, a file that is being read. */
const OF_A_USER = 3;

test('where there are plenty of descriptors, nothing is reduced', () => {
  assert.deepEqual(fitDescriptors(20_000, 8, 32, 2), { connections: 8, lookAhead: 32 });
  assert.deepEqual(fitDescriptors(undefined, 'auto', 32, 2), { connections: 64, lookAhead: 32 });
});

test('with few, fewer users are in flight on as many connections, and auto makes fewer connections', () => {
  const given = fitDescriptors(400, 4, 32, 2);
  assert.equal(given.connections, 4);
  // 300 without what the process needs, 284 without four connections: 94 users, for two batches on each.
  assert.equal(given.lookAhead, 11);
  const auto = fitDescriptors(1_024, 'auto', 32, 2);
  assert.ok(auto.connections > 8 && auto.connections < 64, String(auto.connections));
  assert.ok(auto.lookAhead >= 8, String(auto.lookAhead));
});

test('whatever the limit, something runs, and what runs fits', () => {
  fc.assert(
    fc.property(
      fc.nat(70_000),
      fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 64 })),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 2 }),
      (limit, wanted, lookAhead, batches) => {
        const fitting = fitDescriptors(limit, wanted, lookAhead, batches);
        assert.ok(fitting.connections >= 1 && fitting.lookAhead >= 1 && fitting.lookAhead <= lookAhead);
        const users = fitting.connections * batches * fitting.lookAhead;
        assert.ok(users * OF_A_USER < limit || users <= batches, `${users} users with ${limit}`);
      },
    ),
  );
});

test('how many connections there is room for later, as many users on each as were taken at the start', () => {
  const flight = { lookAhead: 32, batches: 2 };
  assert.equal(mostThatFit(undefined, flight), 64);
  assert.equal(mostThatFit(100_000, flight), 64);
  // 196 for each of them, beside what the process needs.
  assert.deepEqual(
    [0, 50, 295, 296, 491, 492, 1_024].map((limit) => mostThatFit(limit, flight)),
    [1, 1, 1, 1, 1, 2, 4],
  );
  assert.equal(mostThatFit(1_024, { lookAhead: 1, batches: 1 }), 64);
});
