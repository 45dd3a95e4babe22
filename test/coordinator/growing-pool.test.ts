import assert from 'node:assert/strict';
import test from 'node:test';
import { GrowingPool } from '../../src/coordinator/growing-pool.ts';
import type { Outcome } from '../../src/coordinator/messages.ts';
import type { WorkerPool } from '../../src/coordinator/worker-pool.ts';
import { user } from './fakes.ts';

function scene() {
  const log: string[] = [];
  let end: () => void = () => {};
  const first: WorkerPool = {
    run: async () => {
      log.push('here');
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return [];
    },
    cancel: () => log.push('cancel here'),
    cut: () => {},
    close: async () => void log.push('close here'),
  };
  const pool = new GrowingPool(first, () => {
    log.push('threads');
    return {
      run: async (): Promise<Outcome[]> => {
        log.push('there');
        return [];
      },
      cancel: () => log.push('cancel there'),
      cut: () => {},
      close: async () => void log.push('close there'),
    };
  });
  return { pool, log, end: () => end() };
}

const batch = { id: 1, jobs: [user('a')] };

test('batches one after the other need no threads; one beside another does', async () => {
  const { pool, log, end } = scene();
  const one = pool.run(batch);
  end();
  await one;
  const two = pool.run(batch);
  assert.deepEqual(log, ['here', 'here']);
  await pool.run(batch);
  assert.deepEqual(log, ['here', 'here', 'threads', 'there']);
  end();
  await two;
  await pool.close();
  assert.deepEqual(log.slice(4), ['close here', 'close there']);
});

test('threads that come after the run was cancelled begin nothing', async () => {
  const { pool, log, end } = scene();
  const one = pool.run(batch);
  pool.cancel();
  await pool.run(batch);
  assert.deepEqual(log, ['here', 'cancel here', 'threads', 'cancel there', 'there']);
  end();
  await one;
});
