import assert from 'node:assert/strict';
import test from 'node:test';
import { BatchRunner, type BatchRunnerParts } from '../../../src/coordinator/pool/batch-runner.ts';
import type { PoolSetup } from '../../../src/coordinator/pool/messages.ts';
import { openInlinePool } from '../../../src/coordinator/pool/open-inline-pool.ts';
import type { JobPool } from '../../../src/coordinator/pool/pool.ts';
import { type RunResult, run } from '../../../src/coordinator/run/run.ts';
import { MetricFacts } from '../../../src/operate/metrics/metric-facts.ts';
import { type ReportEntry, reportEntry } from '../../../src/report/document/report-entry.ts';
import { UserFacts } from '../../../src/report/document/user-facts.ts';
import type { EventListener, SyncEvent, Verdict } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { VerifyLines } from '../../../src/report/words/verify-lines.ts';
import { fakeSession } from '../../lab/fake-session.ts';
import { fakeStore, request, setup } from '../../lab/pool-fakes.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';

/** An attempt at comparing and repairing a user. */
type Attempt = (attempt: number, tell: (verdict: Verdict, acl?: string) => void, stop: () => void) => void;

interface Told {
  result: RunResult;
  events: SyncEvent[];
  entry: ReportEntry | undefined;
  verdicts: Record<Verdict, number>;
  differences: number;
  closing: string[];
}

const repairing: PoolSetup = {
  ...setup,
  options: { ...setup.options, verify: { after: false, deep: undefined, repair: true, logs: [] } },
};

function poolOf(verify: BatchRunnerParts['verify'], emit: EventListener): JobPool {
  const create = (): BatchRunner =>
    new BatchRunner({
      setup: repairing,
      emit,
      store: fakeStore(new Map()),
      connect: async () => fakeSession([]),
      master: undefined,
      scripts: { connect: async () => fakeSession([]), close: async () => undefined, cut: () => undefined },
      verify,
      pending: { includes: async () => false },
      engine: {
        runUser: async () => 'synced',
        runMeta: async () => 'synced',
        runMailboxes: async () => 'synced',
        runActions: async () => [],
      },
    });
  return openInlinePool({ create, onIdleClosed() {}, onClose() {} });
}

/** Runs `verify -u anna --repair` with an engine that does as told. */
async function verified(attempted: Attempt, skipLocked = false): Promise<Told> {
  const events: SyncEvent[] = [];
  const lines = new VerifyLines((name) => name);
  const metrics = new MetricFacts();
  const facts = new UserFacts();
  let entry: ReportEntry | undefined;
  const emit: EventListener = (event) => {
    events.push(event);
    lines.hear(event);
    metrics.hear(event, 0);
    facts.hear(event);
    if (event.kind === 'user:settled') entry = reportEntry(event, facts.take(event), (name) => name);
  };
  const clock = new VirtualClock();
  const halt = new AbortController();
  let attempt = 0;
  const verify: BatchRunnerParts['verify'] = async ({ context }) => {
    attempt += 1;
    attempted(
      attempt,
      (verdict, acl) => {
        const differences = acl === undefined ? 0 : 1;
        if (acl !== undefined) {
          const difference = {
            kind: 'acl',
            user: 'anna',
            mailbox: 'user.anna',
            master: acl,
            replica: '',
          } as const;
          context.emit({ kind: 'verify:difference', difference });
        }
        const grade = verdict === 'different' ? 'metadata-differs' : 'identical';
        context.emit({ kind: 'user:graded', user: 'anna', grade, differences });
        context.emit({ kind: 'verify:verdict', user: 'anna', verdict, mailboxes: 1, differences });
      },
      () => halt.abort(),
    );
    return 'synced';
  };
  const result = await clock.drive(
    run(request({ mode: { kind: 'users', userids: ['anna'] }, setup: repairing, skipLocked }), {
      emit,
      openStore: () => fakeStore(new Map()),
      openPool: (_connections, hear) => poolOf(verify, hear),
      clock,
      load: () => ({ thisThread: 0.5, idleProcessors: 1 }),
      random: () => 0.5,
      signal: halt.signal,
    }),
  );
  const differences = [...metrics.differences.values()].reduce((sum, count) => sum + count, 0);
  assert.deepEqual({ ...lines.users }, metrics.verdicts, 'the last line and the metrics say the same');
  return {
    ...{ result, events, entry, verdicts: metrics.verdicts, differences },
    closing: lines.closing(),
  };
}

