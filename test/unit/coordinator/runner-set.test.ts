import assert from 'node:assert/strict';
import test from 'node:test';
import type { BatchRunner } from '../../../src/coordinator/pool/batch-runner.ts';
import type { KeptLink } from '../../../src/coordinator/pool/kept-link.ts';
import { RunnerSet } from '../../../src/coordinator/pool/runner-set.ts';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { user } from '../../lab/pool-fakes.ts';

interface Fake {
  /** Ends the oldest task. */
  end(): void;
  running: number;
  cancelled: boolean;
  left: boolean;
  cut: boolean;
  refuses: boolean;
  /** Making the connection takes until this is called. */
  up: () => void;
  /** Milliseconds of work on a part of a unit. */
  partMs: number;
  /** The arguments of the latest task. */
  borrow: EngineContext['borrow'];
}

const lent = { [Symbol.dispose]: () => {} } as BorrowedLink;

/** Begins the first unit, on a connection that takes so long for a part of one. */
function beginUnit(
  runners: RunnerSet,
  fakes: readonly Fake[],
  partMs: number,
): { first: Promise<unknown>; one: Fake } {
  const first = runners.runUnit(unit);
  const [one] = fakes;
  assert.ok(one);
  one.partMs = partMs;
  return { first, one };
}

function underWay(fakes: readonly Fake[]): number {
  return fakes.reduce((sum, { running }) => sum + running, 0);
}

function set(limit?: number, { slow = false } = {}): { runners: RunnerSet; fakes: Fake[] } {
  const fakes: Fake[] = [];
  const create = (): BatchRunner => {
    const waiting: (() => void)[] = [];
    let up = (): void => {};
    const isUp = new Promise<void>((resolve) => {
      up = resolve;
    });
    if (!slow || fakes.length === 0) up();
    const fake: Fake = {
      running: 0,
      cancelled: false,
      left: false,
      cut: false,
      refuses: false,
      up,
      partMs: 0,
      borrow: undefined,
      end: () => waiting.shift()?.(),
    };
    fakes.push(fake);
    const task = async (): Promise<void> => {
      fake.running += 1;
      await new Promise<void>((resolve) => waiting.push(resolve));
      fake.running -= 1;
    };
    const link: Pick<KeptLink, 'connected' | 'connectMs' | 'lend'> = {
      connected: true,
      connectMs: 20,
      lend: async () => {
        await isUp;
        if (fake.refuses) throw new Error('no more connections');
        return lent;
      },
    };
    const runner: Pick<BatchRunner, 'run' | 'runUnit' | 'cancel' | 'cut' | 'exit' | 'partMs' | 'link'> = {
      link: link as KeptLink,
      get partMs() {
        return fake.partMs;
      },
      exit: async () => {
        fake.left = true;
      },
      run: async (_batch, borrow) => {
        fake.borrow = borrow;
        await task();
        return [];
      },
      runUnit: async () => {
        await task();
        return { results: [], linkError: undefined };
      },
      cancel: () => {
        fake.cancelled = true;
      },
      cut: () => {
        fake.cut = true;
      },
    };
    return runner as BatchRunner;
  };
  return { runners: new RunnerSet(create, limit), fakes };
}

const batch = { id: 1, jobs: [user('a')] };
const unit = { id: 1, unit: { users: [], actions: [] } };

/** All that can begin has begun. */
async function begun(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('a connection is used again before a new one is made, and never by more tasks than allowed', async () => {
  const { runners, fakes } = set();
  const first = runners.run(batch);
  const second = runners.run(batch);
  await begun();
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [1, 1],
  );
  fakes[0]?.end();
  await first;
  const third = runners.run(batch);
  assert.equal(fakes.length, 2);
  await begun();
  fakes[0]?.end();
  fakes[1]?.end();
  await Promise.all([second, third]);
});

test('tasks share a connection only where no more are allowed', async () => {
  const { runners, fakes } = set(2);
  const tasks = [1, 2, 3, 4].map(() => runners.run(batch));
  await begun();
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [2, 2],
  );
  for (const fake of fakes) for (let i = 0; i < 2; i++) fake.end();
  await Promise.all(tasks);
});

test('a unit that is run apart has a connection to itself, and leaves it to others afterwards', async () => {
  const { runners, fakes } = set(3);
  const running = () => fakes.map((fake) => fake.running);
  const tasks = [
    runners.run(batch),
    runners.runUnit({ id: 2, unit: { users: [], actions: [] }, apart: true }),
  ];
  await begun();
  assert.deepEqual(running(), [1, 1]);
  for (let i = 0; i < 3; i++) tasks.push(runners.run(batch));
  await begun();
  assert.deepEqual(running(), [2, 1, 2]);
  fakes[1]?.end();
  await tasks[1];
  tasks.push(runners.run(batch));
  await begun();
  assert.deepEqual(running(), [2, 1, 2]);
  for (const fake of fakes) for (let i = 0; i < 3; i++) fake.end();
  await Promise.all(tasks);
});

