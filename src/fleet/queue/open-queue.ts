import { SyncError } from '../../report/sync-error.ts';
import type { JobStore } from './bullmq-queue.ts';
import { DEFAULT_RULES, type FleetQueue, type QueueRules } from './fleet-queue.ts';

const SERVERS: Readonly<Record<string, (address: string, rules: QueueRules) => Promise<JobStore>>> = {
  'redis:': async (address, rules) => (await import('./open-redis.ts')).openRedis(address, rules),
  'rediss:': async (address, rules) => (await import('./open-redis.ts')).openRedis(address, rules),
  'postgres:': async (address, rules) => (await import('./open-postgres.ts')).openPostgres(address, rules),
  'postgresql:': async (address, rules) => (await import('./open-postgres.ts')).openPostgres(address, rules),
};

const FORMS = 'redis://HOST, rediss://HOST, postgres://HOST/DATABASE, or a directory of this host';

/**
 * The queue that an address names. Only its own engine is loaded.
 *
 * @param fleet one database has several
 * @throws SyncError USAGE, CONFIG, IO, and what the server answers
 */
export async function openQueue(address: string, fleet: string, rules = DEFAULT_RULES): Promise<FleetQueue> {
  if (address.startsWith('/')) {
    const { EmbeddedQueue } = await import('./embedded-queue.ts');
    return await EmbeddedQueue.open(`${address}/${fleet}`, rules);
  }
  const openStore = SERVERS[/^[a-z]+:(?=\/\/)/.exec(address)?.[0] ?? ''];
  if (openStore === undefined || !URL.canParse(address)) {
    // Whatever it is may hold a password.
    throw new SyncError('USAGE', `option --queue expects ${FORMS}, found something else`, { phase: 'start' });
  }
  const store = await openStore(address, rules);
  const { BullmqQueue } = await import('./bullmq-queue.ts');
  return new BullmqQueue(store, fleet, rules);
}
