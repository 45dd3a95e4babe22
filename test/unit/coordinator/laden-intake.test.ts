import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { INTAKE_LOOK_MS, LEAST_LADEN_COMMANDS } from '../../../src/coordinator/limits.ts';
import { LadenIntake, Postponed } from '../../../src/coordinator/pool/laden-intake.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

const CONNECT_MS = 100;
const MUCH = [LEAST_LADEN_COMMANDS];

/** An intake on virtual time, and what became of the jobs that came to it. */
function scene(t: TestContext, session: { wayMs: number; backlogMs: number | undefined }) {
  let nowMs = 0;
  mockNowMs(t.mock, () => nowMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const intake = new LadenIntake(session, CONNECT_MS);
  const fates = { begun: 0, postponed: 0 };
  const come = (jobs: number): void => {
    for (let job = 0; job < jobs; job++) {
      void Promise.resolve(intake.enter('when-busy').pass(MUCH)).then(
        () => {
          fates.begun += 1;
        },
        (error: unknown) => {
          assert.ok(error instanceof Postponed);
          fates.postponed += 1;
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
  return { session, come, pass, fates };
}

test('until the replica has stored anything one job with much to send is under way, then ever more on a far link', async (t) => {
  const { session, come, pass, fates } = scene(t, { wayMs: 40, backlogMs: undefined });
  come(16);
  await pass(40);
  assert.deepEqual(fates, { begun: 1, postponed: 0 });
  session.backlogMs = 3;
  for (const begun of [2, 4, 8, 16]) {
    await pass(INTAKE_LOOK_MS);
    assert.deepEqual(fates, { begun, postponed: 0 });
  }
});

test('once the replica has enough to do until more could reach it, the others are left to other connections', async (t) => {
  const { session, come, pass, fates } = scene(t, { wayMs: 40, backlogMs: undefined });
  come(6);
  await pass(20);
  session.backlogMs = 40;
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 5 });
});

test('nobody waits for the first answers longer than for another connection', async (t) => {
  const { come, pass, fates } = scene(t, { wayMs: 40, backlogMs: undefined });
  come(3);
  await pass(CONNECT_MS - INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 0 });
  await pass(INTAKE_LOOK_MS);
  assert.deepEqual(fates, { begun: 1, postponed: 2 });
});

test('when the only job with much to send has ended, the next one begins whatever is known', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const intake = new LadenIntake({ wayMs: 40, backlogMs: undefined }, CONNECT_MS);
  const first = intake.enter('when-busy');
  await first.pass(MUCH);
  const second = intake.enter('when-busy').pass(MUCH);
  first[Symbol.dispose]();
  t.mock.timers.tick(INTAKE_LOOK_MS);
  await second;
});

test('a job with little to send passes at once, and one that no other connection can take', async () => {
  const intake = new LadenIntake({ wayMs: 0, backlogMs: 1_000 }, CONNECT_MS);
  await intake.enter('at-once').pass(MUCH);
  assert.equal(intake.enter('at-once').pass([LEAST_LADEN_COMMANDS - 1]), undefined);
  assert.equal(intake.enter(undefined).pass(MUCH), undefined);
  assert.throws(() => intake.enter('at-once').pass(MUCH), Postponed);
});
