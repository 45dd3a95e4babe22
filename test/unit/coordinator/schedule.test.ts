import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  BATCH_JOBS,
  BATCH_MS,
  FIRST_BATCH_JOBS,
  GIANT_MESSAGES,
  LEAST_BATCH_MS,
  LINK_ATTEMPTS,
  SPREAD_MESSAGES,
} from '../../../src/coordinator/limits.ts';
import { jobKey } from '../../../src/coordinator/pool/job-key.ts';
import type { Batch, Job, Outcome } from '../../../src/coordinator/pool/messages.ts';
import { type FinalOutcome, Schedule, type ScheduleOptions } from '../../../src/coordinator/run/schedule.ts';
import { connectFailed, errorData, linkBroken, noCounts, user } from '../../lab/pool-fakes.ts';

function schedule(workers: number, fields: Partial<ScheduleOptions> = {}): Schedule {
  return new Schedule({ skipLocked: false, lockedRetryMs: 5_000, random: () => 0.5, ...fields }, workers);
}

function started(next: ReturnType<Schedule['next']>): Batch {
  assert.equal(next.kind, 'batch');
  return next.kind === 'batch' ? next.batch : { id: 0, jobs: [] };
}

function synced(job: Job): Outcome {
  return { kind: 'synced', job, counts: noCounts };
}

function userids(batch: Batch): string[] {
  return batch.jobs.map((job) => (job.kind === 'mailboxes' ? job.names.join() : job.userid));
}

test('giants start first and largest first, but a worker stays with small users', () => {
  const plan = schedule(2);
  for (let index = 0; index < 40; index += 1) plan.add(user(`small${index}`), 10);
  plan.add(user('big'), GIANT_MESSAGES);
  plan.add(user('bigger'), GIANT_MESSAGES * 2);
  assert.deepEqual(userids(started(plan.next(0))), ['bigger']);
  const second = userids(started(plan.next(0)));
  assert.equal(second[0], 'small0');
  assert.ok(!second.includes('big'));
});

test('small users go out largest first, those found later included', () => {
  const plan = schedule(1);
  for (const size of [3, 1, 5]) plan.add(user(`u${size}`), size);
  assert.deepEqual(userids(started(plan.next(0))), ['u5', 'u3', 'u1']);
  for (const size of [2, 9]) plan.add(user(`u${size}`), size);
  assert.deepEqual(userids(started(plan.next(0))), ['u9', 'u2']);
});

test('a share of the slots takes the smallest, the others the largest, and nobody is lost in between', () => {
  const plan = schedule(8);
  for (let size = 1; size <= FIRST_BATCH_JOBS; size += 1) plan.add(user(`first${size}`), size);
  // From here on each is a batch by itself.
  const first = started(plan.next(0));
  plan.take(
    first,
    first.jobs.map((job) => ({ kind: 'synced', job, counts: noCounts, servedMs: BATCH_MS })),
    0,
  );
  for (let size = 1; size <= 6; size += 1) plan.add(user(`u${size}`), size);
  const begin = (): Batch => started(plan.next(0));
  const [light] = [begin(), begin(), begin()].map((batch, index) => {
    assert.deepEqual(userids(batch), [['u1'], ['u2'], ['u6']][index]);
    return batch;
  });
  assert.ok(light);
  plan.take(light, light.jobs.map(synced), 0);
  assert.deepEqual([begin(), begin(), begin()].map(userids), [['u3'], ['u5'], ['u4']]);
  assert.equal(plan.next(0).kind, 'nothing');
});

test('whoever has more to send than its connection wants comes before all others of its size', () => {
  const plan = schedule(2);
  for (const name of ['a', 'b', 'c']) plan.add(user(name), 5);
  plan.add(user('larger'), 6);
  plan.letPostpone('when-busy');
  const batch = started(plan.next(0));
  assert.deepEqual(userids(batch), ['larger', 'a', 'b', 'c']);
  for (const job of batch.jobs.slice(1, 3)) plan.postpone(jobKey(job));
  plan.add(user('d'), 5);
  plan.add(user('e'), 7);
  assert.deepEqual(userids(started(plan.next(0))), ['e', 'b']);
});

