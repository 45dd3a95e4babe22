import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';
import type { ActionResult } from '../../../src/replicate/jobs/action.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { QUARANTINE_AFTER } from '../../../src/rolling/limits.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { InputLog } from '../../../src/rolling/log/input-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { failed, isUser, linkError, Site } from './site.ts';

const HOUR = 3_600_000;

function mailbox(name: string): LogLine {
  return { type: 'MAILBOX', name };
}

test('changes reach the replica within one interval, and nothing is left on disk', async () => {
  using site = new Site();
  site.start();
  await site.change(mailbox('user.alice'), { type: 'SUB', userid: 'bob', name: 'user.alice' });
  await site.clock.advance(1100);
  await site.change({ type: 'QUOTA', root: 'user.alice' });
  await site.clock.advance(1100);
  assert.deepEqual(site.behind(), []);
  assert.ok(!existsSync(site.file) && !existsSync(`${site.file}-run`));
});

test('units of one pass run side by side, no more than allowed', async () => {
  using site = new Site();
  site.workTime = () => 500;
  await site.change(...['a', 'b', 'c', 'd', 'e'].map((user) => mailbox(`user.${user}`)));
  site.start({ parallel: 4 });
  await site.clock.advance(100);
  assert.equal(site.begun.length, 4);
  await site.clock.advance(600);
  assert.equal(site.begun.length, 5);
});

test('a user who is busy from an earlier pass is queued behind itself, and nobody else is held up', async () => {
  using site = new Site();
  site.workTime = (action) => (isUser(action, 'giant') ? 10_000 : 10);
  site.start();
  await site.change(mailbox('user.giant'));
  await site.clock.advance(1500);
  for (let i = 0; i < 5; i++) {
    await site.change(mailbox('user.giant'), mailbox(`user.small${i}`));
    await site.clock.advance(1100);
    assert.equal(site.behind().filter((object) => !object.includes('giant')).length, 0);
    assert.equal(site.startsOf('giant').length, 1, 'not twice at a time');
  }
  await site.clock.advance(30_000);
  assert.deepEqual(site.behind(), []);
  assert.equal(site.startsOf('giant').length, 2, 'five changes behind a running one are one more run');
  assert.deepEqual(site.linesOnDisk(), []);
});

test('a user whose changes never end keeps its place in a long queue', async () => {
  using site = new Site();
  site.workTime = () => 2000;
  await site.change(...Array.from({ length: 20 }, (_, i) => mailbox(`user.u${i}`)));
  site.start({ parallel: 1 });
  for (let i = 0; i < 30; i++) {
    await site.change(mailbox('user.u10'));
    await site.clock.advance(1000);
  }
  assert.ok(site.startsOf('u10').length >= 1);
});

test('tied users keep their order: the unit waits until none of them is busy', async () => {
  using site = new Site();
  site.workTime = (action) => (isUser(action, 'alice') ? 3000 : 10);
  site.start();
  await site.change(mailbox('user.alice'));
  await site.clock.advance(1100);
  await site.change({ type: 'RENAME', from: 'user.alice.x', to: 'user.bob.x' });
  await site.clock.advance(1100);
  assert.deepEqual(site.startsOf('bob'), []);
  await site.clock.advance(10_000);
  assert.deepEqual(site.behind(), []);
});

test('a locked user is parked, holds up nobody, costs no line per try, and is synced once the lock is gone', async () => {
  using site = new Site();
  let locked = true;
  site.resultOf = (action) =>
    locked && isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined;
  site.start();
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  for (let i = 0; i < 20; i++) {
    await site.clock.advance(5000);
    await site.change(mailbox('user.bob'));
    await site.clock.advance(1100);
    assert.deepEqual(site.behind(), ['mailbox user.alice']);
    assert.ok(site.linesOnDisk().length <= 2, 'what is parked, and the last pass');
    assert.ok(site.linesOnDisk().includes('MAILBOX user.alice'));
  }
  assert.ok(site.startsOf('alice').length > 3 && site.startsOf('alice').length < 15);
  assert.deepEqual(
    site.eventsOf('rolling:parked').map(({ why }) => why),
    ['locked'],
  );
  locked = false;
  await site.clock.advance(40_000);
  assert.deepEqual(site.behind(), []);
  assert.deepEqual(site.linesOnDisk(), []);
});

