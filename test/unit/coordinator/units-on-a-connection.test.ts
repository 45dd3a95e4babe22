import assert from 'node:assert/strict';
import test from 'node:test';
import { BatchRunner, type BatchRunnerParts } from '../../../src/coordinator/pool/batch-runner.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import type { Action, ActionResult } from '../../../src/replicate/jobs/action.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { type ErrorData, SyncError } from '../../../src/report/sync-error.ts';
import { fakeSession } from '../../lab/fake-session.ts';
import { fakeStore, setup, user } from '../../lab/pool-fakes.ts';

/* Contract: units of a sync log share a connection; that it could not be made or broke is told apart from what they did. */

const ACTIONS: Action[] = [
  { kind: 'user', userid: 'anna' },
  { kind: 'quota', root: 'user.anna' },
];
const UNIT = { users: ['anna', 'bob'], actions: ACTIONS };
const NOTHING = { users: [], actions: [] };
const DONE: ActionResult[] = [{ kind: 'done' }, { kind: 'done' }];

const lost = new SyncError('LINK_BROKEN', 'the replica closed the connection', { family: 'link' });
const refused = new SyncError('IMAP_INVALID_USER', 'no', { family: 'refused' });

interface Scene {
  runner: BatchRunner;
  log: string[];
  sessions: ReplicaSession[];
  /** Gives the answer of the engine, from the session that it works on. */
  results: (session: ReplicaSession) => ActionResult[] | Promise<ActionResult[]>;
  connectFails: SyncError | undefined;
  eventsOf<K extends SyncEvent['kind']>(kind: K): Extract<SyncEvent, { kind: K }>[];
}

function scene(): Scene {
  const events: SyncEvent[] = [];
  const log: string[] = [];
  const sessions: ReplicaSession[] = [];
  const parts: BatchRunnerParts = {
    setup,
    emit: (event) => events.push(event),
    store: fakeStore(new Map()),
    connect: async () => {
      log.push('connect');
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (made.connectFails) throw made.connectFails;
      const session = fakeSession(log);
      sessions.push(session);
      return session;
    },
    master: undefined,
    scripts: { connect: async () => fakeSession(log), close: async () => undefined, cut: () => undefined },
    verify: (_parts, _subject, replicate) => replicate(),
    pending: { includes: async () => false },
    engine: {
      runUser: async () => 'synced',
      runMeta: async () => 'synced',
      runMailboxes: async () => 'synced',
      runActions: async ({ session }) => await made.results(session),
    },
  };
  const made: Scene = {
    runner: new BatchRunner(parts),
    log,
    sessions,
    results: () => DONE,
    connectFails: undefined,
    eventsOf: (kind) => events.filter((event) => event.kind === kind) as never,
  };
  return made;
}

function failed(error: SyncError): ActionResult {
  return { kind: 'failed', error: error.toData() };
}

for (const error of [
  lost,
  new SyncError('AUTHENTICATION_FAILED', 'no', { family: 'refused' }),
  new SyncError('TOO_MANY_FILES', 'no'),
]) {
  test(`a connection that cannot be made leaves each action untouched, and says by its code why (${error.code})`, async () => {
    const made = scene();
    made.connectFails = error;
    const { results, linkError } = await made.runner.runUnit(UNIT);
    assert.deepEqual(
      [linkError?.code, linkError?.family, linkError?.phase],
      [error.code, error.family, 'connect'],
    );
    assert.deepEqual(
      results,
      ACTIONS.map(() => ({ kind: 'untouched', error: linkError })),
    );
    assert.deepEqual(made.eventsOf('work:begun'), []);
    const [outcome] = await made.runner.run({ id: 1, jobs: [user('anna')] });
    assert.ok(outcome?.kind === 'untouched');
    assert.deepEqual([outcome.error.code, outcome.error.phase], [error.code, 'connect']);
    made.connectFails = undefined;
    assert.deepEqual(await made.runner.runUnit(UNIT), { results: DONE, linkError: undefined });
  });
}

test('after cancel no unit is begun and no batch, nor a connection made for it', async () => {
  const made = scene();
  made.runner.cancel();
  const { results, linkError } = await made.runner.runUnit(UNIT);
  assert.deepEqual(codesOf(results), ['CANCELLED', 'CANCELLED']);
  assert.equal(linkError, undefined, 'it says nothing of the connection');
  const [outcome] = await made.runner.run({ id: 1, jobs: [user('anna')] });
  assert.ok(outcome?.kind === 'untouched' && outcome.error.code === 'CANCELLED');
  assert.deepEqual(made.log, []);
});

test('a unit without actions asks the replica whether it is there', async () => {
  const made = scene();
  let answer: Promise<void> = Promise.resolve();
  await made.runner.runUnit(UNIT);
  const [session] = made.sessions;
  assert.ok(session);
  session.noop = () => answer;
  assert.deepEqual(await made.runner.runUnit(NOTHING), { results: [], linkError: undefined });
  answer = Promise.reject(lost);
  assert.equal((await made.runner.runUnit(NOTHING)).linkError?.code, 'LINK_BROKEN');
  assert.equal(made.eventsOf('connection:lost').length, 1);
  assert.deepEqual(made.log, ['connect', 'destroy']);
  await made.runner.runUnit(UNIT);
  assert.equal(made.sessions.length, 2);
});

