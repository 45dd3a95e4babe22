import assert from 'node:assert/strict';
import test from 'node:test';
import type { BatchRunner } from '../../src/coordinator/batch-runner.ts';
import { RunnerSet } from '../../src/coordinator/runner-set.ts';
import { user } from './fakes.ts';

interface Fake {
  /** Ends the oldest task. */
  end(): void;
  running: number;
  cancelled: boolean;
}

function set(tasksPerConnection: number): { runners: RunnerSet; fakes: Fake[] } {
  const fakes: Fake[] = [];
  const create = (): BatchRunner => {
    const waiting: (() => void)[] = [];
    const fake: Fake = {
      running: 0,
      cancelled: false,
      end: () => waiting.shift()?.(),
    };
    fakes.push(fake);
    const runner: Pick<BatchRunner, 'run' | 'cancel'> = {
      run: async () => {
        fake.running += 1;
        await new Promise<void>((resolve) => waiting.push(resolve));
        fake.running -= 1;
        return [];
      },
      cancel: () => {
        fake.cancelled = true;
      },
    };
    return runner as BatchRunner;
  };
  return { runners: new RunnerSet(create, tasksPerConnection), fakes };
}

const batch = { id: 1, jobs: [user('a')] };

test('a connection is used again before a new one is made, and never by more tasks than allowed', async () => {
  const { runners, fakes } = set(1);
  const first = runners.run(batch);
  const second = runners.run(batch);
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [1, 1],
  );
  fakes[0]?.end();
  await first;
  const third = runners.run(batch);
  assert.equal(fakes.length, 2);
  fakes[0]?.end();
  fakes[1]?.end();
  await Promise.all([second, third]);
});

test('several tasks share a connection where that is allowed', async () => {
  const { runners, fakes } = set(3);
  const tasks = [1, 2, 3, 4].map(() => runners.run(batch));
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [3, 1],
  );
  for (let i = 0; i < 3; i++) fakes[0]?.end();
  fakes[1]?.end();
  await Promise.all(tasks);
});

test('a connection that is made after the run was cancelled begins nothing', async () => {
  const { runners, fakes } = set(1);
  runners.cancel();
  const task = runners.run(batch);
  assert.equal(fakes[0]?.cancelled, true);
  fakes[0]?.end();
  await task;
});
