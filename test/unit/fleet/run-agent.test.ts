import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type AgentEvent, type AgentParts, runAgent } from '../../../src/fleet/agent/run-agent.ts';
import { noteKey, readFleetNotes } from '../../../src/fleet/fleet-notes.ts';
import type { FleetSlice } from '../../../src/fleet/fleet-slice.ts';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import type { FleetQueue } from '../../../src/fleet/queue/fleet-queue.ts';
import { retryUsers } from '../../../src/fleet/retry-users.ts';
import { userStandings } from '../../../src/fleet/state/fleet-view.ts';
import type { ReportEntry } from '../../../src/report/document/report-entry.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { LANE, sliceOf, slicesOf } from './slices.ts';

const RULES = { leaseMs: 60_000, attempts: 2, retryMs: 1, losses: 2, patienceMs: 1_000 };

test('everybody who is compared and identical is proven; who may come right comes again, who may not needs a person', async () => {
  await using scene = await agentScene(1);
  const runs: string[][] = [];
  await scene.work(async ({ users, round }) => {
    runs.push([...users]);
    return ran(
      users.map((user) =>
        user.endsWith('bob') && round === 1
          ? entryOf(user, { status: 'locked', grade: 'not-reached' })
          : entryOf(user),
      ),
    );
  });
  assert.deepEqual(runs, [['s0-anna', 's0-bob'], ['s0-bob']]);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

test('a user who was replicated and not compared is not proven, and none is after the last round', async () => {
  await using scene = await agentScene(1);
  let rounds = 0;
  await scene.work(async ({ users }) => {
    rounds += 1;
    return ran(users.map((user) => entryOf(user, { compared: false })));
  });
  assert.equal(rounds, 5);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'needs-person', 's0-bob': 'needs-person' });
});

test('a replica that is away costs a slice no attempt, what is wrong for good costs one each time', async () => {
  await using scene = await agentScene(2);
  const stop = new AbortController();
  const away = new SyncError('CONNECT_FAILED', 'away', { family: 'link', retryable: true }).toData();
  await scene.work(async () => {
    stop.abort();
    return { entries: new Map(), endedBy: away };
  }, stop.signal);
  assert.deepEqual(scene.kinds(), ['begins', 'gives-back']);
  const wrong = new SyncError('CONFIG', 'wrong').toData();
  await scene.work(async () => ({ entries: new Map(), endedBy: wrong }));
  assert.deepEqual(await scene.outcomes(), {
    ...{ 's0-anna': 'needs-person', 's0-bob': 'needs-person' },
    ...{ 's1-anna': 'needs-person', 's1-bob': 'needs-person' },
  });
});

test('a master whose server is away costs its slices no attempt, and the others are not held up', async () => {
  for (const away of [
    new SyncError('CONNECT_FAILED', 'the master m1 cannot be read', { phase: 'connect', retryable: true }),
    new SyncError('MASTER_SERVER_LOST', 'the master was lost', { retryable: true }),
  ]) {
    await using scene = await agentScene(2);
    await scene.add('m2', [sliceOf('other', { master: 'm2', replica: 'r1' })]);
    const stop = new AbortController();
    const runs: string[] = [];
    await scene.work(async ({ id, master, users }) => {
      runs.push(id);
      if (runs.length === 2) stop.abort();
      return master === 'm1'
        ? { entries: new Map(), endedBy: away.toData() }
        : ran(users.map((user) => entryOf(user)));
    }, stop.signal);
    assert.deepEqual(runs.sort(), ['other', 's0']);
    assert.deepEqual(scene.kinds().sort(), ['begins', 'begins', 'ends', 'gives-back']);
  }
});

test('an agent that is told to stop gives back what is not whole, and keeps what is', async () => {
  for (const isWhole of [false, true]) {
    await using scene = await agentScene(1);
    const stop = new AbortController();
    await scene.work(async ({ users }, _terms, signal) => {
      stop.abort();
      assert.ok(signal.aborted);
      return ran((isWhole ? users : users.slice(1)).map((user) => entryOf(user)));
    }, stop.signal);
    const [record] = await scene.queue.slices();
    assert.equal(record?.state, isWhole ? 'done' : 'waiting');
    assert.deepEqual((await readFleetNotes(scene.queue)).agents, []);
  }
});