test('with a channel and -N a locked user is handed back to the log once, as Deferred', async () => {
  using site = new Site('ch');
  let locked = true;
  site.resultOf = (action) =>
    locked && isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined;
  site.start({ relogLocked: true });
  await site.change(mailbox('user.alice.{x}'), { type: 'META', userid: 'alice' });
  await site.clock.advance(60_000);
  assert.deepEqual(
    site.logged().filter((text) => text.includes('Deferred')),
    ['  Deferred: MAILBOX "user.alice.\\{x\\}"', '  Deferred: META alice'],
  );
  assert.equal(site.linesOnDisk().length, 2);
  locked = false;
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
});

test('a user who is locked once more, after it was synced, is told of once more', async () => {
  using site = new Site();
  let locked = true;
  site.resultOf = (action) =>
    locked && isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined;
  site.start();
  for (const times of [1, 2]) {
    locked = true;
    await site.change(mailbox('user.alice'));
    await site.clock.advance(60_000);
    assert.equal(site.eventsOf('rolling:parked').length, times);
    locked = false;
    await site.clock.advance(60_000);
    assert.deepEqual(site.behind(), []);
  }
});

test('a user who is locked once more, after something else failed, is told of once more', async () => {
  using site = new Site();
  const results: ActionResult[] = [
    { kind: 'locked', user: 'alice' },
    failed(),
    { kind: 'locked', user: 'alice' },
  ];
  site.resultOf = () => results.shift();
  site.start();
  await site.change({ type: 'USER', userid: 'alice' });
  await site.clock.advance(600_000);
  assert.equal(site.eventsOf('rolling:parked').length, 2);
  assert.deepEqual(site.behind(), []);
});

test('a skipuser file parks the user without asking the replica, and each other reason to wait is told once', async () => {
  using site = new Site();
  site.skipped.add('alice');
  const { daemon } = site.start();
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  await site.clock.advance(30_000);
  assert.deepEqual(site.startsOf('alice'), []);
  assert.deepEqual(site.behind(), ['mailbox user.alice']);
  daemon.skip('alice');
  await site.clock.advance(60_000);
  daemon.unskip('alice');
  await site.clock.advance(60_000);
  assert.deepEqual(
    site.eventsOf('rolling:parked').map(({ why }) => why),
    ['skip-file', 'skipped', 'skip-file'],
  );
  site.skipped.clear();
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
});

test('a poison user backs off into quarantine, holds up nobody, and is released once it can be synced', async () => {
  using site = new Site();
  let poison = true;
  site.resultOf = (action) => (poison && isUser(action, 'mallory') ? failed() : undefined);
  const { daemon } = site.start();
  await site.change(mailbox('user.mallory'), mailbox('user.bob'));
  await site.clock.advance(1100);
  assert.deepEqual(site.behind(), ['mailbox user.mallory']);
  assert.ok(site.logged().includes('  Promoting: MAILBOX user.mallory -> USER mallory'));
  for (let i = 0; i < 60; i++) {
    await site.change(mailbox('user.bob'), mailbox('user.mallory'));
    await site.clock.advance(60_000);
    assert.deepEqual(site.behind(), ['mailbox user.mallory']);
    assert.ok(site.linesOnDisk().length <= 4, 'what is parked, and the last pass');
  }
  assert.ok(site.startsOf('mallory').length < 40, `${site.startsOf('mallory').length} tries in an hour`);
  assert.equal(site.eventsOf('rolling:quarantined').length, 1);
  const [quarantined] = daemon.backlog().quarantined;
  assert.equal(quarantined?.user, 'mallory');
  assert.ok((quarantined?.failures ?? 0) >= QUARANTINE_AFTER);
  poison = false;
  await site.clock.advance(HOUR);
  assert.deepEqual(site.behind(), []);
  assert.deepEqual(daemon.backlog().quarantined, []);
  assert.equal(site.eventsOf('rolling:released').length, 1);
  assert.deepEqual(site.linesOnDisk(), []);
});

test('new lines of a failing user do not shorten its pause', async () => {
  using site = new Site();
  site.resultOf = (action) => (isUser(action, 'mallory') ? failed() : undefined);
  site.start();
  for (let i = 0; i < 100; i++) {
    await site.change({ type: 'USER', userid: 'mallory' });
    await site.clock.advance(1000);
  }
  assert.ok(site.startsOf('mallory').length <= 10);
});

