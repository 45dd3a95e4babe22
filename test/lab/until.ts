import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { syncLogPath } from '../../src/rolling/log/sync-log.ts';
import type { CyrusServer } from './cyrus-server.ts';

/** Milliseconds after which something that must happen is taken to happen never. */
const HANG = 120_000;
const LOOK_EVERY = 25;

/** Until `holds`, looked at again and again. Throws with `explain` when it seems to happen never. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  explain: () => string = () => '',
): Promise<void> {
  const end = Date.now() + HANG;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${HANG} ms\n${explain()}`);
    await wait(LOOK_EVERY);
  }
}

/** Until everything that the log of `channel` says is done. Whoever writes to it must have ended before. */
export async function settled(server: CyrusServer, channel?: string, explain?: () => string): Promise<void> {
  const log = syncLogPath(server.configDirectory, channel);
  // In this order: a log becomes log-run, never the other way round.
  await until(
    'sync log done',
    () => !existsSync(log) && !existsSync(`${log}-run`),
    () => `log:\n${content(log)}\nlog-run:\n${content(`${log}-run`)}\n${explain?.() ?? ''}`,
  );
}

/** @returns what is in a file; nothing if it is not there, or goes just now */
export function content(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'ENOENT') throw caught;
    return '';
  }
}

export function logFile(server: CyrusServer, channel?: string): string {
  return syncLogPath(server.configDirectory, channel);
}
