import assert from 'node:assert/strict';
import test from 'node:test';
import { GrowingPool } from '../../../src/coordinator/pool/growing-pool.ts';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import { user } from '../../lab/pool-fakes.ts';

type Pool = JobPool & UnitPool;

/** Batches run until they are ended; `open` says that the threads are loaded. */
function scene({ threads = 1, alone = false } = {}) {
  const log: string[] = [];
  const running: (() => void)[] = [];
  const pool = (where: string): Pool => ({
    run: async (): Promise<Outcome[]> => {
      log.push(where);
      await new Promise<void>((resolve) => running.push(resolve));
      return [];
    },
    runUnit: async () => {
      log.push(`unit ${where}`);
      return { results: [], linkError: undefined };
    },
    renew: () => void log.push(`renew ${where}`),
    use: ({ connections }) => void log.push(`${connections} ${where}`),
    cancel: () => void log.push(`cancel ${where}`),
    cut: () => void log.push(`cut ${where}`),
    close: async () => void log.push(`close ${where}`),
  });
  let loaded: (pool: Pool) => void = () => {};
  let failed: (error: Error) => void = () => {};
  const loading = new Promise<Pool>((resolve, reject) => {
    loaded = resolve;
    failed = reject;
  });
  const growing = new GrowingPool(pool('here'), () => loading, threads, alone);
  return {
    log,
    pool: growing,
    open: async () => {
      loaded(pool('there'));
      await new Promise(setImmediate);
    },
    fail: async (error: Error) => {
      failed(error);
      await new Promise(setImmediate);
    },
    end: () => {
      for (const resolve of running.splice(0)) resolve();
    },
  };
}

const batch = { id: 1, jobs: [user('a')] };

test('all connections are on this thread until others pay and are loaded', async () => {
  const { pool, log, open, end } = scene();
  pool.use({ connections: 2, threads: false });
  const tasks = [pool.run(batch), pool.run(batch)];
  pool.use({ connections: 4, threads: true });
  tasks.push(pool.run(batch));
  assert.deepEqual(log.splice(0), ['2 here', 'here', 'here', '4 here', 'here']);
  await open();
  assert.deepEqual(log.splice(0), ['2 here', '2 there']);
  tasks.push(pool.run(batch), pool.run(batch), pool.run(batch), pool.run(batch));
  assert.deepEqual(log.splice(0), ['there', 'there', 'there', 'here']);
  end();
  await Promise.all(tasks);
  await pool.close();
  assert.deepEqual(log, ['close here', 'close there']);
});

test('every thread gets its share, but with fewer connections than threads this one has them all', async () => {
  const { pool, log, open } = scene({ threads: 3 });
  pool.use({ connections: 8, threads: true });
  await open();
  pool.use({ connections: 2, threads: true });
  assert.deepEqual(log.splice(0), ['8 here', '2 here', '6 there', '2 here', '0 there']);
  void pool.run(batch);
  void pool.run(batch);
  assert.deepEqual(log, ['here', 'here']);
  await pool.close();
});

test('units of a log go where batches would, and all take new connections', async () => {
  const { pool, log, open, end } = scene();
  const unit = { id: 1, unit: { users: ['a'], actions: [] } };
  pool.use({ connections: 4, threads: true });
  await pool.runUnit(unit);
  pool.renew();
  assert.deepEqual(log.splice(0), ['4 here', 'unit here', 'renew here']);
  await open();
  const busy = pool.run(batch);
  await pool.runUnit(unit);
  pool.renew();
  assert.deepEqual(log, ['2 here', '2 there', 'here', 'unit there', 'renew here', 'renew there']);
  end();
  await busy;
  await pool.close();
});

test('threads that come after the run was cancelled begin nothing, and leave', async () => {
  const { pool, log, open } = scene();
  pool.use({ connections: 2, threads: true });
  pool.cancel();
  await open();
  await pool.close();
  assert.deepEqual(log, [
    '2 here',
    'cancel here',
    'cancel there',
    '1 here',
    '1 there',
    'close here',
    'close there',
  ]);
});

test('threads alone: they are opened at once, whatever comes before that waits for them, and this thread has nothing', async () => {
  const { pool, log, open, end } = scene({ threads: 2, alone: true });
  const first = pool.run(batch);
  pool.use({ connections: 1, threads: false });
  await new Promise(setImmediate);
  assert.deepEqual(log.splice(0), ['0 here']);
  await open();
  const second = pool.run(batch);
  await new Promise(setImmediate);
  assert.deepEqual(log, ['0 here', '1 there', 'there', 'there']);
  end();
  await Promise.all([first, second]);
  await pool.close();
});

test('threads that cannot be loaded are an error of the next batch', async () => {
  const { pool, fail } = scene();
  pool.use({ connections: 2, threads: true });
  await fail(new Error('no such file'));
  await assert.rejects(pool.run(batch), /no such file/);
  await pool.close();
});
