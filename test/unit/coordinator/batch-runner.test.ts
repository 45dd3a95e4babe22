import assert from 'node:assert/strict';
import test from 'node:test';
import { LEAST_LADEN_COMMANDS } from '../../../src/coordinator/limits.ts';
import { BatchRunner, type BatchRunnerParts } from '../../../src/coordinator/pool/batch-runner.ts';
import type { Batch, Job, Outcome } from '../../../src/coordinator/pool/messages.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { inPlaceOf } from '../../lab/engine-scene.ts';
import { fakeSession } from '../../lab/fake-session.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';
import { fakeStore, setup, user } from '../../lab/pool-fakes.ts';

type RunUser = (context: EngineContext, userid: string) => Promise<'synced' | 'absent'>;

function scene(runUser: RunUser, changes: Partial<BatchRunnerParts> = {}) {
  const events: SyncEvent[] = [];
  const log: string[] = [];
  const parts: BatchRunnerParts = {
    setup,
    emit: (event) => events.push(event),
    store: fakeStore(new Map()),
    connect: async () => {
      log.push('connect');
      return fakeSession(log);
    },
    master: undefined,
    scripts: { connect: async () => fakeSession(log), close: async () => undefined, cut: () => undefined },
    verify: (_parts, _subject, replicate) => replicate(),
    pending: { includes: async () => false },
    engine: { runUser, runMeta: runUser, runMailboxes: async () => 'synced', runActions: async () => [] },
    ...changes,
  };
  return { runner: new BatchRunner(parts), events, log };
}

function batch(...userids: string[]): Batch {
  return { id: 1, jobs: userids.map(user) };
}

function summary(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(
    outcomes.map((outcome) => [outcome.job.kind === 'mailboxes' ? '' : outcome.job.userid, outcome.kind]),
  );
}

