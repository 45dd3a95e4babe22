import { readdirSync } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';
import { usageError } from '../arguments/arguments.ts';
import { controlDirectory, controlPath } from '../run-plan/operate-plan.ts';

const END = '.sock';

export interface NamedSocket {
  name: string;
  path: string;
}

/**
 * The sockets of all runs of this host, living or not (`clearAwayIfGone` tells).
 *
 * @throws SyncError IO if their directory cannot be read
 */
export function controlSockets(environment: NodeJS.ProcessEnv): NamedSocket[] {
  return socketsIn(controlDirectory(environment));
}

/** @throws SyncError IO if it cannot be read */
export function socketsIn(directory: string): NamedSocket[] {
  let files: string[];
  try {
    files = readdirSync(directory);
  } catch (caught) {
    // Where nobody has made it, nothing runs that could be asked.
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT') return [];
    throw SyncError.from(caught);
  }
  const sockets = files.filter((file) => file.endsWith(END)).sort();
  return sockets.map((file) => ({ name: nameOf(file), path: `${directory}/${file}` }));
}

/**
 * @param named a run, or the absolute path of a socket
 * @throws SyncError USAGE if it is empty
 */
export function controlSocket(environment: NodeJS.ProcessEnv, named: string): NamedSocket {
  if (named === '') throw usageError('expected the name of a run, found ""');
  return { name: named, path: named.startsWith('/') ? named : controlPath(environment, named) };
}

function nameOf(file: string): string {
  const name = file.slice(0, -END.length);
  try {
    return decodeURIComponent(name);
  } catch {
    // It is none of ours.
    return name;
  }
}
