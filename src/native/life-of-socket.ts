import { connect } from 'node:net';

/** A server that is alive answers a connection at once. */
const LIVE_MS = 2_000;

/**
 * Tells whether anybody listens at a socket: `dead` is one that is there and has nobody, `none` one that is not there. Who cannot
 * be asked, or is too busy, is alive.
 */
export function lifeOfSocket(path: string): Promise<'alive' | 'dead' | 'none'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (life: 'alive' | 'dead' | 'none'): void => {
      socket.destroy();
      resolve(life);
    };
    socket.setTimeout(LIVE_MS, () => end('alive'));
    socket.on('connect', () => end('alive'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      end(code === 'ECONNREFUSED' ? 'dead' : code === 'ENOENT' ? 'none' : 'alive'),
    );
  });
}
