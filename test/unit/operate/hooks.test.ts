import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { cutToOctets } from '../../../src/operate/hooks/cut-to-octets.ts';
import { HookFacts } from '../../../src/operate/hooks/hook-facts.ts';
import { hooks } from '../../../src/operate/hooks/hooks.ts';
import { watchLag } from '../../../src/operate/hooks/watch-lag.ts';
import type { Backlog, SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { error } from './run-events.ts';

const about = {
  ...{ run: '17-4', channel: 'offsite', server: 'replica', lagLimitSeconds: 600 },
  spellMailbox: (internal: string): string => internal.replaceAll('.', '/'),
};

function failed(user: string): SyncEvent {
  return {
    kind: 'user:failed',
    user,
    work: 'user',
    error: { ...error, mailbox: 'user.anna.Sent', hint: 'mend it' },
  };
}

const quiet: Omit<Backlog, 'oldestMs'> = {
  channel: 'offsite',
  lines: 7,
  inFlight: 0,
  waiting: 0,
  locked: 0,
  quarantined: [],
  lastSuccess: undefined,
  link: 'up',
};

function backlog(oldestMs: number | undefined): SyncEvent {
  return { kind: 'rolling:backlog', backlog: { ...quiet, oldestMs } };
}

class HookScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'hooks-'));
  readonly events: SyncEvent[] = [];

  program(name: string, body: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('a program has the facts in its environment, through no shell, and no secret of ours', async () => {
  using scene = new HookScene();
  const told = join(scene.directory, 'told');
  const program = scene.program('hook $(touch owned)', `env | sort > ${told}; exit 3`);
  const environment = {
    PATH: '/usr/bin:/bin',
    SYNC_PASSWORD: 'secret',
    CYRUS_SYNC_SETTINGS: '/etc/secret.ini',
  };
  const called = hooks({ on_failure: program }, about, environment, (event) => scene.events.push(event));
  called.hear(failed("anna'; touch owned; '"));
  called.hear({ kind: 'user:absent', user: 'bert' });
  await called.ended();
  const lines = readFileSync(told, 'utf8').split('\n');
  for (const line of [
    ...[
      'CYRUS_SYNC_HOOK=on_failure',
      'CYRUS_SYNC_RUN=17-4',
      'CYRUS_SYNC_CHANNEL=offsite',
      'CYRUS_SYNC_CODE=IO',
    ],
    ...[
      "CYRUS_SYNC_USER=anna'; touch owned; '",
      'CYRUS_SYNC_MAILBOX=user/anna/Sent',
      'CYRUS_SYNC_HINT=mend it',
    ],
    ...['CYRUS_SYNC_MESSAGE=user/anna/Sent: disk full', 'CYRUS_SYNC_SERVER=replica'],
  ]) {
    assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
  }
  assert.ok(!/secret/.test(lines.join()));
  assert.ok(!existsSync(join(scene.directory, 'owned')) && !existsSync('/owned'));
  const [end] = scene.events;
  assert.ok(end?.kind === 'hook:ended' && end.code === 3 && end.program === program);
});

test('a program that hangs is ended, and one that cannot be started is told of', async () => {
  using scene = new HookScene();
  const programs = { on_failure: scene.program('hangs', 'exec sleep 1000'), on_done: '/nowhere/hook' };
  const called = hooks(programs, about, { PATH: '/usr/bin:/bin' }, (event) => scene.events.push(event), 100);
  called.hear(failed('anna'));
  const summary = {
    ...{ synced: 1, absent: 0, locked: 0, failed: 1, unmatched: 0, messagesUploaded: 2, octetsUploaded: 3 },
    ...{ mailboxesUpdated: 1, elapsedMs: 1_500, failures: [], unreached: [], allFound: true },
    connections: { most: 1, why: 'asked' as const },
  };
  called.hear({ kind: 'run:end', summary });
  await called.ended();
  const ends = scene.events.flatMap((event) =>
    event.kind === 'hook:ended' ? [[event.hook, event.reason]] : [],
  );
  assert.deepEqual(ends.sort(), [
    ['on_done', 'spawn /nowhere/hook ENOENT'],
    ['on_failure', 'ended by SIGKILL'],
  ]);
});

test('a program that cannot be started for a reason that Node throws is told of as well, and the next is called', async () => {
  using scene = new HookScene();
  const noFolder = join(scene.program('hook', 'exit 0'), 'below');
  const called = hooks({ on_failure: noFolder }, about, { PATH: '/usr/bin:/bin' }, (event) =>
    scene.events.push(event),
  );
  for (const user of ['anna', 'bert']) called.hear(failed(user));
  await called.ended();
  const ends = scene.events.map((event) =>
    event.kind === 'hook:ended' ? [event.program, event.code, event.reason] : event.kind,
  );
  const end = [noFolder, undefined, 'spawn ENOTDIR'];
  assert.deepEqual(ends, [end, end]);
});

test('facts that are too long for an environment are cut between characters, and the program runs', async () => {
  using scene = new HookScene();
  const told = join(scene.directory, 'told');
  const program = scene.program(
    'hook',
    `printf '%s\\n%s' "$CYRUS_SYNC_MESSAGE" "$CYRUS_SYNC_HINT" > ${told}`,
  );
  const called = hooks({ on_failure: program }, about, { PATH: '/usr/bin:/bin' }, (event) =>
    scene.events.push(event),
  );
  const message = 'x\u20ac'.repeat(100_000);
  called.hear({
    ...{ kind: 'user:failed', user: 'anna', work: 'user' },
    error: { ...error, message, hint: 'mend it' },
  });
  await called.ended();
  const [end] = scene.events;
  assert.ok(end?.kind === 'hook:ended' && end.code === 0, JSON.stringify(end));
  const [cut = '', hint] = readFileSync(told, 'utf8').split('\n');
  assert.match(cut, /^(x\u20ac){1000,}x?\.\.\.$/u);
  assert.equal(hint, 'mend it');
});

test('a text is cut only where it is too long, and never inside a character', () => {
  for (const fitting of ['', 'x'.repeat(16), '\u{1f600}'.repeat(4)])
    assert.equal(cutToOctets(fitting, 16), fitting);
  assert.equal(cutToOctets('x'.repeat(17), 16), `${'x'.repeat(13)}...`);
  for (const [lead, kept] of [
    ['', 3],
    ['x', 3],
    ['xx', 2],
    ['xxx', 2],
  ] as const)
    assert.equal(cutToOctets(`${lead}${'\u{1f600}'.repeat(9)}`, 16), `${lead}${'\u{1f600}'.repeat(kept)}...`);
});

test('a thousand failures do not start a thousand programs, and that is said once', async () => {
  using scene = new HookScene();
  const program = scene.program('hook', 'exit 0');
  const called = hooks({ on_failure: program }, about, { PATH: '/usr/bin:/bin' }, (event) =>
    scene.events.push(event),
  );
  for (let index = 0; index < 1_000; index++) called.hear(failed(`u${index}`));
  await called.ended();
  const kinds = scene.events.map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'hook:left-out').length, 1);
  const ended = kinds.filter((kind) => kind === 'hook:ended').length;
  assert.ok(ended >= 50 && ended <= 60, String(ended));
});

