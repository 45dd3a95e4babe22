import { SyncError } from '../../report/sync-error.ts';
import type { JobStore } from './bullmq-queue.ts';
import { DEFAULT_RULES, type FleetQueue, type Opening, type QueueRules } from './fleet-queue.ts';

type OpenStore = (address: string, rules: QueueRules, opening: Opening) => Promise<JobStore | undefined>;

const openRedis: OpenStore = async (address, rules) =>
  (await import('./open-redis.ts')).openRedis(address, rules);
const openPostgres: OpenStore = async (...args) => (await import('./open-postgres.ts')).openPostgres(...args);

const SERVERS: Readonly<Record<string, OpenStore>> = {
  ...{ 'redis:': openRedis, 'rediss:': openRedis },
  ...{ 'postgres:': openPostgres, 'postgresql:': openPostgres },
};

const FORMS = 'redis://HOST, rediss://HOST, postgres://HOST/DATABASE, or a directory of this host';

/**
 * The queue that an address names, made if it is not there. Only its own engine is loaded.
 *
 * @param fleet one database has several
 * @throws SyncError USAGE, CONFIG, IO, and what the server answers
 */
export async function openQueue(address: string, fleet: string, rules = DEFAULT_RULES): Promise<FleetQueue> {
  const queue = await open(address, fleet, rules, 'make');
  if (queue === undefined) throw new SyncError('BUG', `nothing was made at the queue ${address}`);
  return queue;
}

/**
 * The queue that an address names, for whoever only asks: of a mistake in the address nothing is left.
 *
 * @returns undefined: nobody has started a fleet there
 * @throws SyncError as `openQueue`
 */
export async function findQueue(
  address: string,
  fleet: string,
  rules = DEFAULT_RULES,
): Promise<FleetQueue | undefined> {
  return await open(address, fleet, rules, 'find');
}

async function open(
  address: string,
  fleet: string,
  rules: QueueRules,
  opening: Opening,
): Promise<FleetQueue | undefined> {
  if (address.startsWith('/')) {
    const { EmbeddedQueue } = await import('./embedded-queue.ts');
    const { embeddedFleets } = await import('./embedded-fleets.ts');
    if (opening === 'find' && !embeddedFleets(address).includes(fleet)) return undefined;
    return await EmbeddedQueue.open(`${address}/${fleet}`, rules);
  }
  const openStore = SERVERS[/^[a-z]+:(?=\/\/)/.exec(address)?.[0] ?? ''];
  if (openStore === undefined || !URL.canParse(address)) {
    // Whatever it is may hold a password.
    throw new SyncError('USAGE', `option --queue expects ${FORMS}, found something else`, { phase: 'start' });
  }
  const store = await openStore(address, rules, opening);
  if (store === undefined) return undefined;
  const { BullmqQueue } = await import('./bullmq-queue.ts');
  return new BullmqQueue(store, fleet, rules);
}
