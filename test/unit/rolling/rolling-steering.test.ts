import assert from 'node:assert/strict';
import test from 'node:test';
import { Brakes } from '../../../src/coordinator/brakes.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { RollingSteering } from '../../../src/rolling/daemon/rolling-steering.ts';
import { Site } from './site.ts';

/** A channel whose daemon runs, and what is told of its steering. */
function steered(site: Site) {
  const { daemon } = site.start();
  const events: SyncEvent[] = [];
  const emit = (event: SyncEvent): void => {
    events.push(event);
  };
  const orders: string[] = [];
  let limit: number | 'auto' = 4;
  const steering = new RollingSteering({
    daemon,
    brakes: new Brakes(undefined, emit, () => daemon.braked()),
    emit,
    connections: () => ({ limit, most: 10, open: 2 }),
    setConnections: (wanted) => {
      limit = wanted;
      orders.push(`connections ${wanted}`);
    },
    stop: () => orders.push('stop'),
  });
  const told = () =>
    events.splice(0).map((event) => {
      assert.equal(event.kind, 'run:steered');
      const { kind: _, ...change } = event;
      return change;
    });
  return { steering, told, orders };
}

test('a change of connections is made and told, once', () => {
  using site = new Site();
  const { steering, told, orders } = steered(site);
  assert.deepEqual(steering.setConnections(6), { limit: 6, most: 10, open: 2 });
  assert.deepEqual(steering.setConnections(6), { limit: 6, most: 10, open: 2 });
  assert.deepEqual(steering.setConnections('auto'), steering.connections);
  assert.deepEqual(orders, ['connections 6', 'connections auto']);
  assert.deepEqual(told(), [
    { what: 'connections', limit: 6 },
    { what: 'connections', limit: 'auto' },
  ]);
});

test('what is done for a user is told, what changes nothing is not', async () => {
  using site = new Site();
  site.workTime = () => 1_000;
  await site.change({ type: 'MAILBOX', name: 'user.anna' }, { type: 'MAILBOX', name: 'user.bob' });
  const { steering, told } = steered(site);
  await site.clock.advance(100);
  assert.equal(steering.now('anna'), 'running');
  assert.equal(steering.retry('carol'), 'as-it-was');
  assert.equal(steering.unskip('carol'), 'as-it-was');
  assert.deepEqual(told(), []);
  assert.equal(steering.skip('anna'), 'running');
  assert.equal(steering.skip('carol'), 'done');
  assert.deepEqual(steering.skipped, ['anna', 'carol']);
  assert.equal(steering.skip('carol'), 'as-it-was');
  assert.equal(steering.now('dora'), 'done');
  assert.deepEqual(steering.waiting(10), ['dora']);
  assert.equal(steering.unskip('carol'), 'done');
  assert.deepEqual(told(), [
    { what: 'skip', user: 'anna' },
    { what: 'skip', user: 'carol' },
    { what: 'now', user: 'dora' },
    { what: 'unskip', user: 'carol' },
  ]);
  assert.equal(steering.backlog().inFlight, 2);
});

test('pauses and the limit on octets go to the brakes, the end to the channel', () => {
  using site = new Site();
  const { steering, told, orders } = steered(site);
  steering.pause({ by: 'operator', reason: 'maintenance' });
  assert.deepEqual(
    steering.pauses.map(({ by }) => by),
    ['operator'],
  );
  steering.resume('operator');
  assert.deepEqual(steering.pauses, []);
  told();
  steering.stop();
  assert.deepEqual([told(), orders], [[{ what: 'stop' }], ['stop']]);
});