test('giants get every worker when no small user waits', () => {
  const plan = schedule(2);
  plan.add(user('a'), GIANT_MESSAGES);
  plan.add(user('b'), GIANT_MESSAGES);
  started(plan.next(0));
  assert.equal(plan.next(0).kind, 'batch');
});

/** The rest of a plan, of whose jobs each keeps the replica at work for so long. */
function batchSizes(plan: Schedule, servedMs: number): number[] {
  const sizes: number[] = [];
  for (let next = plan.next(0); next.kind === 'batch'; next = plan.next(0)) {
    const { batch } = next;
    sizes.push(batch.jobs.length);
    plan.take(
      batch,
      batch.jobs.map((job) => ({ kind: 'synced', job, counts: noCounts, servedMs })),
      0,
    );
  }
  return sizes;
}

function manyUsers(slots: number, count: number): Schedule {
  const plan = schedule(slots);
  for (let index = 0; index < count; index += 1) plan.add(user(`u${index}`), 1);
  return plan;
}

test('a batch is what the replica deals with in a moment, as measured', () => {
  const cheap = batchSizes(manyUsers(2, 1_000), 0.1);
  assert.equal(cheap[1], BATCH_JOBS);
  const dear = batchSizes(manyUsers(2, 1_000), BATCH_MS / 4);
  assert.equal(dear[1], 4);
  const dearest = batchSizes(manyUsers(2, 100), BATCH_MS * 4);
  assert.deepEqual(new Set(dearest.slice(1)), new Set([1]));
});

test('batches shrink towards the end, but not to what waits for the way to the replica and back', () => {
  const sizes = batchSizes(manyUsers(8, 200), 1);
  assert.ok(
    sizes.every((size, index) => index < 2 || size <= (sizes[index - 1] ?? 0)),
    sizes.join(),
  );
  assert.equal(sizes.at(-2), LEAST_BATCH_MS);
});

test('a batch of a run with so much to send that more connections pay anyway gives the rest back at once', () => {
  const plan = schedule(8);
  for (let index = 0; index < 100; index += 1) plan.add(user(`u${index}`), SPREAD_MESSAGES / 10);
  plan.letPostpone('when-busy');
  assert.equal(started(plan.next(0)).postponing, 'at-once');
  plan.letPostpone(undefined);
  assert.equal(started(plan.next(0)).postponing, undefined);
});

test('in a run with so much to send the smallest users are given back at once too', () => {
  const plan = schedule(2);
  plan.add(user('large'), SPREAD_MESSAGES);
  for (let index = 0; index < FIRST_BATCH_JOBS; index += 1) plan.add(user(`u${index}`), 1);
  plan.letPostpone('when-busy');
  started(plan.next(0));
  const rest = started(plan.next(0));
  assert.ok(rest.jobs.length > 0);
  assert.equal(rest.postponing, 'at-once');
});

test('before anything is known a batch fills a pipeline, and may give back what is too much for its connection', () => {
  const plan = manyUsers(8, 40);
  plan.letPostpone('when-busy');
  const first = started(plan.next(0));
  assert.equal(first.jobs.length, FIRST_BATCH_JOBS);
  assert.equal(first.postponing, 'when-busy');
  const [kept, laden] = first.jobs;
  assert.ok(kept && laden);
  plan.postpone(jobKey(laden));
  const again = started(plan.next(0));
  assert.deepEqual(again.jobs, [{ ...laden, laden: true }], 'alone, before all that were never begun');
  plan.take(first, [synced(kept), { kind: 'postponed', job: laden }], 0);
  const dispositions = plan.take(again, again.jobs.map(synced), 0);
  assert.deepEqual(
    dispositions.map(({ kind }) => kind),
    ['final'],
    'the batch that gave it back does not speak for it',
  );
});

