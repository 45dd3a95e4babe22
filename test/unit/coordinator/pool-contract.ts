import assert from 'node:assert/strict';
import test from 'node:test';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import type { ActionResult } from '../../../src/replicate/engine.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { user } from '../../lab/pool-fakes.ts';

export interface OpenPool extends AsyncDisposable {
  readonly pool: JobPool & UnitPool;
  readonly events: SyncEvent[];
  /** Users of the master, none of whom the replica has. */
  readonly users: readonly string[];
  /** From now on the replica never answers about any user. Resolves when it was asked. */
  fallSilent(): Promise<void>;
  /** The replica takes leave on every connection. Resolves when the pool has said so of one that was idle. */
  hangUp(): Promise<void>;
}

/** Enough for a unit to overtake its renewal, where it can. */
const RENEWALS = 50;

/** The contract of every pool, wherever its connections are. */
export function poolContract(who: string, open: () => Promise<OpenPool>): void {
  const contract = (name: string, run: (opened: OpenPool) => Promise<void>): void => {
    test(`${who}: ${name}`, async () => {
      await using opened = await open();
      await run(opened);
    });
  };

  contract('each job has one outcome, and all its events are there when that is', async (opened) => {
    const { pool, events, users } = opened;
    const outcomes = await pool.run({ id: 1, jobs: [...users, 'nobody-at-all'].map(user) });
    assert.deepEqual(
      ofUsers(outcomes),
      new Map([...users.map((userid) => [userid, 'synced'] as const), ['nobody-at-all', 'absent']]),
    );
    const started = events.flatMap((event) => (event.kind === 'user:start' ? [event.user] : []));
    assert.deepEqual(started.sort(), [...users, 'nobody-at-all'].sort());
    assert.ok(events.some(({ kind }) => kind === 'connection:open'));
  });

  contract('batches run at once, and each gets its own answer', async ({ pool, users }) => {
    const answers = await Promise.all(users.map((userid, id) => pool.run({ id, jobs: [user(userid)] })));
    assert.deepEqual(
      answers.map((outcomes) => [...ofUsers(outcomes)]),
      users.map((userid) => [[userid, 'synced']]),
    );
  });

  contract(
    'a unit has one result for each action, and one without actions only asks for a connection',
    async (opened) => {
      const { pool, users } = opened;
      assert.deepEqual(await pool.runUnit({ id: 1, unit: { users: [], actions: [] } }), {
        results: [],
        linkError: undefined,
      });
      const [userid = ''] = users;
      const actions = [{ kind: 'user', userid } as const, { kind: 'meta', userid } as const];
      const { results, linkError } = await pool.runUnit({ id: 2, unit: { users: [userid], actions } });
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['done', 'done'],
      );
      assert.equal(linkError, undefined);
    },
  );

  contract(
    'from the next unit on there is a new connection after it is renewed, and one alone',
    async (opened) => {
      const { pool, events } = opened;
      const opens = (): number => events.filter(({ kind }) => kind === 'connection:open').length;
      let id = 0;
      const runUnit = async (): Promise<unknown> =>
        await pool.runUnit({ id: ++id, unit: { users: [], actions: [] } });
      await runUnit();
      // Orders and units reach a thread on ports of their own, in no order.
      for (let renewals = 1; renewals <= RENEWALS; renewals += 1) {
        pool.renew();
        await runUnit();
        assert.equal(opens(), 1 + renewals);
        await runUnit();
        assert.equal(opens(), 1 + renewals);
      }
    },
  );

  contract('batches at once have as many connections as it may use', async ({ pool, events, users }) => {
    pool.use({ connections: 3, threads: false });
    await Promise.all(users.slice(0, 3).map((userid, id) => pool.run({ id, jobs: [user(userid)] })));
    assert.equal(events.filter(({ kind }) => kind === 'connection:open').length, 3);
  });

  contract('what comes while it may use no connection is done all the same', async ({ pool, users }) => {
    pool.use({ connections: 0, threads: false });
    const outcomes = await pool.run({ id: 1, jobs: users.map(user) });
    assert.deepEqual(
      [...ofUsers(outcomes).values()],
      users.map(() => 'synced'),
    );
  });

  contract(
    'a connection that the replica ends while it is idle is told, and work goes on',
    async (opened) => {
      const { pool, hangUp } = opened;
      const ask = { users: [], actions: [] };
      await pool.runUnit({ id: 1, unit: ask });
      await hangUp();
      assert.equal((await pool.runUnit({ id: 2, unit: ask })).linkError, undefined);
    },
  );

  const work: Record<string, (pool: OpenPool['pool'], userid: string) => Promise<string[]>> = {
    batch: async (pool, userid) => {
      const outcomes = await pool.run({ id: 1, jobs: [user(userid)] });
      return outcomes.map(howItFailed);
    },
    unit: async (pool, userid) => {
      const unit = { users: [userid], actions: [{ kind: 'user', userid } as const] };
      const { results } = await pool.runUnit({ id: 1, unit });
      return results.map(howItFailed);
    },
  };
  for (const [what, begin] of Object.entries(work)) {
    contract(`a cut ends a ${what} that waits for a replica that never answers`, async (opened) => {
      const { pool, users, fallSilent } = opened;
      const asked = fallSilent();
      const failures = begin(pool, users[0] ?? '');
      await asked;
      pool.cut();
      assert.deepEqual(await failures, ['CANCELLED']);
    });
  }

  for (const order of ['cancel', 'cut'] as const) {
    contract(`after ${order} nothing is begun, and all that was asked for has an answer`, async (opened) => {
      const { pool, users } = opened;
      await pool.runUnit({ id: 1, unit: { users: [], actions: [] } });
      const running = pool.run({ id: 2, jobs: users.map(user) });
      pool[order]();
      assert.equal((await running).length, users.length);
      const after = ofUsers(await pool.run({ id: 3, jobs: users.map(user) }));
      assert.deepEqual(
        [...after.values()],
        users.map(() => 'untouched'),
      );
    });
  }
}

function howItFailed(one: Outcome | ActionResult): string {
  return one.kind === 'failed' ? one.error.code : one.kind;
}

function ofUsers(outcomes: readonly Outcome[]): Map<string, Outcome['kind']> {
  return new Map(outcomes.map(({ job, kind }) => [job.kind === 'mailboxes' ? '' : job.userid, kind]));
}