/** A promise settled from outside. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('store and session are opened once and kept from batch to batch', async () => {
  const { runner, log, events } = scene(async () => 'synced');
  await runner.run(batch('a'));
  await runner.run(batch('b', 'c'));
  assert.deepEqual(log, ['connect']);
  assert.equal(events.filter(({ kind }) => kind === 'connection:open').length, 1);
  await runner.exit();
  assert.deepEqual(log, ['connect', 'exit']);
});

test('as many jobs as lookAhead says are under way at once, and no more', async () => {
  let running = 0;
  let most = 0;
  const { runner } = scene(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    running -= 1;
    return 'synced';
  });
  const outcomes = await runner.run(batch('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'));
  assert.equal(most, setup.options.lookAhead);
  assert.equal(outcomes.length, 9);
});

test('however many users are looked at again later, at once, nothing is said of a leak', async (t) => {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const users = Array.from({ length: 20 }, (_, at) => `u${at}`);
  const verify = { after: false, deep: undefined, repair: false, logs: [] };
  const options = { ...setup.options, lookAhead: users.length, verify };
  const { runner } = scene(async () => 'synced', {
    setup: { ...setup, options },
    async verify({ pause }) {
      await pause(1);
      return 'synced';
    },
  });
  const outcomes = await runner.run(batch(...users));
  assert.deepEqual(new Set(Object.values(summary(outcomes))), new Set(['synced']));
  // Node tells of it in a turn of its own.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual(warnings, []);
});

test('a lost link fails what was in flight, hands back the rest untouched, and the next batch connects anew', async () => {
  const failing = gate();
  const { runner, log, events } = scene(async ({ session }, userid) => {
    if (userid >= 'x') return 'synced';
    if (userid === 'd') failing.open();
    await failing.opened;
    session.destroy();
    throw new SyncError('LINK_BROKEN', 'the replica closed the connection', {
      family: 'link',
      retryable: true,
    });
  });
  const outcomes = await runner.run(batch('a', 'b', 'c', 'd', 'e', 'f'));
  assert.deepEqual(summary(outcomes), {
    a: 'failed',
    b: 'failed',
    c: 'failed',
    d: 'failed',
    e: 'untouched',
    f: 'untouched',
  });
  assert.equal(events.filter(({ kind }) => kind === 'connection:lost').length, 1);
  assert.deepEqual(summary(await runner.run(batch('x'))), { x: 'synced' });
  assert.deepEqual(log, ['connect', 'destroy', 'connect']);
});

test('a borrowed connection that breaks fails the job that borrowed it, and is lost to its lender alone', async () => {
  const lender = scene(async () => 'synced');
  const borrower = scene(async ({ borrow }) => {
    using link = await borrow?.();
    link?.session.destroy();
    throw new SyncError('LINK_BROKEN', 'the replica closed the connection', { family: 'link' });
  });
  const outcomes = await borrower.runner.run(batch('a'), () => lender.runner.link.lend());
  assert.deepEqual(summary(outcomes), { a: 'failed' });
  assert.deepEqual(borrower.log, ['connect']);
  assert.equal(borrower.runner.link.connected, true);
  assert.equal(lender.runner.link.connected, false);
  assert.equal(lender.events.filter(({ kind }) => kind === 'connection:lost').length, 1);
});

test('without a connection every job is untouched, and the phase says why', async () => {
  const { runner } = scene(async () => 'synced', {
    connect: async () => {
      throw new SyncError('LINK_BROKEN', 'closed during the greeting', { family: 'link' });
    },
  });
  const outcomes = await runner.run(batch('a', 'b'));
  assert.deepEqual(summary(outcomes), { a: 'untouched', b: 'untouched' });
  assert.ok(outcomes.every((outcome) => outcome.kind === 'untouched' && outcome.error.phase === 'connect'));
});

test('a refusal, a lock or a bug is the affair of its own job', async () => {
  const { runner } = scene(async (_context, userid) => {
    if (userid === 'refused') throw new SyncError('IMAP_INVALID_USER', 'no', { family: 'refused' });
    if (userid === 'locked') throw new SyncError('USER_LOCKED', 'held', { user: 'locked' });
    if (userid === 'bug') throw new TypeError('undefined is not a function');
    return userid === 'absent' ? 'absent' : 'synced';
  });
  const outcomes = await runner.run(batch('refused', 'locked', 'bug', 'absent', 'fine'));
  assert.deepEqual(summary(outcomes), {
    refused: 'failed',
    locked: 'locked',
    bug: 'failed',
    absent: 'absent',
    fine: 'synced',
  });
  const bug = outcomes.find((outcome) => outcome.kind === 'failed' && outcome.error.code === 'BUG');
  assert.ok(bug?.kind === 'failed' && bug.error.user === 'bug');
});

test('what a job got across is counted for that job alone', async () => {
  const { runner } = scene(async ({ emit }, userid) => {
    emit({ kind: 'command:mailbox', name: `user.${userid}`, local: false });
    emit({ kind: 'user:progress', user: userid, messages: 3, octets: 30 });
    if (userid === 'b') emit({ kind: 'user:progress', user: userid, messages: 4, octets: 40 });
    return 'synced';
  });
  const outcomes = await runner.run(batch('a', 'b'));
  const counts = outcomes.map((outcome) => (outcome.kind === 'synced' ? outcome.counts : undefined));
  assert.deepEqual(counts, [
    { mailboxes: 1, messages: 3, octets: 30 },
    { mailboxes: 1, messages: 7, octets: 70 },
  ]);
});

test('after cancel no further job begins; after cut those in flight end too', async () => {
  const begun: string[] = [];
  const reached = gate();
  const cut = gate();
  const log: string[] = [];
  const session = fakeSession(log);
  const built = scene(
    async (_context, userid) => {
      begun.push(userid);
      if (begun.length === setup.options.lookAhead) reached.open();
      await cut.opened;
      throw new SyncError('CANCELLED', 'the run is being stopped', { family: 'link' });
    },
    {
      connect: async () =>
        inPlaceOf(session, {
          destroy: () => {
            log.push('destroy');
            cut.open();
          },
        }),
    },
  );
  const { runner } = built;
  const running = runner.run(batch('a', 'b', 'c', 'd', 'e'));
  await reached.opened;
  runner.cancel();
  runner.cut();
  const outcomes = await running;
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  assert.equal(summary(outcomes).e, 'untouched');
  assert.deepEqual(summary(await runner.run(batch('z'))), { z: 'untouched' });
  assert.equal(built.events.filter(({ kind }) => kind === 'connection:lost').length, 0);
});

test('each user is told of when done, not when the batch is', async () => {
  const last = gate();
  const { runner, events } = scene(async (_context, userid) => {
    if (userid === 'slow') await last.opened;
    else if (userid === 'c') last.open();
    return userid === 'gone' ? 'absent' : 'synced';
  });
  const ended = (): [string, number][] =>
    events.flatMap((event) =>
      event.kind === 'work:ended' && event.result === 'synced' ? [[event.users.join(), event.size]] : [],
    );
  const told = (): string[] => ended().map(([user]) => user);
  const untilSlow = last.opened.then(told);
  await runner.run({ ...batch('slow', 'a', 'gone', 'b', 'c'), sizes: [9, 1, 0, 2, 3] });
  assert.deepEqual(await untilSlow, ['a', 'b']);
  assert.deepEqual(ended(), [
    ['a', 1],
    ['b', 2],
    ['c', 3],
    ['slow', 9],
  ]);
});

test('the mailbox at which the connection broke is held against the job that it belongs to, and nobody else', async () => {
  const error = new SyncError('LINK_BROKEN', 'gone', {
    family: 'link',
    outstanding: { command: 'MAILBOX', mailbox: 'user.anna.Work' },
  });
  const { runner } = scene(async () => Promise.reject(error));
  const outcomes = await runner.run(batch('anna', 'bob'));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.suspect : outcome.kind)),
    ['user.anna.Work', undefined],
  );
});

test('what breaks no connection is held against no mailbox, whatever the replica was at', async () => {
  const outstanding = { command: 'MAILBOX', mailbox: 'user.anna.Work' };
  for (const error of [
    new SyncError('IMAP_INVALID_USER', 'no', { family: 'refused', outstanding }),
    new SyncError('LINK_BROKEN', 'gone', { family: 'link' }),
  ]) {
    const { runner } = scene(async () => Promise.reject(error));
    const [outcome] = await runner.run(batch('anna'));
    assert.ok(outcome?.kind === 'failed' && outcome.suspect === undefined);
  }
});

test('a connection that breaks after it was renewed takes not the new one along', async () => {
  const { runner, log, events } = scene(async ({ session }, userid) => {
    if (userid === 'later') return 'synced';
    runner.link.renew();
    await runner.run(batch('later'));
    session.destroy();
    throw new SyncError('LINK_BROKEN', 'gone', { family: 'link' });
  });
  await runner.run(batch('anna'));
  assert.deepEqual(log, ['connect', 'connect', 'destroy']);
  assert.equal(runner.link.connected, true);
  const names = events.flatMap((event) => (event.kind === 'connection:open' ? [event.connection] : []));
  assert.equal(new Set(names).size, 2);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'connection:lost' ? [event.connection] : [])),
    names.slice(0, 1),
  );
});

for (const after of [true, false]) {
  test(`a user is compared ${after ? 'after being replicated' : 'alone'}, and in part nobody is`, async () => {
    const done: string[] = [];
    const { runner } = scene(
      async (_context, userid) => {
        done.push(`replicate ${userid}`);
        return userid === 'absent' ? 'absent' : 'synced';
      },
      {
        setup: {
          ...setup,
          options: { ...setup.options, verify: { after, deep: undefined, repair: false, logs: [] } },
        },
        verify: async (_parts, subject) => {
          done.push(`verify ${subject.kind === 'user' ? subject.user : subject.names.join()}`);
          return 'synced';
        },
      },
    );
    const jobs: Job[] = [
      user('anna'),
      user('absent'),
      { kind: 'meta', userid: 'bob' },
      { kind: 'mailboxes', owners: [''], names: ['news'] },
    ];
    const kinds: string[] = [];
    for (const job of jobs) kinds.push(...(await runner.run({ id: 1, jobs: [job] })).map(({ kind }) => kind));
    assert.deepEqual(
      done,
      after
        ? ['replicate anna', 'verify anna', 'replicate absent', 'replicate bob', 'verify news']
        : ['verify anna', 'verify absent', 'replicate bob', 'verify news'],
    );
    assert.deepEqual(kinds, ['synced', after ? 'absent' : 'synced', 'synced', 'synced']);
  });
}

test('what a job is to do without is told to the engine', async () => {
  const told: unknown[] = [];
  const { runner } = scene(async ({ setAside }) => {
    told.push(setAside);
    return 'synced';
  });
  const aside = [{ mailbox: 'user.anna.Work', error: new SyncError('LINK_BROKEN', 'gone').toData() }];
  await runner.run({ ...batch('anna'), jobs: [{ kind: 'user', userid: 'anna', setAside: aside }] });
  await runner.run(batch('anna'));
  assert.deepEqual(told, [aside, []]);
});

test('-a to a replica without an archive goes on, and says so', async () => {
  const connection = { ...setup.connection, stageToArchive: true };
  const { runner, events } = scene(async () => 'synced', { setup: { ...setup, connection } });
  assert.deepEqual(summary(await runner.run(batch('anna'))), { anna: 'synced' });
  const told = events.filter(({ kind }) => kind === 'replica:no-archive');
  assert.deepEqual(told, [{ kind: 'replica:no-archive', server: 'replica' }]);
});

test('what is too much for a connection comes back at once, while the rest of its batch goes on', async () => {
  const { opened, open } = gate();
  const sent: string[] = [];
  const { runner, events } = scene(async (context, userid) => {
    await context.beforeSending?.(userid === 'light' ? [1] : [1, LEAST_LADEN_COMMANDS - 1]);
    sent.push(userid);
    await opened;
    return 'synced';
  });
  const running = runner.run({ ...batch('heavy', 'heavier', 'light'), postponing: 'at-once' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sent, ['heavy', 'light']);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'job:postponed' ? [event.key] : [])),
    ['user:heavier'],
  );
  open();
  assert.deepEqual(summary(await running), { heavy: 'synced', heavier: 'postponed', light: 'synced' });
});

test('nothing comes back where there is nobody else to take it, nor twice', async () => {
  const { runner } = scene(async (context) => {
    await context.beforeSending?.([LEAST_LADEN_COMMANDS]);
    return 'synced';
  });
  assert.deepEqual(summary(await runner.run(batch('a', 'b'))), { a: 'synced', b: 'synced' });
  const again: Batch = {
    id: 2,
    jobs: ['a', 'b'].map((userid) => ({ ...user(userid), laden: true })),
    postponing: 'at-once',
  };
  assert.deepEqual(summary(await runner.run(again)), { a: 'synced', b: 'synced' });
});

test('whoever watches hears of a job while it is under way, and what a job says, once', async (t) => {
  let now = 1_000;
  mockNowMs(t.mock, () => now);
  const { runner, events } = scene(async ({ emit }, userid) => {
    now += 1_500;
    assert.deepEqual(heard('work:begun').at(-1), `user:${userid}`);
    emit({ kind: 'user:start', user: userid, work: 'user' });
    emit({ kind: 'command:sub', user: userid, name: 'x' });
    return 'synced';
  });
  const heard = (kind: SyncEvent['kind']): unknown[] =>
    events.flatMap((event) => (event.kind === kind ? ['key' in event ? event.key : kind] : []));
  const [outcome] = await runner.run(batch('anna'));
  assert.equal(outcome?.kind, 'synced');
  assert.equal(outcome.elapsedMs, 1_500);
  assert.deepEqual([heard('user:start').length, heard('command:sub').length], [1, 1]);
  await runner.run({ id: 2, jobs: [{ ...user('anna'), laden: true }] });
  assert.deepEqual([heard('user:start').length, heard('command:sub').length], [1, 2]);
});

test('what a job with much to send has taken of its connection is given back when it ends, however', async () => {
  const { runner } = scene(async ({ beforeSending }, userid) => {
    // Twice: as often as its folders are looked at.
    for (let round = 0; round < 2; round++) await beforeSending?.([LEAST_LADEN_COMMANDS]);
    if (userid === 'refused') throw new SyncError('IMAP_INVALID_USER', 'no', { family: 'refused' });
    return 'synced';
  });
  for (const [userid, kind] of [
    ['refused', 'failed'],
    ['anna', 'synced'],
    ['bob', 'synced'],
  ] as const) {
    assert.deepEqual(summary(await runner.run({ ...batch(userid), postponing: 'at-once' })), {
      [userid]: kind,
    });
  }
});

test('a connection that others can read or alter is told of, and an archive only to whom it matters', async () => {
  const stageToArchive = { ...setup, connection: { ...setup.connection, stageToArchive: true } };
  for (const [asked, stages, told] of [
    [setup, false, false],
    [stageToArchive, true, false],
    [stageToArchive, false, true],
  ] as const) {
    const { runner, events } = scene(async () => 'synced', {
      setup: asked,
      connect: async () => {
        const session = fakeSession([]);
        Object.assign(session.info, { stagesToArchive: stages, exposure: 'clear' });
        return session;
      },
    });
    await runner.run(batch('anna'));
    const kinds = events.map(({ kind }) => kind);
    assert.deepEqual(
      [kinds.includes('replica:no-archive'), kinds.includes('connection:exposed')],
      [told, true],
    );
  }
});

test('after its end nothing is begun on a connection, and what it had beside it is cut with it', async () => {
  for (const end of ['cut', 'exit'] as const) {
    const others: string[] = [];
    const { runner, log } = scene(async () => 'synced', {
      scripts: {
        connect: async () => fakeSession([]),
        close: async () => void others.push('scripts closed'),
        cut: () => others.push('scripts cut'),
      },
      master: {
        connect: async () => Promise.reject(new Error('nothing has diverged')),
        close: async () => void others.push('master closed'),
        cut: () => others.push('master cut'),
      },
    });
    await runner.run(batch('anna'));
    await runner[end]();
    assert.deepEqual(log, ['connect', end === 'cut' ? 'destroy' : 'exit']);
    assert.deepEqual(
      others,
      end === 'cut' ? ['scripts cut', 'master cut'] : ['scripts closed', 'master closed'],
    );
    assert.equal(runner.link.connected, false);
    const [outcome] = await runner.run(batch('bob'));
    assert.ok(outcome?.kind === 'untouched' && outcome.error.code === 'CANCELLED');
    await runner.exit();
    assert.equal(log.length, 2);
  }
});
