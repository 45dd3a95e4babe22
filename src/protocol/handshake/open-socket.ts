import { connect, type Socket } from 'node:net';
import type { ConnectTarget } from '../connect-target.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectFailure } from '../link-errors.ts';
import type { Deadline } from './deadline.ts';
import { tcpOptions } from './tcp-options.ts';

/**
 * A connected socket, TCP_NODELAY and keep-alive set.
 * @throws SyncError HOST_NOT_FOUND, CONNECT_FAILED, CONNECT_TIMEOUT, CONFIG
 */
export async function openSocket(
  target: ConnectTarget,
  service: string,
  settings: ConnectionSettings,
  deadline: Deadline,
): Promise<Socket> {
  const socket =
    target.kind === 'unix'
      ? connect({ path: target.path })
      : connect(tcpOptions(target.host, target.port ?? service, settings));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    // Stays for good: an error between two owners of the socket must not end the process.
    socket.on('error', (error) => reject(connectFailure(error, settings.server)));
    deadline.begin('connecting', (error) => {
      socket.destroy();
      reject(error);
    });
  });
  return socket;
}

/** The peer is on this host: what is sent there is seen by nobody on the way. */
export function isLocal(target: ConnectTarget, socket: Socket): boolean {
  if (target.kind === 'unix') return true;
  const address = socket.remoteAddress ?? '';
  return /^(?:::ffff:)?127\./.test(address) || address === '::1';
}
