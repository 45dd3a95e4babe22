import { loadPackage } from '../../src/fleet/queue/load-package.ts';

const OCTETS_PER_MB = 1e6;

/** Asks a server what it holds, in MB: Redis in memory and in its append-only file, PostgreSQL in its database; a directory says nothing. */
export async function storedBy(address: string): Promise<Record<string, number>> {
  if (address.startsWith('/')) return {};
  if (address.startsWith('redis')) {
    const { Redis } = loadPackage<typeof import('ioredis')>('ioredis');
    const client = new Redis(address);
    const facts = new Map(
      (await client.info()).split(/\r?\n/).map((line) => [line.split(':')[0], Number(line.split(':')[1])]),
    );
    client.disconnect();
    const names = ['used_memory', 'used_memory_peak', 'used_memory_rss', 'aof_current_size'];
    return Object.fromEntries(names.map((name) => [`${name}MB`, inMB(facts.get(name) ?? Number.NaN)]));
  }
  const { Client } = loadPackage<typeof import('pg')>('pg');
  const client = new Client({ connectionString: address });
  await client.connect();
  const { rows } = await client.query<{ size: string }>(
    'SELECT pg_database_size(current_database()) AS size',
  );
  await client.end();
  return { databaseMB: inMB(Number(rows[0]?.size)) };
}

function inMB(octets: number): number {
  return Math.round((octets / OCTETS_PER_MB) * 10) / 10;
}