test('a locked user waits until nothing else is left to start', () => {
  const plan = schedule(1);
  for (let index = 0; index < 150; index += 1) plan.add(user(`u${index}`), 1);
  const first = started(plan.next(0));
  const locked = first.jobs.map((job): Outcome => ({ kind: 'locked', job, user: 'u0' }));
  plan.take(first, locked, 0);
  const second = started(plan.next(1_000));
  assert.ok(!userids(second).includes('u0'), 'others first, although its wait is over');
  plan.take(second, second.jobs.map(synced), 1_000);
  const third = started(plan.next(1_000));
  plan.take(third, third.jobs.map(synced), 1_000);
  assert.deepEqual(userids(started(plan.next(1_000))).slice(0, 1), ['u0']);
});

test('waits for a lock grow up to the configured time', () => {
  const plan = schedule(1, { lockedRetryMs: 1_000, random: () => 0.999_999 });
  plan.add(user('a'), 1);
  const waits: number[] = [];
  let now = 0;
  for (let round = 0; round < 5; round += 1) {
    const batch = started(plan.next(now));
    plan.take(
      batch,
      batch.jobs.map((job) => ({ kind: 'locked', job, user: 'a' })),
      now,
    );
    const next = plan.next(now);
    assert.equal(next.kind, 'wait');
    if (next.kind !== 'wait') return;
    waits.push(next.until - now);
    now = next.until;
  }
  assert.deepEqual(waits, [375, 750, 1_000, 1_000, 1_000]);
});

for (const isBusy of [false, true]) {
  test(`two who need the lock that the other has are not tried again together, ${isBusy ? 'while others wait' : 'at the end'}`, () => {
    const randoms = [0.2, 0.4, 0.6, 0.8];
    const plan = schedule(1, { random: () => randoms.shift() ?? 0 });
    for (const name of ['anna', 'bert']) plan.add(user(name), 2);
    const batch = started(plan.next(0));
    assert.deepEqual(userids(batch), ['anna', 'bert']);
    plan.take(
      batch,
      batch.jobs.map((job) => ({ kind: 'locked', job, user: job === batch.jobs[0] ? 'bert' : 'anna' })),
      0,
    );
    const began = new Map<string, number>();
    for (let now = 0; now < 60_000; now += 10) {
      for (const call of ['first', 'second']) {
        if (isBusy) plan.add(user(`${call}${now}`), 1);
        const next = plan.next(now);
        if (next.kind === 'batch') for (const name of userids(next.batch)) began.set(name, now);
      }
    }
    const [anna, bert] = [began.get('anna'), began.get('bert')];
    assert.ok(anna !== undefined && bert !== undefined && anna !== bert, `${anna} and ${bert} ms`);
  });
}

test('who is to be skipped for a lock is asked again with nobody beside, since the lock may be of this run, and then skipped', () => {
  const plan = schedule(2, { skipLocked: true });
  for (const name of ['anna', 'bert']) plan.add(user(name), 2);
  const both = started(plan.next(0));
  plan.add(user('carl'), 1);
  const other = started(plan.next(0));
  const locked = (job: Job): Outcome => ({ kind: 'locked', job, user: 'anna' });
  const kinds = plan.take(both, both.jobs.map(locked), 0).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['parked', 'parked']);
  assert.equal(plan.next(60_000).kind, 'nothing', 'as long as another is under way');
  plan.take(other, other.jobs.map(synced), 60_000);
  const first = started(plan.next(60_000));
  assert.deepEqual(userids(first), ['anna']);
  assert.equal(plan.next(60_000).kind, 'nothing', 'one after the other');
  assert.deepEqual(
    plan.take(first, first.jobs.map(synced), 60_000).map(({ kind }) => kind),
    ['final'],
  );
  const second = started(plan.next(60_000));
  const [last] = plan.take(second, second.jobs.map(locked), 60_000);
  assert.deepEqual([last?.kind, last?.kind === 'final' && last.outcome.kind], ['final', 'locked']);
  assert.equal(plan.unfinished, 0);
});

