import { SyncError } from '../../report/sync-error.ts';
import type { JobStore } from './bullmq-queue.ts';
import type { Opening, QueueRules } from './fleet-queue.ts';
import { hearErrors } from './hear-errors.ts';
import { loadPackage } from './load-package.ts';
import { FOR_EVER, lockOptions, ROOT, shownAddress } from './store-names.ts';
import { unreachableQueue } from './unreachable-queue.ts';

/** PostgreSQL's oldest version that BullMQ works with. */
const OLDEST = 13;
/** Connections of a process: an agent has one question at a time, a status several. */
const MOST_CONNECTIONS = 2;
/** Where its tables are, beside whatever else the database is for. */
const SCHEMA = 'cyrus_sync';

/**
 * PostgreSQL. Its tables are made if they are not there and may be.
 *
 * @returns undefined: they are not there, and may not
 * @throws SyncError CONFIG if a package is missing or the server is not fit; CONNECT_FAILED, HOST_NOT_FOUND, AUTHENTICATION_FAILED
 */
export async function openPostgres(
  address: string,
  rules: QueueRules,
  opening: Opening,
): Promise<JobStore | undefined> {
  const bullmq = loadPackage<typeof import('bullmq')>('bullmq');
  const { Client } = loadPackage<typeof import('pg')>('pg');
  const patience = { connectionTimeoutMillis: rules.patienceMs, query_timeout: rules.patienceMs };
  const client = new Client({ connectionString: address, ...patience });
  client.on('error', () => {
    // Whoever asks next is told.
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
    checkVersion(Number(rows[0]?.server_version_num), shownAddress(address));
    if (opening === 'find') {
      const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [SCHEMA]);
      if (rowCount === 0) return undefined;
    }
    await bullmq.runMigrations(client, SCHEMA);
  } catch (caught) {
    throw asOpeningError(caught, shownAddress(address));
  } finally {
    await client.end().catch(() => undefined);
  }
  const root = (losses: number) => {
    const connection = {
      connectionString: address,
      schema: SCHEMA,
      max: MOST_CONNECTIONS,
      ...patience,
    };
    return hearErrors(bullmq.createPostgresBackend(ROOT, { ...lockOptions(rules, losses), connection }));
  };
  const roots = { slices: root(rules.losses), places: root(FOR_EVER) };
  return {
    address: shownAddress(address),
    bullmq,
    backendOf: (queue, kind) => hearErrors(roots[kind].forQueue(queue)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(roots).map((each) => each.close()));
    },
  };
}

/** @param version as PostgreSQL counts: 150004 */
function checkVersion(version: number, address: string): void {
  const major = Math.floor(version / 10_000);
  if (major >= OLDEST) return;
  throw new SyncError(
    'CONFIG',
    `the queue ${address}: expected PostgreSQL ${OLDEST} or newer, found ${major}`,
    {
      phase: 'start',
    },
  );
}

function asOpeningError(caught: unknown, address: string): SyncError {
  if (caught instanceof SyncError) return caught;
  const { message } = SyncError.from(caught);
  const code = caught instanceof Error && 'code' in caught ? String(caught.code) : '';
  // SQLSTATE: class 28 is about who logs in, 42501 about what that user may do.
  if (code.startsWith('28') || code === '42501') {
    return new SyncError('AUTHENTICATION_FAILED', `the queue ${address} refuses the login: ${message}`, {
      phase: 'start',
      hint: 'The address is postgres://USER:PASSWORD@HOST:PORT/DATABASE; USER must be allowed to make a schema there',
      cause: caught,
    });
  }
  const hint = 'Check --queue, and that the server listens there and has the database';
  return unreachableQueue(address, code, hint, caught);
}
