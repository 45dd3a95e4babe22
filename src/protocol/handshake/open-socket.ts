import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { SyncError } from '../../report/sync-error.ts';
import { type ConnectTarget, resolvePort, splitPort } from '../connect-target.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectFailure } from '../link-errors.ts';
import type { Deadline } from './deadline.ts';

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

function tcpOptions(host: string, port: string, settings: ConnectionSettings): TcpNetConnectOpts {
  const options: TcpNetConnectOpts = { host, port: resolvePort(port), noDelay: true };
  if (settings.keepaliveSeconds !== undefined) {
    options.keepAlive = true;
    options.keepAliveInitialDelay = settings.keepaliveSeconds * 1000;
  }
  if (settings.localAddress !== undefined) Object.assign(options, localEnd(settings.localAddress));
  return options;
}

/** @throws SyncError CONFIG */
function localEnd(localAddress: string): Partial<TcpNetConnectOpts> {
  const { host, port } = splitPort(localAddress);
  const family = isIP(host);
  if (family === 0) {
    throw new SyncError('CONFIG', `expected an IP address to bind, found ${JSON.stringify(localAddress)}`, {
      phase: 'connect',
      hint: 'Check client_bind_name',
    });
  }
  const end: Partial<TcpNetConnectOpts> = { localAddress: host, family };
  if (port !== undefined && port !== '' && port !== '0') end.localPort = resolvePort(port);
  return end;
}

/** The peer is on this host: what is sent there is seen by nobody on the way. */
export function isLocal(target: ConnectTarget, socket: Socket): boolean {
  if (target.kind === 'unix') return true;
  const address = socket.remoteAddress ?? '';
  return /^(?:::ffff:)?127\./.test(address) || address === '::1';
}