test('whoever is begun with or behind one may have its lock too', () => {
  const two = schedule(1, { skipLocked: true });
  for (const name of ['anna', 'bert']) two.add(user(name), 1);
  const batch = started(two.next(0));
  const [parked] = two.take(batch, [{ kind: 'locked', job: user('bert'), user: 'bert' }], 0);
  assert.equal(parked?.kind, 'parked');
  const plan = schedule(2, { skipLocked: true });
  plan.add(user('anna'), 2);
  const alone = started(plan.next(0));
  plan.add(user('bert'), 1);
  const beside = started(plan.next(0));
  const locked = (job: Job): Outcome => ({ kind: 'locked', job, user: 'anna' });
  plan.take(beside, beside.jobs.map(synced), 0);
  assert.deepEqual(
    plan.take(alone, alone.jobs.map(locked), 0).map(({ kind }) => kind),
    ['parked'],
  );
  const again = started(plan.next(0));
  assert.deepEqual(
    plan.take(again, again.jobs.map(locked), 0).map(({ kind }) => kind),
    ['final'],
  );
});

test('jobs in flight on a lost link run alone the next time, each on a connection that nobody else uses', () => {
  const plan = schedule(1);
  for (let index = 0; index < 8; index += 1) plan.add(user(`u${index}`), 1);
  const batch = started(plan.next(0));
  assert.ok(batch.jobs.length > 1);
  plan.take(
    batch,
    batch.jobs.map((job) => ({ kind: 'failed', job, error: linkBroken, counts: noCounts })),
    0,
  );
  for (const job of batch.jobs) {
    const { jobs, apart } = started(plan.next(0));
    assert.deepEqual([jobs, apart], [[job], true]);
  }
});

test('a job that was refused runs alone the next time, and shares a connection', () => {
  const plan = schedule(1);
  plan.add(user('a'), 1);
  const batch = started(plan.next(0));
  const error = { ...linkBroken, code: 'IMAP_PROTOCOL_ERROR', family: 'refused', retryable: true } as const;
  plan.take(
    batch,
    batch.jobs.map((job) => ({ kind: 'failed', job, error, counts: noCounts })),
    0,
  );
  const { jobs, apart } = started(plan.next(Number.POSITIVE_INFINITY));
  assert.deepEqual([jobs, apart], [batch.jobs, undefined]);
});

test('a job that makes progress gets more attempts over lost links, but not for ever', () => {
  const attempts = (messages: number): number => {
    const plan = schedule(1);
    plan.add(user('a'), 1);
    for (let attempt = 1; ; attempt += 1) {
      const batch = started(plan.next(Number.POSITIVE_INFINITY));
      const [disposition] = plan.take(
        batch,
        batch.jobs.map((job) => ({
          kind: 'failed',
          job,
          error: linkBroken,
          counts: { ...noCounts, messages },
        })),
        0,
      );
      if (disposition?.kind === 'final') return attempt;
    }
  };
  assert.equal(attempts(0), 3);
  assert.equal(attempts(1), LINK_ATTEMPTS);
});

test('an untouched job costs no attempt and comes back to the front', () => {
  const plan = schedule(1);
  for (let index = 0; index < 8; index += 1) plan.add(user(`u${index}`), 1);
  for (let round = 0; round < 20; round += 1) {
    const batch = started(plan.next(0));
    assert.equal(userids(batch).includes('u0'), true);
    const dispositions = plan.take(
      batch,
      batch.jobs.map((job) => ({ kind: 'untouched', job, error: connectFailed })),
      0,
    );
    assert.deepEqual(new Set(dispositions.map(({ kind }) => kind)), new Set(['returned']));
  }
  assert.equal(plan.unfinished, 8);
});

