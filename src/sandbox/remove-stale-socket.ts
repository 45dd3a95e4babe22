import { lstatSync, unlinkSync } from 'node:fs';
import { lifeOfSocket } from '../native/life-of-socket.ts';

/**
 * Removes a socket that a killed server left behind. Anything else of that name stays, and so does a socket at which somebody
 * answers, be it a server of another program: listening there fails then.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSocket() && (await lifeOfSocket(path)) === 'dead') unlinkSync(path);
}
