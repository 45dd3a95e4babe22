import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { INTAKE_LOOK_MS, LEAST_LADEN_COMMANDS } from '../../../src/coordinator/limits.ts';
import { LadenIntake, Postponed } from '../../../src/coordinator/pool/laden-intake.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

const CONNECT_MS = 100;
const MUCH = [LEAST_LADEN_COMMANDS];

type Paced = ConstructorParameters<typeof LadenIntake>[0];

/** A far replica of which nothing is known yet. */
const far = (changes: Partial<Paced> = {}): Paced => ({
  wayMs: 40,
  backlogMs: undefined,
  storeMs: undefined,
  ...changes,
});

/** An intake on virtual time, and what became of the jobs that came to it. */
function scene(t: TestContext) {
  let nowMs = 0;
  mockNowMs(t.mock, () => nowMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const session: { -readonly [Key in keyof Paced]: Paced[Key] } = far();
  const intake = new LadenIntake(session, CONNECT_MS);
  const fates = { begun: 0, postponed: 0 };
  const backlogs = new Set<number | undefined>();
  const begun: Disposable[] = [];
  const come = (jobs: number): void => {
    for (let count = 0; count < jobs; count++) {
      const job = intake.enter('when-busy');
      void Promise.resolve(job.pass(MUCH)).then(
        () => {
          fates.begun += 1;
          begun.push(job);
        },
        (error: unknown) => {
          assert.ok(error instanceof Postponed);
          fates.postponed += 1;
          backlogs.add(error.backlogMs);
        },
      );
    }
  };
  const pass = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += INTAKE_LOOK_MS) {
      nowMs += INTAKE_LOOK_MS;
      t.mock.timers.tick(INTAKE_LOOK_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { session, come, pass, fates, backlogs, begun };
}

test('on a far link as many jobs begin as keep the replica at work while one of them waits, once it is known what it takes', async (t) => {
  const { session, come, pass, fates, backlogs, begun } = scene(t);
  come(16);
  await pass(40);
  assert.deepEqual(fates, { begun: 1, postponed: 0 }, 'nothing is known');
  session.backlogMs = 3;
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(
    fates,
    { begun: 1, postponed: 0 },
    'what the first answer takes is known when it is there',
  );
  session.storeMs = 3;
  await pass(INTAKE_LOOK_MS);
  // Eight commands of 3 ms each: seven jobs are more than four times 40 ms.
  assert.deepEqual(fates, { begun: 7, postponed: 9 });
  assert.deepEqual([...backlogs], [24]);
  for (const job of begun.slice(0, 2)) job[Symbol.dispose]();
  come(16);
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 9, postponed: 9 + 14 }, 'whoever has ended makes room');
});

test('where one job alone keeps the replica at work, the others are left to other connections, though little is under way', async (t) => {
  const { session, come, pass, fates, backlogs } = scene(t);
  come(6);
  await pass(20);
  session.backlogMs = 5;
  session.storeMs = 20;
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 5 });
  assert.deepEqual([...backlogs], [160]);
});

test('what is under way may be more than was foreseen, and tell before the first answer', async (t) => {
  const { session, come, pass, fates } = scene(t);
  come(6);
  session.storeMs = 1;
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 6, postponed: 0 });
  session.storeMs = undefined;
  session.backlogMs = 160;
  come(2);
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 6, postponed: 2 });
});

test('nobody waits for the first answers longer than for another connection', async (t) => {
  const { come, pass, fates } = scene(t);
  come(3);
  await pass(CONNECT_MS - INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 0 });
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 2 });
});

test('when the only job with much to send has ended, the next one begins whatever is known', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const intake = new LadenIntake(far(), CONNECT_MS);
  const first = intake.enter('when-busy');
  await first.pass(MUCH);
  const second = intake.enter('when-busy').pass(MUCH);
  first[Symbol.dispose]();
  t.mock.timers.tick(INTAKE_LOOK_MS);
  await second;
});

test('a job with little to send passes at once, and one that no other connection can take', async () => {
  const intake = new LadenIntake(far({ wayMs: 0, backlogMs: 1_000 }), CONNECT_MS);
  await intake.enter('at-once').pass(MUCH);
  assert.equal(intake.enter('at-once').pass([LEAST_LADEN_COMMANDS - 1]), undefined);
  assert.equal(intake.enter(undefined).pass(MUCH), undefined);
  assert.throws(() => intake.enter('at-once').pass(MUCH), Postponed);
});
