import { SyncError } from '../../report/sync-error.ts';
import type { JobStore } from './bullmq-queue.ts';
import type { QueueRules } from './fleet-queue.ts';
import { hearErrors } from './hear-errors.ts';
import { loadPackage } from './load-package.ts';
import { FOR_EVER, lockOptions, ROOT, shownAddress } from './store-names.ts';
import { unreachableQueue } from './unreachable-queue.ts';

/** Redis's oldest version that BullMQ recommends; Valkey counts from 7.2 on. */
const OLDEST = [6, 2] as const;
/** A command is tried so often while the connection is being made anew, then whoever asked is told. */
const RETRIES = 2;
const RECONNECT_MS = { least: 200, most: 2_000 };
const PREFIX = 'cyrus-sync';

/**
 * Redis or Valkey, once it is known to keep what it is given.
 *
 * @throws SyncError CONFIG if a package is missing or the server is not fit; CONNECT_FAILED, HOST_NOT_FOUND, AUTHENTICATION_FAILED
 */
export async function openRedis(address: string, rules: QueueRules): Promise<JobStore> {
  const bullmq = loadPackage<typeof import('bullmq')>('bullmq');
  const { Redis } = loadPackage<typeof import('ioredis')>('ioredis');
  let opened = false;
  let lastError: unknown;
  const client = new Redis(address, {
    lazyConnect: true,
    connectTimeout: rules.patienceMs,
    commandTimeout: rules.patienceMs,
    maxRetriesPerRequest: RETRIES,
    retryStrategy: (times) => (opened ? Math.min(RECONNECT_MS.least * times, RECONNECT_MS.most) : null),
  });
  client.on('error', (error) => {
    lastError = error;
  });
  try {
    await client.connect();
    checkFitness(await client.info(), shownAddress(address));
  } catch (caught) {
    client.disconnect();
    throw asOpeningError(caught instanceof SyncError ? caught : (lastError ?? caught), shownAddress(address));
  }
  opened = true;
  const root = (losses: number) => {
    const options = { ...lockOptions(rules, losses), connection: client, prefix: PREFIX };
    return hearErrors(bullmq.createRedisBackend(ROOT, options));
  };
  const roots = { slices: root(rules.losses), places: root(FOR_EVER) };
  return {
    address: shownAddress(address),
    bullmq,
    backendOf: (queue, kind) => hearErrors(roots[kind].forQueue(queue)),
    [Symbol.asyncDispose]: async () => client.disconnect(),
  };
}

/** @throws SyncError CONFIG */
function checkFitness(info: string, address: string): void {
  const facts = new Map(info.split(/\r?\n/).map((line) => splitOnce(line)));
  const unfit = (expected: string, found: string, hint: string): SyncError =>
    new SyncError('CONFIG', `the queue ${address}: expected ${expected}, found ${found}`, {
      phase: 'start',
      hint,
    });
  const version = facts.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw unfit(`Redis ${OLDEST.join('.')} or newer`, version || 'no version', 'Debian has had it since 12');
  }
  const policy = facts.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw unfit('maxmemory-policy noeviction', policy, 'It would drop slices when memory is short');
  }
  if (facts.get('aof_enabled') === '0') {
    throw unfit(
      'the append-only file to be on',
      'appendonly no',
      'Without it a crash loses what was acknowledged: redis-cli config set appendonly yes, and in redis.conf',
    );
  }
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1)];
}

function asOpeningError(caught: unknown, address: string): SyncError {
  if (caught instanceof SyncError) return caught;
  const { message } = SyncError.from(caught);
  const systemCode = caught instanceof Error && 'code' in caught ? String(caught.code) : '';
  // A reply of Redis begins with its code, which is part of its protocol.
  const [reply = ''] = message.split(' ');
  if (reply === 'WRONGPASS' || reply === 'NOAUTH' || reply === 'NOPERM') {
    return new SyncError('AUTHENTICATION_FAILED', `the queue ${address} refuses the login: ${message}`, {
      phase: 'start',
      hint: 'The address is redis://USER:PASSWORD@HOST:PORT; USER is empty with requirepass alone',
      cause: caught,
    });
  }
  return unreachableQueue(address, systemCode, 'Check --queue, and that the server listens there', caught);
}