for (const code of ['TOO_MANY_FILES', 'CANCELLED'] as const) {
  test(`a job that fails for what is no affair of its own costs no attempt and is never final (${code})`, () => {
    const plan = schedule(1);
    plan.add(user('a'), 1);
    const error = errorData(code, 'local', { retryable: true });
    for (let round = 0; round < 20; round += 1) {
      const batch = started(plan.next(0));
      const outcomes = batch.jobs.map((job): Outcome => ({ kind: 'failed', job, error, counts: noCounts }));
      assert.deepEqual(
        plan.take(batch, outcomes, 0).map(({ kind }) => kind),
        ['returned'],
      );
    }
    assert.equal(plan.unfinished, 1);
  });
}

test('foreign and second answers change nothing, and a job without an answer waits again', () => {
  const plan = schedule(1);
  plan.add(user('a'), 1);
  plan.add(user('b'), 1);
  const batch = started(plan.next(0));
  const dispositions = plan.take(batch, [synced(user('x')), synced(user('a')), synced(user('a'))], 0);
  assert.deepEqual(
    dispositions.map(({ kind }) => kind),
    ['final', 'returned'],
  );
  assert.deepEqual(userids(started(plan.next(0))), ['b']);
});

/** Answers that a thread may give about one job. */
const answer = fc.constantFrom(
  'synced',
  'absent',
  'locked',
  'refused',
  'retryable',
  'link',
  'untouched',
  'silent',
);

function outcomeOf(kind: string, job: Job): Outcome | undefined {
  switch (kind) {
    case 'synced':
      return synced(job);
    case 'absent':
      return { kind: 'absent', job };
    case 'locked':
      return { kind: 'locked', job, user: 'x' };
    case 'refused':
      return { kind: 'failed', job, error: errorData('IMAP_PERMISSION_DENIED', 'refused'), counts: noCounts };
    case 'retryable':
      return {
        kind: 'failed',
        job,
        error: errorData('IMAP_MAILBOX_LOCKED', 'refused', { retryable: true }),
        counts: noCounts,
      };
    case 'link':
      return { kind: 'failed', job, error: linkBroken, counts: noCounts };
    case 'untouched':
      return { kind: 'untouched', job, error: connectFailed };
    default:
      return undefined;
  }
}

test('whatever the workers answer, every job gets exactly one final outcome and never runs twice at once', () => {
  const scenario = fc.record({
    workers: fc.integer({ min: 1, max: 5 }),
    skipLocked: fc.boolean(),
    sizes: fc.array(fc.oneof(fc.integer({ min: 0, max: 6_000 }), fc.constant(GIANT_MESSAGES)), {
      maxLength: 60,
    }),
    answers: fc.infiniteStream(answer),
    orders: fc.infiniteStream(fc.nat(4)),
  });
  fc.assert(
    fc.property(scenario, ({ workers, skipLocked, sizes, answers, orders }) => {
      const plan = schedule(workers, { skipLocked });
      const final = new Map<string, FinalOutcome>();
      const running: Batch[] = [];
      sizes.forEach((size, index) => {
        plan.add(user(`u${index}`), size);
      });
      let now = 0;
      let answersLeft = 400;
      while (plan.unfinished > 0) {
        const next = running.length < workers ? plan.next(now) : undefined;
        if (next?.kind === 'batch') {
          const busy = new Set(running.flatMap(({ jobs }) => jobs.map(jobKey)));
          for (const job of next.batch.jobs) assert.ok(!busy.has(jobKey(job)) && !final.has(jobKey(job)));
          running.push(next.batch);
          continue;
        }
        const [batch] = running.splice(Number(orders.next().value) % Math.max(1, running.length), 1);
        if (!batch) {
          assert.equal(next?.kind, 'wait', 'something unfinished must run or wait');
          if (next?.kind === 'wait') now = next.until;
          continue;
        }
        const outcomes = batch.jobs.flatMap((job) => {
          answersLeft -= 1;
          const kind = answersLeft > 0 ? String(answers.next().value) : 'synced';
          const outcome = outcomeOf(kind, job);
          return outcome ? [outcome] : [];
        });
        for (const disposition of plan.take(batch, outcomes, now)) {
          if (disposition.kind !== 'final') continue;
          const key = jobKey(disposition.outcome.job);
          assert.ok(!final.has(key));
          final.set(key, disposition.outcome);
        }
      }
      assert.equal(final.size, sizes.length);
    }),
    { numRuns: 300 },
  );
});