const only = (verdict: Verdict): Record<Verdict, number> => ({
  ...{ proven: 0, different: 0, changing: 0, repaired: 0 },
  [verdict]: 1,
});

for (const code of [
  'LINK_BROKEN',
  'LOCK_TIMEOUT',
  'IMAP_MAILBOX_LOCKED',
  'USER_LOCKED',
  'TOO_MANY_FILES',
] as const) {
  test(`a user whose repair had to be tried again after ${code} is repaired, and nothing else`, async () => {
    const told = await verified((attempt, tell) => {
      if (attempt > 2) return tell('repaired', 'lr');
      tell('different', 'lr');
      throw new SyncError(code, 'not now', { user: 'anna', retryable: true });
    });
    assert.deepEqual(told.verdicts, only('repaired'));
    assert.equal(told.differences, 1);
    const counted = '0 of 1 users proven the same on both sides (1 mailboxes), 1 differed and are repaired';
    assert.deepEqual(told.closing, [`${counted}, 1 differences`]);
    assert.deepEqual(
      [told.entry?.grade, told.entry?.compared, told.entry?.found.length],
      ['identical', true, 1],
    );
    assert.equal(told.result.exitCode, 0);
  });
}

test('whoever was repaired before the connection broke is proven the same, and no difference is told', async () => {
  const told = await verified((attempt, tell) => {
    if (attempt > 1) return tell('proven');
    tell('different', 'lr');
    throw new SyncError('LINK_BROKEN', 'gone', { retryable: true });
  });
  assert.deepEqual([told.verdicts, told.differences], [only('proven'), 0]);
  assert.deepEqual(told.entry?.found, []);
});

test('an attempt that fails for good tells what it has found, once, however many there were before it', async () => {
  const told = await verified((attempt, tell) => {
    tell('different', `lr${attempt}`);
    throw new SyncError('IMAP_MAILBOX_LOCKED', 'never', { retryable: true });
  });
  assert.deepEqual([told.verdicts, told.differences], [only('different'), 1]);
  const { status, compared, found, attempts } = told.entry ?? {};
  assert.deepEqual([status, compared, found?.length], ['failed', true, 1]);
  assert.equal(found?.[0]?.master, `lr${attempts}`);
  assert.match(told.closing[0] ?? '', /^0 of 1 users .*, 1 differ, 1 differences$/);
});

test('what was found counts until another attempt finds something else, as long as none is the last', async () => {
  const told = await verified((attempt, tell) => {
    if (attempt === 1) tell('different', 'lr');
    throw new SyncError('IMAP_MAILBOX_LOCKED', 'never', { retryable: true });
  });
  assert.deepEqual([told.verdicts, told.differences], [only('different'), 1]);
  const stopped = await verified((_attempt, tell, stop) => {
    tell('different', 'lr');
    stop();
    throw new SyncError('LINK_BROKEN', 'gone', { retryable: true });
  });
  assert.deepEqual([stopped.verdicts, stopped.entry?.status], [only('different'), 'not-reached']);
});

test('a user who is passed over because of a lock is told with what was found', async () => {
  const told = await verified((_attempt, tell) => {
    tell('different', 'lr');
    throw new SyncError('USER_LOCKED', 'held', { user: 'anna' });
  }, true);
  assert.deepEqual([told.verdicts, told.entry?.status], [only('different'), 'locked']);
});
