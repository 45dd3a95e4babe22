import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { BatchRunner } from '../../../src/coordinator/pool/batch-runner.ts';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import { openInlinePool } from '../../../src/coordinator/pool/open-inline-pool.ts';
import { user } from '../../lab/pool-fakes.ts';
import { quiet } from '../../lab/virtual-clock.ts';

/** Longer than EXIT and its answer may take. */
const LONG_MS = 60_000;

/** A pool with one connection, on which somebody is at work until it is cut. */
function scene(context: TestContext, { leaves }: { leaves: boolean }) {
  context.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const orders: string[] = [];
  let cut = (): void => {};
  const runner: Pick<BatchRunner, 'run' | 'exit' | 'cut'> = {
    run: () =>
      new Promise((resolve) => {
        cut = () => resolve([]);
      }),
    exit: async () => {
      orders.push('exit');
      if (!leaves) await new Promise(() => {});
    },
    cut: () => {
      orders.push('cut');
      cut();
    },
  };
  const pool = openInlinePool({
    create: () => runner as BatchRunner,
    onIdleClosed: () => assert.fail('nothing was idle'),
    onClose: () => orders.push('closed'),
  });
  let outcomes: Outcome[] | undefined;
  void pool.run({ id: 1, jobs: [user('anna')] }).then((value) => {
    outcomes = value;
  });
  return { pool, orders, outcomes: () => outcomes };
}

test('a connection that does not take leave in its time is cut, so that nobody waits for what is under way on it', async (context) => {
  const { pool, orders, outcomes } = scene(context, { leaves: false });
  const closing = pool.close();
  await quiet();
  assert.deepEqual([orders, outcomes()], [['exit'], undefined]);
  context.mock.timers.tick(LONG_MS);
  await closing;
  await quiet();
  assert.deepEqual(orders, ['exit', 'cut', 'closed']);
  assert.deepEqual(outcomes(), []);
});

test('a connection that has taken leave is not cut: what it said may still be on its way', async (context) => {
  const { pool, orders } = scene(context, { leaves: true });
  await pool.close();
  assert.deepEqual(orders, ['exit', 'closed']);
});
