import assert from 'node:assert/strict';
import test from 'node:test';
import type { Batch } from '../../../src/coordinator/pool/messages.ts';
import { ThreadPool } from '../../../src/coordinator/pool/thread-pool.ts';
import { RunState } from '../../../src/operate/state/run-state.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { setup, user } from '../../lab/pool-fakes.ts';

/** A thread may take so much beyond its full heap until it has ended; more in one step ends the process (Node's `NearHeapLimit`). */
const NODES_ALLOWANCE_MEGABYTES = 16;

const worker = new URL('./scripted-worker.js', import.meta.url);

function batch(id: number, ...userids: string[]): Batch {
  return { id, jobs: userids.map(user) };
}

test('batches run on threads, and all their events are there when the answer is', async () => {
  const events: SyncEvent[] = [];
  const pool = new ThreadPool(setup, 2, (event) => events.push(event), { file: worker });
  try {
    for (let id = 1; id <= 20; id += 1) {
      const outcomes = await pool.run(batch(id, 'a', 'b'));
      assert.equal(outcomes.length, 2);
      assert.equal(events.length, id * 50);
    }
  } finally {
    await pool.close();
  }
});

test('a thread that dies is an error of its batch; the pool goes on', async () => {
  const pool = new ThreadPool(setup, 1, () => {}, { file: worker });
  try {
    await assert.rejects(
      pool.run(batch(1, 'die')),
      (caught) => caught instanceof SyncError && caught.code === 'BUG' && caught.retryable,
    );
    assert.equal((await pool.run(batch(2, 'a'))).length, 1);
  } finally {
    await pool.close();
  }
});

test('what a thread has of young objects never exceeds what Node allows it beyond a full heap', async () => {
  const pool = new ThreadPool(setup, 1, () => {}, { file: worker });
  try {
    await assert.rejects(pool.run(batch(1, 'tell-limits')), (caught) => {
      const megabytes = /young (\d+)/.exec(String(caught))?.[1];
      return Number(megabytes) < NODES_ALLOWANCE_MEGABYTES;
    });
  } finally {
    await pool.close();
  }
});

test('what a thread that dies had begun is told to have ended, so that nobody counts it for ever', async () => {
  const about = { server: 'replica', channel: undefined, rolling: true, spellMailbox: asItIs };
  const state = new RunState(about, 0);
  let tellLost = (): void => {};
  const lost = new Promise<void>((resolve) => {
    tellLost = resolve;
  });
  const pool = new ThreadPool(
    setup,
    1,
    (event) => {
      state.hear(event, 0);
      if (event.kind === 'connection:lost') tellLost();
    },
    { file: worker },
  );
  try {
    await pool.run(batch(1, 'begin'));
    const { connections, users } = state.view(0);
    assert.deepEqual([connections.length, users.running], [1, 1]);
    await assert.rejects(pool.run(batch(2, 'die')));
    await lost;
    const after = state.view(0);
    assert.deepEqual([after.connections.length, after.users.running], [0, 0]);
  } finally {
    await pool.close();
  }
});

test('orders reach a thread that is at work', async () => {
  const pool = new ThreadPool(
    setup,
    1,
    (event) => {
      if (event.kind === 'user:start') pool.cut();
    },
    { file: worker },
  );
  try {
    assert.equal((await pool.run(batch(1, 'await-cut'))).length, 1);
  } finally {
    await pool.close();
  }
});

test('threads that cannot load are an error of every batch, not a wait without end', async () => {
  const file = new URL('./no-such-file.js', import.meta.url);
  const pool = new ThreadPool(setup, 2, () => {}, { file, threads: 2 });
  const isDeath = (caught: unknown): boolean =>
    caught instanceof SyncError && caught.code === 'BUG' && caught.retryable;
  try {
    await Promise.all([1, 2, 3].map((id) => assert.rejects(pool.run(batch(id, 'a')), isDeath)));
    await assert.rejects(pool.run(batch(4, 'a')), isDeath);
  } finally {
    await pool.close();
  }
});
