import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { failed, isUser, Site } from './site.ts';

const mailboxes = (...users: string[]): LogLine[] =>
  users.map((user) => ({ type: 'MAILBOX', name: `user.${user}` }));

const many = Array.from({ length: 20 }, (_, index) => `u${index}`);

test('while it is paused lines are taken and kept, and nothing is begun; then all of it is', async () => {
  using site = new Site();
  const { daemon } = site.start();
  await site.clock.advance(100);
  site.paused = true;
  daemon.braked();
  await site.change(...mailboxes('alice', 'bob'));
  await site.clock.advance(3_600_000);
  assert.deepEqual(site.begun, []);
  assert.equal(daemon.backlog().lines, 2);
  assert.deepEqual(site.linesOnDisk(), ['MAILBOX user.alice', 'MAILBOX user.bob']);
  site.paused = false;
  daemon.braked();
  await site.clock.advance(500);
  assert.deepEqual(site.behind(), []);
});

test('a paused daemon that is not connected waits without trying, and without turning in circles', async () => {
  using site = new Site();
  site.paused = true;
  const { daemon } = site.start();
  await site.clock.advance(60_000);
  assert.equal(site.connects, 0);
  site.paused = false;
  daemon.braked();
  await site.clock.advance(10);
  assert.equal(site.connects, 1);
});

test('a user asked for now goes before all who wait, also one of whom the log says nothing', async () => {
  using site = new Site();
  site.workTime = () => 1_000;
  await site.change(...mailboxes(...many));
  const { daemon } = site.start({ parallel: 1 });
  await site.clock.advance(500);
  assert.equal(daemon.hasten('u0'), 'running');
  assert.equal(daemon.hasten('u15'), 'done');
  assert.equal(daemon.hasten('quiet'), 'done');
  await site.clock.advance(2_000);
  assert.deepEqual(
    site.begun.map(({ unit }) => unit.users.join()),
    ['u0', 'quiet', 'u15'],
  );
  await site.clock.advance(30_000);
  assert.deepEqual(site.behind(), []);
});

test('a skipped user waits as one who is locked, and comes at once when no longer skipped', async () => {
  using site = new Site();
  const { daemon } = site.start();
  assert.equal(daemon.skip('u1'), 'done');
  assert.equal(daemon.skip('u1'), 'as-it-was');
  await site.change(...mailboxes('u0', 'u1'));
  await site.clock.advance(600_000);
  assert.deepEqual(site.startsOf('u1'), []);
  assert.ok(site.linesOnDisk().includes('MAILBOX user.u1'));
  assert.deepEqual(
    site.eventsOf('rolling:parked').map(({ user, why }) => [user, why]),
    [['u1', 'skipped']],
  );
  assert.equal(daemon.unskip('u1'), 'done');
  assert.equal(daemon.unskip('u1'), 'as-it-was');
  await site.clock.advance(50);
  assert.deepEqual(site.behind(), []);
});

test('one in quarantine is tried at once when that is asked for', async () => {
  using site = new Site();
  let broken = true;
  site.resultOf = (action) => (broken && isUser(action, 'u1') ? failed() : undefined);
  await site.change(...mailboxes('u1'));
  const { daemon } = site.start();
  await site.clock.advance(1_800_000);
  assert.equal(daemon.backlog().quarantined.length, 1);
  broken = false;
  assert.equal(daemon.retry('u1'), 'done');
  await site.clock.advance(50);
  assert.deepEqual(site.behind(), []);
  assert.equal(daemon.backlog().quarantined.length, 0);
  assert.equal(daemon.retry('u1'), 'as-it-was');
});

test('more units run at a time as soon as more are allowed', async () => {
  using site = new Site();
  site.workTime = () => 10_000;
  await site.change(...mailboxes(...many));
  const { daemon } = site.start({ parallel: 2 });
  await site.clock.advance(500);
  assert.equal(site.begun.length, 2);
  daemon.setParallel(9);
  await site.clock.advance(50);
  assert.equal(site.begun.length, 9);
  daemon.setParallel(1);
  await site.clock.advance(10_100);
  assert.equal(site.begun.length, 10);
});

test('whatever it is told counts at once, and not at its next look at the log', async () => {
  using site = new Site();
  const atOnce = () => site.clock.advance(2);
  site.workTime = () => 1;
  const broken = new Set(['u1']);
  site.resultOf = (action) => ([...broken].some((user) => isUser(action, user)) ? failed() : undefined);
  await site.change(...mailboxes('u1', 'u2'));
  const { daemon, ended } = site.start({ parallel: 2, repeatIntervalMs: 3_600_000 });
  daemon.skip('u2');
  await site.clock.advance(10 * 60_000 + 300);
  assert.deepEqual(site.behind(), ['mailbox user.u1', 'mailbox user.u2']);
  broken.clear();

  daemon.retry('u1');
  await atOnce();
  assert.deepEqual(site.behind(), ['mailbox user.u2']);
  daemon.unskip('u2');
  await atOnce();
  assert.deepEqual(site.behind(), []);

  site.workTime = () => 500;
  site.begun.splice(0);
  daemon.hasten('u3');
  await atOnce();
  assert.deepEqual(site.startsOf('u3').length, 1);
  daemon.setParallel(1);
  daemon.hasten('u4');
  await atOnce();
  assert.deepEqual(site.startsOf('u4'), []);
  daemon.setParallel(2);
  await atOnce();
  assert.equal(site.startsOf('u4').length, 1);
  await site.clock.advance(500);

  site.paused = true;
  daemon.hasten('u5');
  await atOnce();
  assert.deepEqual(site.startsOf('u5'), []);
  site.paused = false;
  daemon.braked();
  await atOnce();
  assert.equal(site.startsOf('u5').length, 1);
  await site.clock.advance(500);

  daemon.replicaClosedIdle();
  await atOnce();
  assert.equal(site.connects, 2);
  daemon.stop();
  await atOnce();
  assert.equal(ended()?.reason, 'signal');
});

test('whoever asks how things stand while the log cannot be read is told that, and the daemon goes on', async () => {
  using site = new Site();
  let isReadable = false;
  const log = new ChannelLog(site.file, (event) => site.events.push(event));
  const waiting = log.waiting.bind(log);
  log.waiting = () => {
    if (!isReadable) throw new SyncError('IO', 'stale file handle');
    return waiting();
  };
  const { daemon, ended } = site.start({}, { log });
  await site.clock.advance(100);
  daemon.tellBacklog();
  assert.deepEqual(
    site.eventsOf('rolling:file-failed').map(({ error }) => [error.code, error.phase, error.message]),
    [['IO', 'log', 'stale file handle']],
  );
  isReadable = true;
  daemon.tellBacklog();
  assert.equal(site.eventsOf('rolling:backlog').length, 1);
  assert.equal(ended(), undefined);
});
