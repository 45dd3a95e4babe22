import assert from 'node:assert/strict';
import test from 'node:test';
import type { InboxOf } from '../../../src/rolling/queue/renamed-users.ts';
import { Site } from './site.ts';

/* Contract: a log is taken once its lines are queued. What goes wrong between the two loses none of them. */

/** Looks nobody up before `mended`. */
function failing(): { inboxOf: InboxOf; mended: boolean } {
  const looking = {
    mended: false,
    inboxOf: () => {
      if (!looking.mended) throw new RangeError('nobody is to be looked up');
      return undefined;
    },
  };
  return looking;
}

test('lines that could not be queued stay in log-run, are said once to have failed, and are done in the next round that can', async () => {
  using site = new Site();
  const looking = failing();
  site.start({}, { inboxOf: looking.inboxOf });
  await site.change({ type: 'USER', userid: 'alice' }, { type: 'UNUSER', userid: 'bob' });
  await site.clock.advance(60_000);
  assert.deepEqual(site.linesOnDisk(), ['USER alice', 'UNUSER bob']);
  assert.deepEqual(site.begun, []);
  assert.equal(site.eventsOf('rolling:take-failed').length, 1);
  assert.deepEqual(site.eventsOf('rolling:leftover'), [], 'no earlier run has left anything behind');
  await site.change({ type: 'USER', userid: 'carol' });
  looking.mended = true;
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
  assert.deepEqual(site.linesOnDisk(), []);
});

test('nor are those lost that were pending before, though they come to their end meanwhile', async () => {
  using site = new Site();
  const looking = failing();
  site.workTime = () => 30_000;
  site.start({}, { inboxOf: looking.inboxOf });
  await site.change({ type: 'USER', userid: 'alice' });
  await site.clock.advance(5_000);
  await site.change({ type: 'USER', userid: 'carol' }, { type: 'UNUSER', userid: 'bob' });
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), ['user carol', 'unuser bob']);
  assert.deepEqual(site.linesOnDisk(), ['USER alice', 'USER carol', 'UNUSER bob']);
  looking.mended = true;
  await site.clock.advance(120_000);
  assert.deepEqual(site.behind(), []);
  assert.deepEqual(site.linesOnDisk(), []);
});

for (const how of ['killed', 'stopped', 'once'] as const) {
  test(`${how} before they could be queued: the next start finds all lines`, async () => {
    using site = new Site();
    const { daemon, ended } = site.start({ once: how === 'once' }, { inboxOf: failing().inboxOf });
    await site.change({ type: 'USER', userid: 'alice' }, { type: 'UNUSER', userid: 'bob' });
    await site.clock.advance(5_000);
    if (how === 'killed') await site.kill();
    if (how === 'stopped') daemon.stop();
    await site.clock.advance(1);
    if (how !== 'killed') assert.equal(ended()?.reason, how === 'once' ? 'log-failed' : 'signal');
    assert.deepEqual(site.linesOnDisk(), ['USER alice', 'UNUSER bob']);
    site.start();
    await site.clock.advance(60_000);
    assert.deepEqual(site.behind(), []);
    assert.deepEqual(site.linesOnDisk(), []);
  });
}

test('a log-run of an earlier run is said to be one, once, though it can only be queued later', async () => {
  using site = new Site();
  await site.change({ type: 'UNUSER', userid: 'bob' });
  const looking = failing();
  const first = site.start({}, { inboxOf: looking.inboxOf });
  await site.clock.advance(1);
  await site.kill();
  assert.equal(first.ended(), undefined);
  site.start({}, { inboxOf: looking.inboxOf });
  await site.clock.advance(60_000);
  assert.equal(site.eventsOf('rolling:leftover').length, 1);
  looking.mended = true;
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
  assert.equal(site.eventsOf('rolling:leftover').length, 1);
});