test('whoever comes again is not forgotten by an agent that is told to stop while the queue is away, and back for its last word', async () => {
  await using scene = await agentScene(1);
  const stop = new AbortController();
  await scene.work(async ({ users }) => {
    scene.awayOnce('add');
    stop.abort();
    return ran(users.map((user) => entryOf(user, { status: 'locked', grade: 'not-reached' })));
  }, stop.signal);
  assert.equal((await scene.queue.slices())[0]?.state, 'waiting');
  await scene.work(async ({ users }) => ran(users.map((user) => entryOf(user))));
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

test('a queue that is away whenever a slice was just taken does not count as an agent that was lost', async () => {
  await using scene = await agentScene(1);
  for (let time = 0; time <= RULES.losses; time += 1) {
    const stop = new AbortController();
    scene.awayOnce('gates', () => stop.abort());
    await scene.work(async () => assert.fail('nothing is run without its terms'), stop.signal);
    scene.passes(RULES.leaseMs + 1);
  }
  await scene.work(async ({ users }) => ran(users.map((user) => entryOf(user))));
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

test('a run whose lease is lost is told to end, and nothing of it is kept', async () => {
  await using scene = await agentScene(1);
  const stop = new AbortController();
  await scene.work(async ({ users }, _terms, signal) => {
    // As if this process had been stopped for longer than a lease: nothing was renewed, and somebody else has the slice.
    scene.passes(RULES.leaseMs + 1);
    assert.ok(await scene.queue.claim([LANE], 'other'));
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    stop.abort();
    return ran(users.map((user) => entryOf(user)));
  }, stop.signal);
  assert.deepEqual(scene.kinds(), ['begins', 'lost']);
  assert.equal((await scene.queue.slices())[0]?.state, 'active');
});

test('a queue that refuses to renew a lease has the run end as if it were lost, and the agent says why', async () => {
  await using scene = await agentScene(1);
  scene.refuseNextRenewal('OOM command not allowed');
  const work = scene.work(async ({ users }, _terms, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return ran(users.map((user) => entryOf(user)));
  });
  await assert.rejects(work, /^Error: OOM command not allowed$/);
  assert.deepEqual(scene.kinds(), ['begins', 'lost']);
});

test('who is cancelled is not moved', async () => {
  await using scene = await agentScene(1);
  await scene.queue.note(noteKey('user', 's0-bob'), true);
  const moved: string[] = [];
  await scene.work(async ({ users }) => {
    moved.push(...users);
    return ran(users.map((user) => entryOf(user)));
  });
  assert.deepEqual(moved, ['s0-anna']);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'cancelled' });
});

test('who comes again is not forgotten where an agent died before its slice was finished, and the next one left others undone', async () => {
  await using scene = await agentScene(1);
  const runs: string[][] = [];
  scene.loseNextFinish();
  await scene.work(async ({ users }) => {
    runs.push([...users]);
    const locked = ['s0-anna', 's0-bob'][runs.length - 1];
    return ran(
      users.map((user) => entryOf(user, user === locked ? { status: 'locked', grade: 'not-reached' } : {})),
    );
  });
  assert.deepEqual(runs.slice(0, 2), [
    ['s0-anna', 's0-bob'],
    ['s0-anna', 's0-bob'],
  ]);
  assert.deepEqual(runs.slice(2).flat().sort(), ['s0-anna', 's0-bob']);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

test('users of one slice who need a person come again one after the other, as they are named', async () => {
  await using scene = await agentScene(1);
  await scene.work(async ({ users }) => ran(users.map((user) => entryOf(user, { compared: false }))));
  for (const name of ['s0-anna', 's0-bob']) {
    const records = await scene.queue.slices();
    const standing = userStandings(records, await readFleetNotes(scene.queue)).get(name);
    assert.ok(standing?.outcome === 'needs-person');
    assert.equal(await retryUsers(scene.queue, records, [standing]), 1);
  }
  const runs: string[][] = [];
  await scene.work(async ({ users }) => {
    runs.push([...users]);
    return ran(users.map((user) => entryOf(user)));
  });
  assert.deepEqual(runs, [['s0-anna'], ['s0-bob']]);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

test('who is retried has all rounds again', async () => {
  await using scene = await agentScene(1);
  let runs = 0;
  const lockedUntil =
    (run: number) =>
    async ({ users }: { users: readonly string[] }) => {
      runs += 1;
      return ran(
        users.map((user) => entryOf(user, runs < run ? { status: 'locked', grade: 'not-reached' } : {})),
      );
    };
  await scene.work(lockedUntil(Number.POSITIVE_INFINITY));
  assert.equal(runs, 5);
  const records = await scene.queue.slices();
  const standings = userStandings(records, await readFleetNotes(scene.queue));
  assert.equal(await retryUsers(scene.queue, records, [...standings.values()]), 2);
  await scene.work(lockedUntil(10));
  assert.equal(runs, 10);
  assert.deepEqual(await scene.outcomes(), { 's0-anna': 'proven', 's0-bob': 'proven' });
});

/** Milliseconds, so that a lost lease is soon noticed; the queue has its own. */
const RENEWED_AFTER_MS = 30;

async function agentScene(slices: number) {
  let passed = 0;
  const directory = await mkdtemp(join(tmpdir(), 'fleet-agent-'));
  const queue: FleetQueue = await EmbeddedQueue.open(directory, RULES, () => Date.now() + passed);
  const claim = queue.claim.bind(queue);
  const gate = { slices: 10, hours: undefined };
  const masters = ['m1'];
  await queue.note(noteKey('master', 'm1'), { name: 'm1', ...gate });
  await queue.note(noteKey('replica', 'r1'), { name: 'r1', server: 'r1', ...gate });
  for (const name of ['master/m1', 'replica/r1'] as const) await queue.limit(name, 10);
  await queue.add(slicesOf(slices));
  assert.ok(sliceOf('s0').users.length === 2);
  const events: AgentEvent[] = [];
  return {
    queue,
    /** Has the agent die, as far as the queue can tell, when it has said all of the next slice but its end. */
    loseNextFinish: () => {
      queue.claim = async (...args) => {
        const claimed = await claim(...args);
        queue.claim = claim;
        return claimed && { ...claimed, finish: async () => !(await claimed.release()) };
      };
    },
    refuseNextRenewal: (why: string) => {
      queue.claim = async (...args) => {
        const claimed = await claim(...args);
        queue.claim = claim;
        let renewals = 0;
        const renew = async (): Promise<boolean> => {
          renewals += 1;
          // The first is made before the run begins.
          if (renewals > 1) throw new Error(why);
          return await (claimed?.renew() ?? false);
        };
        return claimed && { ...claimed, renew };
      };
    },
    /** The next question of a kind finds the queue away, and all after it find it back. */
    awayOnce: (question: 'add' | 'gates', then = () => {}) => {
      const ask = queue[question];
      const away = async (): Promise<never> => {
        queue[question] = ask as never;
        then();
        throw new SyncError('QUEUE_UNAVAILABLE', 'away', { family: 'link', retryable: true });
      };
      queue[question] = away;
    },
    async add(master: string, slices: readonly FleetSlice[]): Promise<void> {
      masters.push(master);
      await queue.note(noteKey('master', master), { name: master, ...gate });
      await queue.limit(`master/${master}`, 10);
      await queue.add(slices);
    },
    passes: (ms: number) => {
      passed += ms;
    },
    kinds: () => events.splice(0).map(({ kind }) => kind),
    async work(runSlice: AgentParts['runSlice'], signal = new AbortController().signal): Promise<void> {
      const options = {
        name: 'agent',
        host: 'host',
        pid: 1,
        masters,
        untilDone: true,
      };
      const tell = (event: AgentEvent) => void events.push(event);
      await runAgent({ ...options, leaseMs: RENEWED_AFTER_MS }, { queue, runSlice, tell }, signal);
    },
    async outcomes(): Promise<Record<string, string>> {
      const users = userStandings(await queue.slices(), await readFleetNotes(queue));
      return Object.fromEntries([...users.values()].map(({ user, outcome }) => [user, outcome]));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await queue[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

function ran(entries: readonly ReportEntry[]) {
  return { entries: new Map(entries.map((entry) => [entry.user ?? '', entry])), endedBy: undefined };
}

function entryOf(user: string, other: Partial<ReportEntry> = {}): ReportEntry {
  return {
    ...{ user, mailboxes: null, status: 'replicated', grade: 'identical', compared: true, differences: 0 },
    ...{ mailboxesUpdated: 1, messages: 1, octets: 1, seconds: 1, attempts: 1, lockWaits: 0, error: null },
    ...{ damagedMessages: 0, damaged: [], found: [] },
    ...other,
  };
}
