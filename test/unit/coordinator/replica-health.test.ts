import assert from 'node:assert/strict';
import test from 'node:test';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import { ReplicaHealth } from '../../../src/coordinator/run/replica-health.ts';
import { connectFailed, errorData, linkBroken, noCounts, user } from '../../lab/pool-fakes.ts';

const job = user('a');
const synced: Outcome[] = [{ kind: 'synced', job, counts: noCounts }];
const refused: Outcome[] = [{ kind: 'untouched', job, error: connectFailed }];
const lost: Outcome[] = [{ kind: 'failed', job, error: linkBroken, counts: noCounts }];
const BATCHES = 2;

test('no connection at all is an outage, told once by those who began before it', () => {
  const health = new ReplicaHealth();
  const before = health.counters;
  assert.deepEqual(health.assess(refused, before, BATCHES), { kind: 'down', error: connectFailed });
  assert.equal(health.assess(refused, before, BATCHES).kind, 'nothing-new');
  assert.equal(health.assess(synced, before, BATCHES).kind, 'nothing-new', 'it may have been done before');
  assert.equal(health.assess(synced, health.counters, BATCHES).kind, 'up');
});

test('a connection refused while others are up is a limit, told once for those tried together', () => {
  const health = new ReplicaHealth();
  health.opened();
  health.opened();
  const before = health.counters;
  assert.deepEqual(health.assess(refused, before, BATCHES), { kind: 'full', connections: 2 });
  assert.equal(health.assess(refused, before, BATCHES).kind, 'nothing-new');
  assert.equal(health.assess(refused, health.counters, BATCHES).kind, 'full');
});

test('refused again and again with nothing done it is an outage, and so is losing all there were', () => {
  const health = new ReplicaHealth();
  health.opened();
  const assessments = Array.from({ length: 6 }, () => health.assess(refused, health.counters, BATCHES).kind);
  assert.deepEqual(assessments, ['full', 'full', 'full', 'full', 'down', 'down']);
  health.assess(synced, health.counters, BATCHES);
  assert.equal(health.assess(refused, health.counters, BATCHES).kind, 'full');
  health.closed();
  assert.equal(health.assess(refused, health.counters, BATCHES).kind, 'down');
});

test('one lost link is the affair of its jobs, many in a row are an illness of the replica, not an outage', () => {
  const health = new ReplicaHealth();
  health.opened();
  const assessments = Array.from({ length: 8 }, () => health.assess(lost, health.counters, BATCHES));
  assert.deepEqual(assessments, [
    ...Array.from({ length: 5 }, () => ({ kind: 'nothing-new' })),
    { kind: 'ill', error: linkBroken, times: 1 },
    { kind: 'ill', error: linkBroken, times: 2 },
    { kind: 'ill', error: linkBroken, times: 3 },
  ]);
  assert.equal(health.isIll, true);
  health.assess(synced, health.counters, BATCHES);
  assert.equal(health.isIll, false);
  assert.equal(health.assess(lost, health.counters, BATCHES).kind, 'nothing-new');
});

test('an ill replica is named with the last thing that it said, not with the end of its connection', () => {
  const health = new ReplicaHealth();
  health.opened();
  const said = errorData('IMAP_PROTOCOL_ERROR', 'refused');
  health.assess([{ kind: 'failed', job, error: said, counts: noCounts }], health.counters, BATCHES);
  const assessments = Array.from({ length: 6 }, () => health.assess(lost, health.counters, BATCHES));
  assert.deepEqual(assessments.at(-1), { kind: 'ill', error: said, times: 1 });
});

test('a replica that takes messages is not ill, whatever ends its connections', () => {
  const health = new ReplicaHealth();
  health.opened();
  const counts = { ...noCounts, messages: 1 };
  const outcomes: Outcome[] = [{ kind: 'failed', job, error: linkBroken, counts }];
  for (let i = 0; i < 20; i++) assert.notEqual(health.assess(outcomes, health.counters, BATCHES).kind, 'ill');
});

test('an answer that is no connection trouble at all ends in an outage with its own error', () => {
  const health = new ReplicaHealth();
  health.opened();
  const error = errorData('CONFIG', 'local', { phase: 'connect' });
  const outcomes: Outcome[] = [{ kind: 'untouched', job, error }];
  assert.deepEqual(health.assess(outcomes, health.counters, BATCHES), { kind: 'down', error });
});

test('descriptors that this host lacks are told once for those who began together, and are no illness of the replica', () => {
  const health = new ReplicaHealth();
  health.opened();
  const error = errorData('TOO_MANY_FILES', 'local', { retryable: true });
  const short: Outcome[] = [...synced, { kind: 'failed', job, error, counts: noCounts }];
  const before = health.counters;
  assert.deepEqual(health.assess(short, before, BATCHES), { kind: 'out-of-files', error, times: 1 });
  assert.equal(health.assess(short, before, BATCHES).kind, 'nothing-new');
  assert.deepEqual(health.assess(short, health.counters, BATCHES), { kind: 'out-of-files', error, times: 2 });
  assert.equal(health.assess(synced, health.counters, BATCHES).kind, 'up');
  assert.deepEqual(health.assess(short, health.counters, BATCHES), { kind: 'out-of-files', error, times: 1 });
  assert.equal(health.isIll, false);
});
