import { createRequire } from 'node:module';
import { SyncError } from '../../report/sync-error.ts';

/** Where `npm install -g` puts packages, after those of this program: an optional one is the administrator's to add. */
const PLACES = ['/usr/local/lib/node_modules/', '/usr/lib/node_modules/'];

/**
 * Loads a package that most installations do without.
 *
 * @throws SyncError CONFIG if nobody has installed it
 */
export function loadPackage<T>(name: string): T {
  for (const from of [import.meta.filename, ...PLACES]) {
    const load = createRequire(from);
    try {
      return load(load.resolve(name));
    } catch (caught) {
      if (!(caught instanceof Error && 'code' in caught && caught.code === 'MODULE_NOT_FOUND')) throw caught;
    }
  }
  throw new SyncError('CONFIG', `expected the package ${name}, which a queue on a server needs, found none`, {
    phase: 'start',
    hint: 'As root: npm install -g bullmq@6 ioredis, and pg in place of ioredis for PostgreSQL. Without --queue no server is needed',
  });
}