test('an UNUSER waits for what was moved away, through failures of it', async () => {
  using site = new Site();
  let broken = true;
  site.resultOf = (action) =>
    broken && action.kind === 'user' && action.userid === 'new' ? failed() : undefined;
  site.start();
  await site.change(
    { type: 'RENAME', from: 'user.old', to: 'user.new' },
    { type: 'UNUSER', userid: 'old' },
    { type: 'USER', userid: 'new' },
  );
  await site.clock.advance(60_000);
  assert.ok(!site.begun.some(({ action }) => action.kind === 'unuser'));
  broken = false;
  await site.clock.advance(HOUR);
  assert.deepEqual(site.behind(), []);
});

test('rolling_retry_wait_limit: an outage is waited out 15, 20, 20, 20 seconds and loses nothing', async () => {
  using site = new Site();
  site.replicaUp = false;
  site.start({ reconnectMaxWaitSeconds: 20 });
  await site.change(mailbox('user.alice'));
  await site.clock.advance(74_000);
  assert.deepEqual(
    site.eventsOf('connection:failed').map((event) => event.retryInSeconds),
    [15, 20, 20, 20],
  );
  site.replicaUp = true;
  await site.clock.advance(21_000);
  assert.deepEqual(site.behind(), []);
});

test('an outage in the middle of work pauses the queue, blames nobody and loses nothing', async () => {
  using site = new Site();
  site.workTime = () => 2000;
  const { daemon } = site.start();
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  await site.clock.advance(1500);
  site.replicaUp = false;
  await site.change(mailbox('user.carol'));
  await site.clock.advance(5000);
  assert.equal(daemon.backlog().link, 'down');
  assert.equal(daemon.backlog().lines, 3);
  assert.equal(site.eventsOf('connection:lost').length, 1);
  assert.ok(site.linesOnDisk().length >= 3);
  await site.clock.advance(5 * 60_000);
  site.replicaUp = true;
  await site.clock.advance(30_000);
  assert.deepEqual(site.behind(), []);
  assert.equal(site.eventsOf('rolling:retry').length, 0);
});

test('BYE while idle is noticed, is no error, and is followed by a new connection', async () => {
  using site = new Site();
  const { daemon } = site.start();
  await site.clock.advance(1000);
  daemon.replicaClosedIdle();
  await site.clock.advance(1000);
  assert.equal(site.connects, 2);
  assert.deepEqual(
    site.events.filter((event) => event.kind === 'connection:lost' || event.kind === 'rolling:retry'),
    [],
  );
  await site.change(mailbox('user.alice'));
  await site.clock.advance(2000);
  assert.deepEqual(site.behind(), []);
});

test('clean_remote_shutdown_while_rolling: in the old way the process ends when the replica goes away', async () => {
  using site = new Site();
  const { daemon, ended } = site.start({ exitWhenReplicaGone: true });
  await site.clock.advance(1000);
  daemon.replicaClosedIdle();
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'replica-gone');
});

test('in the old way what was under way when the replica went stays in log-run', async () => {
  using site = new Site();
  site.workTime = () => 500;
  await site.change(mailbox('user.alice'));
  const { ended } = site.start({ exitWhenReplicaGone: true });
  await site.clock.advance(200);
  site.replicaUp = false;
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'replica-gone');
  assert.equal(ended()?.unfinished, 1);
  assert.equal(readFileSync(`${site.file}-run`, 'latin1'), 'MAILBOX user.alice\n');
});

test('connect_once: the first connection is tried once', async () => {
  using site = new Site();
  site.replicaUp = false;
  const { ended } = site.start({ connectOnce: true });
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'not-connected');
  assert.equal(site.connects, 1);
});

const wrongPassword = new SyncError('AUTHENTICATION_FAILED', 'wrong password', { family: 'link' });
const wrong = (): Promise<void> => Promise.reject(wrongPassword);

test('-1 with a wrong password ends at once, says why, and leaves the log for the next time', async () => {
  using site = new Site();
  await site.change(mailbox('user.alice'));
  const { ended } = site.start({ once: true }, { connect: wrong });
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'not-connected');
  assert.equal(ended()?.error?.code, 'AUTHENTICATION_FAILED');
  assert.equal(readFileSync(site.file, 'latin1'), 'MAILBOX user.alice\n');
});

test('a daemon with a wrong password goes on trying, and says each time why and when the next try is', async () => {
  using site = new Site();
  await site.change(mailbox('user.alice'));
  let right = false;
  const connect = (): Promise<void> => (right ? Promise.resolve() : wrong());
  const { ended } = site.start({}, { connect });
  await site.clock.advance(40_000);
  assert.equal(ended(), undefined);
  assert.deepEqual(
    site.eventsOf('connection:failed').map(({ error, retryInSeconds }) => [error.code, retryInSeconds]),
    [
      ['AUTHENTICATION_FAILED', 15],
      ['AUTHENTICATION_FAILED', 20],
      ['AUTHENTICATION_FAILED', 20],
    ],
  );
  right = true;
  await site.clock.advance(25_000);
  assert.deepEqual(site.behind(), []);
});

