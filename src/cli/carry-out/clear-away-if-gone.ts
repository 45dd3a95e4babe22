import { lstatSync, rmSync, type Stats } from 'node:fs';
import { lifeOfSocket } from '../../native/life-of-socket.ts';
import { isNameOfProcess } from '../run-plan/operate-plan.ts';
import type { NamedSocket } from './control-sockets.ts';

/** Between its bind and its listen, which is no time at all, a socket that is just being opened looks like a dead one. */
const JUST_OPENED_MS = 60_000;

/**
 * Tells whether a run is over whose socket was listed. One with an end that was killed leaves its socket, whose name no other run
 * has, so that nobody would ever replace it: it is removed here, by whoever may. The dead socket of a channel is not gone: a daemon
 * should be there.
 */
export async function clearAwayIfGone({ name, path }: NamedSocket): Promise<boolean> {
  const life = await lifeOfSocket(path);
  if (life !== 'dead') return life === 'none';
  if (!isNameOfProcess(name)) return false;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return true;
  // Another file answers in the same way, and so does a link to the socket of a channel.
  if (!found.isSocket()) return false;
  if (isOurs(found) && Date.now() - found.mtimeMs > JUST_OPENED_MS) removeQuietly(path);
  return true;
}

function isOurs({ uid }: Stats): boolean {
  const own = process.geteuid?.();
  return own === 0 || own === uid;
}

/** It is told of by nobody, whether it can be removed or not. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The directory may be another user's.
  }
}