test('what breaks the connection in a unit is told, and the next one has another; a refusal is not that', async () => {
  const made = scene();
  made.results = () => [failed(refused), { kind: 'done' }];
  assert.deepEqual(await made.runner.runUnit(UNIT), {
    results: made.results(session()),
    linkError: undefined,
  });
  assert.equal(made.runner.link.connected, true);
  made.results = () => [failed(refused), failed(lost)];
  assert.equal((await made.runner.runUnit(UNIT)).linkError?.code, 'LINK_BROKEN');
  assert.equal(made.runner.link.connected, false);
  assert.deepEqual(
    made.eventsOf('connection:lost').map(({ error, server }) => [error.code, server]),
    [['LINK_BROKEN', 'replica']],
  );
  made.results = () => DONE;
  await made.runner.runUnit(UNIT);
  assert.deepEqual(made.log, ['connect', 'destroy', 'connect']);
});

test('whoever watches hears of a unit while it is under way, and how it ended: by the worst of its actions', async () => {
  const made = scene();
  const locked: ActionResult = { kind: 'locked', user: 'anna' };
  const untouched: ActionResult = { kind: 'untouched', error: refused.toData() };
  const [done] = DONE;
  assert.ok(done);
  for (const [results, word] of [
    [[done, done], 'synced'],
    [[done, untouched], 'postponed'],
    [[untouched, locked], 'locked'],
    [[locked, failed(refused)], 'failed'],
  ] as const) {
    const before = made.eventsOf('work:ended').length;
    made.results = () => {
      assert.equal(made.eventsOf('work:begun').length, before + 1);
      return [...results];
    };
    await made.runner.runUnit(UNIT);
    const { key, users, result } = made.eventsOf('work:ended').at(-1) ?? {};
    assert.deepEqual([key, users, result], ['unit:anna bob', ['anna', 'bob'], word]);
  }
  made.results = () => Promise.reject(new Error('a bug'));
  await assert.rejects(made.runner.runUnit(UNIT), /a bug/);
  assert.equal(made.eventsOf('work:ended').at(-1)?.result, 'failed');
  assert.ok(made.runner.link.connectMs > 0);
});

test('how long the replica is at work on a part of a unit is what the latest ones took, the last counting most', async () => {
  const made = scene();
  const times = [400, 400, 0];
  made.results = (session) => {
    Object.assign(session, { servedMs: session.servedMs + (times.shift() ?? 0) });
    return DONE;
  };
  const lately: number[] = [];
  while (times.length > 0) {
    await made.runner.runUnit(UNIT);
    lately.push(made.runner.partMs);
  }
  assert.deepEqual(lately, [50, 87.5, 65.625]);
});

test('a connection that is renewed goes once nobody is at work on it, and what is begun after that has another', async () => {
  const made = scene();
  await made.runner.runUnit(UNIT);
  made.results = () => {
    made.runner.link.renew();
    assert.deepEqual(made.log, ['connect'], 'it is in use');
    return DONE;
  };
  await made.runner.runUnit(UNIT);
  assert.deepEqual(made.log, ['connect', 'exit']);
  made.results = () => DONE;
  await made.runner.runUnit(UNIT);
  made.runner.link.renew();
  assert.deepEqual(made.log, ['connect', 'exit', 'connect', 'exit']);
  assert.equal(made.eventsOf('connection:closed').length, 2);
});

test('a connection that was lent is its lender’s again, and goes only when it is given back', async () => {
  const made = scene();
  {
    using lent = await made.runner.link.lend();
    assert.equal(lent.session, made.sessions[0]);
    made.runner.link.renew();
    assert.deepEqual(made.log, ['connect'], 'it is in use');
  }
  assert.deepEqual(made.log, ['connect', 'exit']);
  await made.runner.runUnit(UNIT);
  {
    using _lent = await made.runner.link.lend();
  }
  assert.equal(made.runner.link.connected, true);
  assert.deepEqual(made.eventsOf('connection:lost'), []);
});

test('a connection that the replica closed while nothing was under way is dropped, and not as lost', async () => {
  const made = scene();
  assert.equal(made.runner.link.dropIdleClosed(), false);
  await made.runner.runUnit(UNIT);
  assert.equal(made.runner.link.dropIdleClosed(), false, 'it is good');
  made.results = (session) => {
    session.destroy();
    assert.equal(made.runner.link.dropIdleClosed(), false, 'somebody will find out');
    return DONE;
  };
  await made.runner.runUnit(UNIT);
  assert.equal(made.runner.link.dropIdleClosed(), true);
  assert.equal(made.runner.link.dropIdleClosed(), false);
  assert.deepEqual(made.eventsOf('connection:lost'), []);
  assert.equal(made.eventsOf('connection:closed').length, 1);
});

function codesOf(results: readonly ActionResult[]): (ErrorData['code'] | undefined)[] {
  return results.map((result) => ('error' in result ? result.error.code : undefined));
}

function session(): ReplicaSession {
  return fakeSession([]);
}