test('-1 without a log ends at once', async () => {
  using site = new Site();
  const { end } = site.start({ once: true });
  assert.deepEqual(await end, { reason: 'once', unfinished: 0, failures: [] });
});

test('-1 goes through one log, promotes, and leaves in log-run what failed', async () => {
  using site = new Site();
  site.resultOf = (action) => (isUser(action, 'mallory') ? failed() : undefined);
  await site.change(mailbox('user.mallory'), mailbox('user.bob'), { type: 'META', userid: 'bob' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'once');
  assert.equal(ended()?.unfinished, 1);
  assert.deepEqual(
    ended()?.failures.map(({ user }) => user),
    ['mallory'],
  );
  assert.equal(readFileSync(`${site.file}-run`, 'latin1'), 'USER mallory\n');
});

test('-1 with a locked user and a channel: deferred to the log, log-run is gone', async () => {
  using site = new Site('ch');
  site.resultOf = (action) => (isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined);
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  const { ended } = site.start({ once: true, relogLocked: true });
  await site.clock.advance(1000);
  assert.equal(ended()?.unfinished, 0);
  assert.ok(!existsSync(`${site.file}-run`));
  assert.equal(readFileSync(site.file, 'latin1'), 'MAILBOX user.alice\n');
});

test('-1 with a locked user and no channel: log-run stays', async () => {
  using site = new Site();
  site.resultOf = (action) => (isUser(action, 'alice') ? { kind: 'locked', user: 'alice' } : undefined);
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  const { ended } = site.start({ once: true });
  await site.clock.advance(1000);
  assert.equal(ended()?.unfinished, 1);
  assert.equal(readFileSync(`${site.file}-run`, 'latin1'), 'MAILBOX user.alice\n');
});

test('-1 ends although a unit breaks its connection each time', async () => {
  using site = new Site();
  site.resultOf = (action) => (isUser(action, 'mallory') ? { kind: 'failed', error: linkError } : undefined);
  await site.change(mailbox('user.mallory'));
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.equal(ended()?.reason, 'once');
  assert.equal(ended()?.unfinished, 1);
  assert.equal(ended()?.failures[0]?.error.code, 'LINK_BROKEN');
});

test('sync_empty_file: an empty file given with -f is a success', async () => {
  using site = new Site();
  const file = join(site.directory, 'lines');
  writeFileSync(file, '');
  const { ended } = site.start({ once: true }, { log: new InputLog(file, () => 0) });
  await site.clock.advance(1000);
  assert.deepEqual(ended(), { reason: 'once', unfinished: 0, failures: [] });
});

test('a file given with -f is gone through once and left as it is', async () => {
  using site = new Site();
  const file = join(site.directory, 'lines');
  await appendToLog(file, [mailbox('user.alice'), { type: 'USER', userid: 'mallory' }]);
  const before = readFileSync(file, 'latin1');
  site.resultOf = (action) => (isUser(action, 'mallory') ? failed() : undefined);
  const { ended } = site.start({ once: true }, { log: new InputLog(file, () => 0) });
  await site.clock.advance(1000);
  assert.equal(ended()?.unfinished, 1);
  assert.equal(readFileSync(file, 'latin1'), before);
  assert.deepEqual(
    site.begun.map(({ action }) => action.kind),
    ['mailboxes', 'user'],
  );
});

test('a file given with -f that is not there is an error that names it', async () => {
  using site = new Site();
  const { ended } = site.start({ once: true }, { log: new InputLog('/nonexistent/lines', () => 0) });
  await site.clock.advance(1000);
  assert.equal(ended()?.reason, 'log-failed');
  assert.ok(site.logged().some((text) => text.includes('/nonexistent/lines')));
});

test('-f - reads standard input to its end', async () => {
  using site = new Site();
  const input = Readable.from([Buffer.from('MAILBOX user.al'), Buffer.from('ice\nUSER bob')]);
  const { end } = site.start({ once: true }, { log: new InputLog('-', () => 0, input) });
  void end;
  for (let i = 0; i < 20 && site.begun.length < 2; i++) await site.clock.advance(100);
  assert.deepEqual(
    site.begun.map(({ action }) => action),
    [
      { kind: 'mailboxes', names: ['user.alice'] },
      { kind: 'user', userid: 'bob' },
    ],
  );
});

test('the shutdown file is looked for before the first pass, and what runs is let finish', async () => {
  using site = new Site();
  site.shutdown = true;
  await site.change(mailbox('user.alice'));
  const first = site.start();
  await site.clock.advance(100);
  assert.equal(first.ended()?.reason, 'shutdown-file');
  assert.deepEqual(site.begun, []);

  site.workTime = () => 5000;
  const second = site.start();
  await site.clock.advance(100);
  site.shutdown = true;
  await site.clock.advance(2000);
  assert.equal(second.ended(), undefined);
  await site.clock.advance(4000);
  assert.deepEqual(second.ended(), { reason: 'shutdown-file', unfinished: 0, failures: [] });
  assert.deepEqual(site.behind(), []);
});

test('stop starts nothing more and leaves the rest in log-run', async () => {
  using site = new Site();
  site.workTime = () => 5000;
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  const { daemon, ended } = site.start({ parallel: 1 });
  await site.clock.advance(100);
  daemon.stop();
  await site.clock.advance(10_000);
  assert.equal(ended()?.reason, 'signal');
  assert.equal(readFileSync(`${site.file}-run`, 'latin1'), 'MAILBOX user.bob\n');
});

test('stop ends a connection attempt that hangs', async () => {
  using site = new Site();
  const { daemon, ended } = site.start({}, { connect: () => new Promise(() => {}) });
  await site.clock.advance(1000);
  daemon.stop();
  await site.clock.advance(1);
  assert.equal(ended()?.reason, 'signal');
});

test('-t makes the connections anew, not with -1', async () => {
  using site = new Site();
  site.start({ sessionTimeoutMs: 600_000 });
  await site.clock.advance(1_300_000);
  assert.equal(site.restarts, 2);
  assert.ok(site.logged().includes('sync_client RESTART succeeded'));
});

test('connections are made anew neither with -1 nor while it is paused, nor before the time is over', async () => {
  for (const [options, paused] of [
    [{ once: true }, false],
    [{}, true],
  ] as const) {
    using site = new Site();
    site.workTime = () => 2_000_000;
    await site.change(mailbox('user.alice'));
    const { daemon } = site.start({ sessionTimeoutMs: 600_000, ...options });
    await site.clock.advance(1_000);
    site.paused = paused;
    daemon.braked();
    await site.clock.advance(1_300_000);
    assert.equal(site.restarts, 0);
  }
  using site = new Site();
  site.start({ sessionTimeoutMs: 600_000 });
  await site.clock.advance(600_000);
  assert.equal(site.restarts, 0);
  await site.clock.advance(2_000);
  assert.equal(site.restarts, 1);
});

test('how things stand is told at the interval, the first time after it', async () => {
  using site = new Site();
  site.start({ reportIntervalMs: 7_000 });
  const told = () => site.eventsOf('rolling:backlog').length;
  await site.clock.advance(6_900);
  assert.equal(told(), 0);
  await site.clock.advance(200);
  assert.equal(told(), 1);
  await site.clock.advance(6_800);
  assert.equal(told(), 1);
  await site.clock.advance(200);
  assert.equal(told(), 2);
  using quiet = new Site();
  quiet.start();
  await quiet.clock.advance(600_000);
  assert.deepEqual(quiet.eventsOf('rolling:backlog'), []);
});

test('a replica that is lost while connections are made anew is connected to again at once', async () => {
  using site = new Site();
  const restart = async (): Promise<void> => {
    throw new SyncError('LINK_BROKEN', 'connection reset', { family: 'link', retryable: true });
  };
  site.start({ sessionTimeoutMs: 600_000, repeatIntervalMs: 3_600_000 }, { restart });
  await site.clock.advance(599_999);
  assert.equal(site.connects, 1);
  await site.clock.advance(1_001);
  assert.equal(site.connects, 2);
  assert.equal(site.eventsOf('rolling:restart-failed').length, 1);
});

test('a shutdown file that cannot be looked for ends it, since nobody could end it by that', async () => {
  using site = new Site();
  const { ended } = site.start(
    {},
    {
      shutdownRequested: () => {
        throw new SyncError('IO', 'EACCES: permission denied');
      },
    },
  );
  await site.clock.advance(1);
  assert.equal(ended()?.reason, 'shutdown-file');
  assert.equal(site.eventsOf('rolling:file-failed').length, 1);
});

test('-d: the log is looked at no more often than asked', async () => {
  using site = new Site();
  site.start({ repeatIntervalMs: 30_000 });
  await site.clock.advance(1);
  await site.change(mailbox('user.alice'));
  await site.clock.advance(29_000);
  assert.deepEqual(site.begun, []);
  await site.clock.advance(1100);
  assert.deepEqual(site.behind(), []);
});

test('with an interval of 0 a change waits for the next look, which is at once as people see it', async () => {
  using site = new Site();
  site.start({ repeatIntervalMs: 0 });
  await site.clock.advance(1);
  await site.change(mailbox('user.alice'));
  await site.clock.advance(25);
  assert.equal(site.begun.length, 1);
});

test('a bad line is reported with its number, and the rest of the log is done', async () => {
  using site = new Site();
  await site.change(mailbox('user.alice'));
  writeFileSync(site.file, 'FROB x\nMAILBOX user.bob', { flag: 'a' });
  site.start();
  await site.clock.advance(1000);
  const [bad] = site.eventsOf('rolling:bad-line');
  assert.equal(bad?.line, 2);
  assert.equal(site.eventsOf('rolling:pass')[0]?.bad, 1);
  assert.deepEqual(
    site.begun.map(({ unit }) => unit.users),
    [['alice'], ['bob']],
  );
});

test('the backlog tells lines, age, users in flight and the last success', async () => {
  using site = new Site();
  site.workTime = () => 10_000;
  const { daemon } = site.start({ parallel: 1, reportIntervalMs: 5000 });
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  await site.clock.advance(1500);
  await site.change(mailbox('user.bob'), mailbox('user.carol'));
  const before = daemon.backlog();
  assert.equal(before.lines, 4);
  assert.equal(before.inFlight, 1);
  assert.equal(before.waiting, 1);
  assert.equal(before.lastSuccess, undefined);
  assert.notEqual(before.oldestMs, undefined);
  await site.clock.advance(60_000);
  const after = daemon.backlog();
  assert.equal(after.lines, 0);
  assert.equal(after.oldestMs, undefined);
  assert.notEqual(after.lastSuccess, undefined);
  assert.ok(site.eventsOf('rolling:backlog').length >= 10);
});

test('the oldest line is as old as the time since it was logged', async () => {
  using site = new Site();
  site.workTime = () => 100_000;
  const { daemon } = site.start({ parallel: 1 });
  await site.change(mailbox('user.alice'));
  await site.clock.advance(60_000);
  const first = daemon.backlog().oldestMs ?? Number.NaN;
  await site.clock.advance(30_000);
  assert.equal((daemon.backlog().oldestMs ?? Number.NaN) - first, 30_000);
  // The log was made some moments after the clock of the site, by a clock of the kernel that is some milliseconds late.
  assert.ok(first > 30_000 && first < 61_000, String(first));
});

test('two channels, one to a slow replica: neither holds up the other', async () => {
  using slow = new Site('slow');
  using fast = new Site('fast');
  slow.workTime = () => 60_000;
  slow.start();
  fast.start();
  for (let i = 0; i < 10; i++) {
    await slow.change(mailbox(`user.u${i}`));
    await fast.change(mailbox(`user.u${i}`));
    await slow.clock.advance(1100);
    await fast.clock.advance(1100);
    assert.deepEqual(fast.behind(), []);
  }
  assert.equal(slow.behind().length, 10);
  await slow.clock.advance(10 * 60_000);
  assert.deepEqual(slow.behind(), []);
});

test('a rejected run is a failure of that unit only', async () => {
  using site = new Site();
  await site.change(mailbox('user.alice'), mailbox('user.bob'));
  const { daemon } = site.start(
    {},
    {
      run: async (unit) => {
        if (unit.users.includes('alice')) throw new Error('boom');
        return { results: unit.actions.map(() => ({ kind: 'done' })) };
      },
    },
  );
  await site.clock.advance(900);
  assert.deepEqual(
    site.eventsOf('rolling:retry').map(({ user, error }) => [user, error.code]),
    [['alice', 'BUG']],
  );
  assert.equal(daemon.backlog().lines, 1);
});

test('a runner that answers nothing does not make the loop spin', async () => {
  using site = new Site();
  let runs = 0;
  await site.change(mailbox('user.alice'));
  site.start(
    {},
    {
      run: async () => {
        runs++;
        return { results: [] };
      },
    },
  );
  await site.clock.advance(60_000);
  assert.ok(runs < 10);
});
