import { isIP, type TcpNetConnectOpts } from 'node:net';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { resolvePort, splitPort } from '../connect-target.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

/** Port, keep-alive and our own end. @throws SyncError CONFIG */
export function tcpOptions(host: string, port: string, settings: ConnectionSettings): TcpNetConnectOpts {
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
    throw new SyncError('CONFIG', `expected an IP address to bind, found ${shownValue(localAddress)}`, {
      phase: 'connect',
      hint: 'Check client_bind_name',
    });
  }
  const end: Partial<TcpNetConnectOpts> = { localAddress: host, family };
  if (port !== undefined && port !== '' && port !== '0') end.localPort = resolvePort(port);
  return end;
}