/** The link breaks under the only job, at a mailbox of it. */
function breakAt(plan: Schedule, now: number, suspect: string, messages = 0): Job {
  const batch = started(plan.next(now));
  const [job] = batch.jobs;
  assert.ok(job);
  const counts = { ...noCounts, messages };
  plan.take(batch, [{ kind: 'failed', job, error: linkBroken, counts, suspect }], now);
  return job;
}

function setAside(job: Job | undefined): string[] | undefined {
  return job?.setAside?.map(({ mailbox }) => mailbox);
}

test('a job whose link breaks twice at one mailbox goes on at once without that one, and so with the next', () => {
  const plan = schedule(1);
  plan.add(user('anna'), 1);
  assert.equal(setAside(breakAt(plan, 0, 'user.anna.x')), undefined);
  assert.equal(setAside(breakAt(plan, 0, 'user.anna.x')), undefined);
  assert.deepEqual(setAside(breakAt(plan, 0, 'user.anna.y')), ['user.anna.x']);
  assert.deepEqual(setAside(breakAt(plan, 10_000, 'user.anna.y')), ['user.anna.x']);
  const last = started(plan.next(10_000));
  assert.deepEqual(setAside(last.jobs[0]), ['user.anna.x', 'user.anna.y']);
  const [job] = last.jobs;
  assert.ok(job);
  const dispositions = plan.take(last, [synced(job)], 0);
  assert.equal(dispositions[0]?.kind, 'final');
  assert.equal(plan.unfinished, 0);
});

test('no mailbox is set aside while messages get across, nor for a link that breaks elsewhere, and it ends', () => {
  const far = 1e9;
  const plan = schedule(1);
  plan.add(user('anna'), 1);
  for (let i = 0; i < 4; i++) assert.equal(setAside(breakAt(plan, i * far, 'user.anna.x', 1)), undefined);
  const endless = schedule(1);
  endless.add(user('bob'), 1);
  for (let i = 0; i < LINK_ATTEMPTS; i++) breakAt(endless, i * far, `user.bob.x${Math.floor(i / 2)}`);
  assert.equal(endless.unfinished, 0);
});

test('with everybody locked, each start costs the same however many wait', () => {
  const users = 5_000;
  let looks = 0;
  const options = {
    skipLocked: false,
    // Read whenever it is worked out when a locked user is due.
    get lockedRetryMs() {
      looks += 1;
      return 5_000;
    },
    random: () => 0.5,
  };
  const plan = new Schedule(options, 8);
  for (let index = 0; index < users; index += 1) plan.add(user(`u${index}`), 1);
  let starts = 0;
  for (let now = 0; now < 4_000; now += 1_000) {
    for (let next = plan.next(now); next.kind === 'batch'; next = plan.next(now)) {
      starts += next.batch.jobs.length;
      const locked = next.batch.jobs.map((job): Outcome => ({ kind: 'locked', job, user: 'x' }));
      plan.take(next.batch, locked, now);
    }
  }
  assert.ok(starts > 2 * users, `${starts} starts`);
  assert.ok(looks <= 2 * starts, `${looks} looks for ${starts} starts`);
});

test('what an ill replica did to a job is forgotten: attempts, and mailboxes set aside', () => {
  const plan = schedule(1);
  plan.add(user('anna'), 1);
  breakAt(plan, 0, 'user.anna.x');
  breakAt(plan, 0, 'user.anna.x');
  plan.forgiveLosses();
  assert.equal(setAside(breakAt(plan, 0, 'user.anna.x')), undefined);
  assert.equal(setAside(breakAt(plan, 0, 'user.anna.y')), undefined);
  assert.equal(plan.unfinished, 1);
});
