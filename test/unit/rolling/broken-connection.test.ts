import assert from 'node:assert/strict';
import test from 'node:test';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { isUser, linkError, Site } from './site.ts';

/** Connections that break while the replica is well. Outages are in daemon.test.ts. */
const HOUR = 3_600_000;
const INNOCENT = ['alice', 'bob', 'carol', 'dave', 'eve'];

function mailbox(user: string): LogLine {
  return { type: 'MAILBOX', name: `user.${user}` };
}

function breaking(site: Site, user: string): { stop(): void } {
  let breaks = true;
  site.resultOf = (action) =>
    breaks && isUser(action, user) ? { kind: 'failed', error: linkError } : undefined;
  return {
    stop: () => {
      breaks = false;
    },
  };
}

test('whoever was merely in flight when it broke is tried again at once, apart and one after the other', async () => {
  using site = new Site();
  site.workTime = () => 100;
  await site.change(...INNOCENT.map(mailbox));
  site.start({ parallel: 8 });
  await site.clock.advance(50);
  assert.equal(site.begun.length, INNOCENT.length);
  site.cut();
  await site.clock.advance(100 * INNOCENT.length);
  assert.deepEqual(site.behind(), []);
  const again = site.begun.slice(INNOCENT.length);
  assert.ok(again.every(({ apart }) => apart));
  assert.deepEqual(
    again.map(({ at }) => at - (again[0]?.at ?? 0)),
    [0, 100, 200, 300, 400],
  );
  assert.deepEqual(site.eventsOf('rolling:retry'), []);
  await site.change(mailbox('alice'));
  await site.clock.advance(1200);
  assert.equal(site.begun.at(-1)?.apart, false, 'forgotten with the first success');
});

test('whoever breaks it again when tried apart is at fault: it takes nobody else with it and ends in quarantine', async () => {
  using site = new Site();
  const mallory = breaking(site, 'mallory');
  site.workTime = () => 100;
  site.start({ parallel: 8 });
  for (let i = 0; i < 360; i++) {
    await site.change(mailbox('mallory'), ...INNOCENT.map(mailbox));
    await site.clock.advance(10_000);
    assert.deepEqual(site.behind(), ['mailbox user.mallory']);
  }
  assert.equal(site.cuts, 1, 'the first time, when nothing was known');
  assert.ok(site.startsOf('mallory').length < 20);
  assert.deepEqual(new Set(site.eventsOf('rolling:retry').map(({ user }) => user)), new Set(['mallory']));
  assert.equal(site.eventsOf('rolling:quarantined').length, 1);
  mallory.stop();
  await site.clock.advance(HOUR);
  assert.deepEqual(site.behind(), []);
  assert.equal(site.eventsOf('rolling:released').length, 1);
});

test('a giant among those in flight does not hold up the others: they go on after a pause', async () => {
  using site = new Site();
  site.workTime = (action) => (isUser(action, 'giant') ? 60_000 : 100);
  await site.change(...['giant', ...INNOCENT].map(mailbox));
  site.start({ parallel: 8 });
  await site.clock.advance(50);
  site.cut();
  await site.clock.advance(1500);
  assert.deepEqual(site.behind(), ['mailbox user.giant']);
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
  assert.deepEqual(site.eventsOf('rolling:retry'), []);
});

test('a network that cuts the same user twice costs that user a pause, and no quarantine', async () => {
  using site = new Site();
  site.workTime = () => 10_000;
  await site.change(mailbox('alice'));
  site.start();
  await site.clock.advance(5000);
  site.cut();
  // Apart now, and cut again at the end of its work.
  site.resultOf = () => ({ kind: 'failed', error: linkError });
  await site.clock.advance(12_000);
  site.resultOf = () => undefined;
  assert.deepEqual(
    site.eventsOf('rolling:retry').map(({ user, delayMs }) => [user, delayMs]),
    [['alice', 1000]],
  );
  await site.clock.advance(12_000);
  assert.deepEqual(site.behind(), []);
  assert.equal(site.begun.length, 3);
});

test('a replica under which every connection breaks is ill: all wait, longer each time, and nobody is blamed', async () => {
  using site = new Site();
  let ill = true;
  site.workTime = () => 100;
  site.resultOf = () => (ill ? { kind: 'failed', error: linkError } : undefined);
  await site.change(...INNOCENT.map(mailbox));
  site.start({ parallel: 8 });
  await site.clock.advance(300_000);
  const pauses = site.eventsOf('replica:ill').map(({ retryInSeconds }) => retryInSeconds);
  assert.deepEqual(pauses.slice(0, 3), [15, 20, 20]);
  assert.ok(site.begun.length < 150, `${site.begun.length} tries`);
  assert.deepEqual(site.eventsOf('rolling:quarantined'), []);
  ill = false;
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
});