test('a task that is run apart on the only connection waits for those before it, and the others for it', async () => {
  const { runners, fakes } = set(1);
  const order: string[] = [];
  const noted = (name: string, task: Promise<unknown>): Promise<unknown> => task.then(() => order.push(name));
  const apart = { ...batch, apart: true };
  const tasks = [
    noted('before', runners.run(batch)),
    noted('apart', runners.run(apart)),
    noted('apart too', runners.runUnit({ ...unit, apart: true })),
    noted('behind', runners.runUnit(unit)),
    noted('last', runners.run(batch)),
  ];
  const [only] = fakes;
  assert.ok(only);
  for (const running of [1, 1, 1]) {
    await begun();
    assert.equal(only.running, running, order.join(', '));
    only.end();
  }
  await begun();
  assert.equal(only.running, 2);
  only.end();
  only.end();
  await Promise.all(tasks);
  assert.deepEqual(order.slice(0, 3), ['before', 'apart', 'apart too']);
  assert.equal(fakes.length, 1);
});

test('whoever waits for a connection to itself, or for one that another has so, is let go by the end of the run', async () => {
  const { runners, fakes } = set(1);
  const tasks = [runners.run(batch), runners.run({ ...batch, apart: true }), runners.run(batch)];
  await begun();
  assert.equal(fakes[0]?.running, 1);
  runners.cancel();
  await begun();
  assert.equal(fakes[0]?.running, 3);
  for (let i = 0; i < 3; i++) fakes[0]?.end();
  await Promise.all(tasks);
});

test('a connection that is made after the run was cancelled begins nothing', async () => {
  const { runners, fakes } = set();
  runners.cancel();
  const task = runners.run(batch);
  await begun();
  assert.equal(fakes[0]?.cancelled, true);
  fakes[0]?.end();
  await task;
});

test('a task may borrow a connection that nobody uses, or a new one within the limit', async () => {
  const { runners, fakes } = set(2);
  const task = runners.run(batch);
  await begun();
  {
    using link = await fakes[0]?.borrow?.();
    assert.ok(link);
    assert.equal(fakes.length, 2);
    assert.equal(await fakes[0]?.borrow?.(), undefined, 'the other one is lent already');
  }
  assert.ok(await fakes[0]?.borrow?.(), 'given back, it can be borrowed again');
  fakes[0]?.end();
  await task;
});

test('none is borrowed from a replica that takes no more, nor asked for again soon', async () => {
  const { runners, fakes } = set(3);
  const tasks = [runners.run(batch), runners.run(batch)];
  await begun();
  fakes[1]?.end();
  await tasks[1];
  if (fakes[1]) fakes[1].refuses = true;
  assert.equal(await fakes[0]?.borrow?.(), undefined);
  if (fakes[1]) fakes[1].refuses = false;
  assert.equal(await fakes[0]?.borrow?.(), undefined);
  fakes[0]?.end();
  await tasks[0];
});

test('connections over a lower limit leave when their tasks have ended', async () => {
  const { runners, fakes } = set(3);
  const tasks = [1, 2, 3].map(() => runners.run(batch));
  await begun();
  runners.setLimit(1);
  fakes[1]?.end();
  await tasks[1];
  assert.deepEqual(
    fakes.map(({ left }) => left),
    [false, true, false],
  );
  fakes[0]?.end();
  fakes[2]?.end();
  await Promise.all(tasks);
  assert.deepEqual(
    fakes.map(({ left }) => left),
    [false, true, true],
  );
});

test('units share a connection while it is done with them before another one would be there', async () => {
  const { runners, fakes } = set(4);
  const { first, one } = beginUnit(runners, fakes, 1);
  const others = Array.from({ length: 9 }, () => runners.runUnit(unit));
  await begun();
  assert.equal(fakes.length, 1);
  for (let i = 0; i < 10; i++) one.end();
  await Promise.all([first, ...others]);
});

test('units that keep the replica at work are spread over as many connections as there may be, evenly', async () => {
  const { runners, fakes } = set(4);
  const { first } = beginUnit(runners, fakes, 10_000);
  const others = Array.from({ length: 11 }, () => runners.runUnit(unit));
  await begun();
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [3, 3, 3, 3],
  );
  for (const fake of fakes) for (let i = 0; i < 3; i++) fake.end();
  await Promise.all([first, ...others]);
});

