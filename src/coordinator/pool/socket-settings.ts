import type { ConnectionSettings } from '../../protocol/connection-settings.ts';

/** How a private server is reached, where a peer needs no login. */
export function socketSettings(replica: ConnectionSettings, path: string): ConnectionSettings {
  return {
    ...replica,
    server: path,
    port: undefined,
    tryImap: false,
    authname: undefined,
    realm: undefined,
    password: undefined,
    localAddress: undefined,
    tls: { ...replica.tls, mode: 'off' },
    compression: { mode: 'off', level: undefined },
    sieveMailbox: true,
    stageToArchive: false,
    // Nothing of this goes over the link.
    pace: undefined,
  };
}
