import assert from 'node:assert/strict';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { ReplicaLink } from '../../../src/rolling/daemon/replica-link.ts';
import { ILL_LOSSES, ILL_USERS } from '../../../src/rolling/limits.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { linkError } from './site.ts';

/** A link to a replica that is there or not, and what is told of it. */
class Scene {
  readonly clock = new VirtualClock();
  readonly events: SyncEvent[] = [];
  failure: SyncError | undefined;
  readonly link: ReplicaLink;

  constructor(options: { connectOnce?: boolean; once?: boolean } = {}) {
    this.link = new ReplicaLink(
      { server: 'replica', reconnectMaxWaitSeconds: 40, connectOnce: false, once: false, ...options },
      {
        clock: this.clock,
        emit: (event) => this.events.push(event),
        connect: async () => {
          if (this.failure) throw this.failure;
        },
      },
    );
  }

  /** Connects, and is lost under this user. @returns seconds until the next attempt */
  async loseUnder(node: string): Promise<number> {
    await this.link.attempt();
    assert.equal(this.link.lost(linkError, [{ node, error: linkError }]), true);
    const { nextAttempt } = this.link;
    const wait = nextAttempt === Number.NEGATIVE_INFINITY ? 0 : (nextAttempt - this.clock.now()) / 1_000;
    this.clock.pass(wait * 1_000);
    return wait;
  }
}

test('it is down until an attempt succeeds; what is lost is news once', async () => {
  const { link, events } = new Scene();
  assert.equal(link.isUp, false);
  assert.equal(link.lost(linkError, []), false);
  assert.equal(link.closedIdle(), false);
  assert.deepEqual(await link.attempt(), { kind: 'up', suspects: [] });
  assert.equal(link.isUp, true);
  const suspect = { node: 'uanna', error: linkError };
  assert.equal(link.lost(linkError, [suspect]), true);
  assert.equal(link.lost(linkError, [{ node: 'ubob', error: linkError }]), false);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['connection:lost'],
  );
  const attempt = await link.attempt();
  assert.deepEqual(attempt.kind === 'up' && attempt.suspects.map(({ node }) => node), ['uanna', 'ubob']);
  assert.deepEqual(await link.attempt(), { kind: 'up', suspects: [] }, 'each is suspected once');
  assert.equal(link.closedIdle(), true);
  assert.equal(link.isUp, false);
  assert.deepEqual(events.slice(1), [{ kind: 'replica:closed-idle', server: 'replica' }]);
});

test('after an outage nobody is to blame, and the pauses begin anew with the next one', async () => {
  const scene = new Scene();
  const { link, clock } = scene;
  await link.attempt();
  link.lost(linkError, [{ node: 'uanna', error: linkError }]);
  scene.failure = new SyncError('CONNECT_FAILED', 'refused', { family: 'link', retryable: true });
  const waits: number[] = [];
  for (let attempts = 0; attempts < 4; attempts++) {
    assert.deepEqual(await link.attempt(), { kind: 'down' });
    waits.push((link.nextAttempt - clock.now()) / 1_000);
  }
  assert.deepEqual(waits, [15, 30, 40, 40]);
  scene.failure = undefined;
  assert.deepEqual(await link.attempt(), { kind: 'up', suspects: [] });
  link.closedIdle();
  scene.failure = new SyncError('CONNECT_FAILED', 'refused', { family: 'link' });
  await link.attempt();
  assert.equal((link.nextAttempt - clock.now()) / 1_000, 15);
});

test('a replica that loses one connection after the other is ill once enough users are concerned, and well once it works', async () => {
  const scene = new Scene();
  const waits: number[] = [];
  for (let losses = 1; losses < ILL_LOSSES; losses++)
    waits.push(await scene.loseUnder(`u${losses % ILL_USERS}`));
  assert.deepEqual(new Set(waits), new Set([0]));
  const ill = [await scene.loseUnder('u0'), await scene.loseUnder('u1'), await scene.loseUnder('u2')];
  assert.deepEqual(ill, [15, 30, 40]);
  assert.equal(scene.events.filter(({ kind }) => kind === 'replica:ill').length, 3);
  scene.link.worked();
  for (let losses = 1; losses < ILL_LOSSES; losses++)
    assert.equal(await scene.loseUnder(`v${losses % ILL_USERS}`), 0);
  assert.equal(await scene.loseUnder('v0'), 15);
  scene.link.worked();
  // Losses under one and the same user never make the replica ill, however many they are.
  for (let losses = 0; losses < 2 * ILL_LOSSES; losses++) assert.equal(await scene.loseUnder('w'), 0);
});

test('an attempt that fails ends it where that was asked for, before it was ever up', async () => {
  const once = new Scene({ connectOnce: true });
  once.failure = new SyncError('CONNECT_FAILED', 'refused', { family: 'link', retryable: true });
  assert.equal((await once.link.attempt()).kind, 'given-up');
  const told = once.events.map(
    (event) => event.kind === 'connection:failed' && [event.error.code, event.retryInSeconds],
  );
  assert.deepEqual(told, [['CONNECT_FAILED', undefined]]);
  const later = new Scene({ connectOnce: true });
  await later.link.attempt();
  later.link.closedIdle();
  later.failure = once.failure;
  assert.equal((await later.link.attempt()).kind, 'down');
});
