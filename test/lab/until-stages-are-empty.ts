import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { until } from './until.ts';

/**
 * Waits for server processes that have lost their client: each of them removes its stage, a directory among the message files,
 * in its own time. Whoever walks through the spool meanwhile meets files that are gone when they are opened.
 */
export async function untilStagesAreEmpty(server: CyrusServer): Promise<void> {
  const stages = Object.keys(server.partitions).flatMap((partition) =>
    ['spool', 'archive'].map((part) => join(server.directory, part, partition, 'sync.')),
  );
  const left = (): string[] => stages.flatMap((stage) => (existsSync(stage) ? readdirSync(stage) : []));
  await until(
    `stages of ${server.name} empty`,
    () => left().length === 0,
    () => `left: ${left().join(', ')}`,
  );
}
