import assert from 'node:assert/strict';
import test from 'node:test';
import type { Outcome } from '../../../src/coordinator/pool/messages.ts';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { user } from '../../lab/pool-fakes.ts';

export interface OpenPool extends AsyncDisposable {
  readonly pool: JobPool & UnitPool;
  readonly events: SyncEvent[];
  /** Users of the master, none of whom the replica has. */
  readonly users: readonly string[];
}

/** What holds of every pool, wherever its connections are. */
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
    'after it is renewed units come to have a new connection, and one alone',
    async ({ pool, events }) => {
      const opens = (): number => events.filter(({ kind }) => kind === 'connection:open').length;
      await pool.runUnit({ id: 1, unit: { users: [], actions: [] } });
      const before = opens();
      pool.renew();
      // Orders reach a thread by another way than units do, so that a unit may overtake this one.
      let id = 2;
      while (opens() === before) await pool.runUnit({ id: id++, unit: { users: [], actions: [] } });
      await pool.runUnit({ id, unit: { users: [], actions: [] } });
      assert.equal(opens(), before + 1);
    },
  );

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

function ofUsers(outcomes: readonly Outcome[]): Map<string, Outcome['kind']> {
  return new Map(outcomes.map(({ job, kind }) => [job.kind === 'mailboxes' ? '' : job.userid, kind]));
}
