import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Removes a socket that a killed server left behind. Anything else of that name stays, and so does a socket at which somebody
 * answers, be it a server of another program: listening there fails then.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSocket() && (await isDead(path))) unlinkSync(path);
}

/** Whoever may not be asked, or is too busy to answer, is alive. */
function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (dead: boolean): void => {
      socket.destroy();
      resolve(dead);
    };
    socket.on('connect', () => end(false));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED'));
  });
}