test('a unit of many mailboxes counts as many, so that one such unit behind another is worth a connection', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `user.anna.${index}`);
  const large = { id: 1, unit: { users: ['anna'], actions: [{ kind: 'mailboxes', names } as const] } };
  const { runners, fakes } = set(4);
  const first = runners.runUnit(large);
  const [one] = fakes;
  assert.ok(one);
  one.partMs = 1;
  // Making a connection takes 20 ms.
  const second = runners.runUnit(large);
  await begun();
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [1, 1],
  );
  for (const fake of fakes) fake.end();
  await Promise.all([first, second]);
});

test('a connection that has done nothing yet is no reason to make no other', async () => {
  const { runners, fakes } = set(4);
  const { first } = beginUnit(runners, fakes, 1_000);
  const units = [first, ...Array.from({ length: 3 }, () => runners.runUnit(unit))];
  await begun();
  // The others are up by now, and nobody knows of them how long a part takes.
  const more = Array.from({ length: 8 }, () => runners.runUnit(unit));
  await begun();
  assert.deepEqual(
    fakes.map(({ running }) => running),
    [3, 3, 3, 3],
  );
  for (const fake of fakes) for (let i = 0; i < 3; i++) fake.end();
  await Promise.all([...units, ...more]);
});

test('where the replica takes no more, units go to those that it took, and none is made for a while', async () => {
  const { runners, fakes } = set(4);
  const { first, one } = beginUnit(runners, fakes, 10_000);
  const second = runners.runUnit(unit);
  if (fakes[1]) fakes[1].refuses = true;
  await begun();
  const third = runners.runUnit(unit);
  await begun();
  assert.equal(one.running, 3);
  assert.equal(fakes.length, 2);
  assert.equal(fakes[1]?.left, true);
  for (let i = 0; i < 3; i++) one.end();
  await Promise.all([first, second, third]);
});

/** How whoever waits may go on, and the limit that is none may come before. */
const ENDS: Record<string, (runners: RunnerSet) => void> = {
  'a limit of none': (runners) => runners.setLimit(0),
  cancel: (runners) => runners.cancel(),
  cut: (runners) => runners.cut(),
  'a limit of none, then cancel': (runners) => {
    runners.setLimit(0);
    runners.cancel();
  },
  'a limit of none, then cut': (runners) => {
    runners.setLimit(0);
    runners.cut();
  },
};

for (const [end, takeAway] of Object.entries(ENDS)) {
  test(`a task that comes after ${end} has a connection, which goes with it where none is allowed`, async () => {
    const { runners, fakes } = set(2);
    takeAway(runners);
    const tasks = [runners.run(batch), runners.runUnit(unit), runners.run({ ...batch, apart: true })];
    await begun();
    assert.ok(fakes[0] && fakes[0].running > 0);
    while (fakes.some(({ running }) => running > 0)) {
      for (const fake of fakes) fake.end();
      await begun();
    }
    await Promise.all(tasks);
    if (end.startsWith('a limit'))
      assert.deepEqual(
        fakes.map(({ left }) => left),
        [true],
      );
  });

  test(`whoever waits for a task that has the connection to itself goes on in spite of ${end}`, async () => {
    const { runners, fakes } = set(1);
    const apart = runners.run({ ...batch, apart: true });
    const behind = [runners.run(batch), runners.runUnit(unit)];
    await begun();
    assert.equal(fakes[0]?.running, 1);
    takeAway(runners);
    fakes[0].end();
    await apart;
    await begun();
    assert.equal(underWay(fakes), 2);
    for (const fake of fakes) for (let i = 0; i < 2; i++) fake.end();
    await Promise.all(behind);
  });

  test(`a unit that waits for a connection that is being made goes on in spite of ${end}`, async () => {
    const { runners, fakes } = set(2, { slow: true });
    const { first, one } = beginUnit(runners, fakes, 10_000);
    const second = runners.runUnit(unit);
    await begun();
    assert.deepEqual([fakes.length, one.running], [2, 1]);
    takeAway(runners);
    await begun();
    assert.equal(underWay(fakes), 2);
    for (const fake of fakes) for (let i = 0; i < 2; i++) fake.end();
    await Promise.all([first, second]);
  });
}

test('a connection that was given up while it was being made is no refusal of the replica', async () => {
  const { runners, fakes } = set(2, { slow: true });
  const { first } = beginUnit(runners, fakes, 10_000);
  const second = runners.runUnit(unit);
  await begun();
  runners.setLimit(1);
  assert.equal(fakes[1]?.left, true);
  fakes[1].refuses = true;
  fakes[1].up();
  await begun();
  runners.setLimit(2);
  const third = runners.runUnit(unit);
  await begun();
  assert.equal(fakes.length, 3);
  fakes[2]?.up();
  await begun();
  for (const fake of fakes) for (let i = 0; i < 3; i++) fake.end();
  await Promise.all([first, second, third]);
});
