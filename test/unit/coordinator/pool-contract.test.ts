import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { storeLayout } from '../../../src/cli/run-plan/store-layout.ts';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { BatchRunner } from '../../../src/coordinator/pool/batch-runner.ts';
import { GrowingPool } from '../../../src/coordinator/pool/growing-pool.ts';
import type { PoolSetup } from '../../../src/coordinator/pool/messages.ts';
import { openInlinePool } from '../../../src/coordinator/pool/open-inline-pool.ts';
import type { JobPool, UnitPool } from '../../../src/coordinator/pool/pool.ts';
import { realParts } from '../../../src/coordinator/pool/real-parts.ts';
import { ThreadPool } from '../../../src/coordinator/pool/thread-pool.ts';
import type { EventListener, SyncEvent } from '../../../src/report/events.ts';
import { startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { setup, user } from '../../lab/pool-fakes.ts';
import { settingsFor } from '../../lab/settings.ts';
import { unpackFixture } from '../../lab/unpack-fixture.ts';
import { until } from '../../lab/until.ts';
import { type OpenPool, poolContract } from './pool-contract.ts';

type Pool = JobPool & UnitPool;

const fixture = await unpackFixture();
test.after(() => fixture.remove());
const layout = storeLayout(readImapdConfig(fixture.configFile));

/** Real connections to a sandbox, for the real engine, from the fixture's store. */
async function between(
  open: (setup: PoolSetup, emit: EventListener, onIdleClosed: () => void) => Pool,
): Promise<OpenPool> {
  const directory = await mkdtemp(join(tmpdir(), 'pool-'));
  const sandbox = await startSandbox({
    directory: join(directory, 'db'),
    listen: { path: join(directory, 'socket') },
  });
  const connection = settingsFor(sandbox.server, {
    tryImap: false,
    authname: undefined,
    password: undefined,
    compression: { mode: 'off', level: undefined },
  });
  const events: SyncEvent[] = [];
  let idleClosed = false;
  const pool = open(
    { ...setup, layout, connection },
    (event) => void events.push(event),
    () => {
      idleClosed = true;
    },
  );
  const store = openMasterStore(layout);
  const all = [...store.enumerate()].flatMap((each) => (each.kind === 'user' ? [each.userid] : []));
  store.close();
  return {
    pool,
    events,
    users: all.slice(0, 4),
    fallSilent: () => {
      const struck = sandbox.inject({ on: 'GET USER', do: 'stall' });
      return until('the replica is asked', () => struck() > 0);
    },
    hangUp: () => {
      sandbox.byeAll();
      return until('the end of an idle connection is told', () => idleClosed);
    },
    async [Symbol.asyncDispose]() {
      await pool.close();
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function inline(settings: PoolSetup, emit: EventListener, onIdleClosed: () => void): Pool {
  const store = openMasterStore(settings.layout);
  return openInlinePool({
    create: () => new BatchRunner(realParts(settings, emit, store)),
    onIdleClosed,
    onClose: () => store.close(),
  });
}

function threads(settings: PoolSetup, emit: EventListener, onIdleClosed: () => void): Pool {
  return new ThreadPool(settings, 1, emit, { threads: 1, tasksPerConnection: 4, onIdleClosed });
}

poolContract('connections of this thread', () => between(inline));
poolContract('connections of other threads', () => between(threads));
poolContract('connections of this thread until others are there', () =>
  between((...parts) => {
    return new GrowingPool(inline(...parts), async () => threads(...parts), 1);
  }),
);
poolContract('connections of other threads from the beginning', () =>
  between((...parts) => {
    const pool = new GrowingPool(inline(...parts), async () => threads(...parts), 1, true);
    pool.use({ connections: 1, threads: true });
    return pool;
  }),
);

test('with fewer connections than threads, what the threads were given before is done', async () => {
  await using opened = await between((settings, emit, onIdleClosed) => {
    const openThreads = async (): Promise<Pool> =>
      new ThreadPool(settings, 5, emit, { threads: 2, tasksPerConnection: 4, onIdleClosed });
    return new GrowingPool(inline(settings, emit, onIdleClosed), openThreads, 2);
  });
  const { pool, users } = opened;
  pool.use({ connections: 6, threads: true });
  await new Promise(setImmediate);
  const batches = users.map((userid, id) => pool.run({ id, jobs: [user(userid)] }));
  // The threads are loading: this reaches them before they have begun anything.
  pool.use({ connections: 2, threads: true });
  const outcomes = (await Promise.all(batches)).flat();
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    users.map(() => 'synced'),
  );
});