test('to be behind is told once, and again only after the channel had caught up', () => {
  const facts = new HookFacts(about);
  const calls = [undefined, 599_000, 601_000, 900_000, 5_000, 700_000].map((oldestMs) =>
    facts
      .callsFor(backlog(oldestMs))
      .map(({ hook, facts: told }) => [hook, told.CYRUS_SYNC_OLDEST_SECONDS, told.CYRUS_SYNC_LINES]),
  );
  assert.deepEqual(calls, [[], [], [['on_lag', '601', '7']], [], [], [['on_lag', '700', '7']]]);
});

test('a channel that falls behind is noticed by itself, however seldom its backlog is logged', async () => {
  const clock = new VirtualClock();
  const facts = new HookFacts(about);
  const called: string[] = [];
  let oldestMs: number | undefined;
  let isReadable = true;
  const steering = {
    backlog: (): Backlog => {
      if (!isReadable) throw new SyncError('IO', 'gone');
      return { ...quiet, oldestMs };
    },
  };
  const watching = watchLag(
    about.lagLimitSeconds,
    steering,
    (event) => called.push(...facts.callsFor(event).map(({ hook }) => hook)),
    (delayMs, call) => clock.after(delayMs, call),
  );
  await clock.advance(600_000);
  oldestMs = 601_000;
  isReadable = false;
  await clock.advance(120_000);
  assert.deepEqual(called, []);
  isReadable = true;
  await clock.advance(61_000);
  assert.deepEqual(called, ['on_lag']);
  watching[Symbol.dispose]();
  oldestMs = undefined;
  await clock.advance(120_000);
  oldestMs = 900_000;
  await clock.advance(600_000);
  assert.deepEqual(called, ['on_lag']);
});
