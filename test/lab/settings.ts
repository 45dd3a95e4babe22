import type { ConnectionSettings } from '../../src/protocol/connection-settings.ts';

/** Nothing that happens on a slow machine takes so long. */
const PATIENCE_MS = 60_000;

/** Settings for a server on loopback. */
export function settingsFor(server: string, changes: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return {
    server,
    port: undefined,
    tryImap: true,
    authname: 'repluser',
    realm: undefined,
    password: 'repl',
    mechanisms: undefined,
    localAddress: undefined,
    connectTimeoutMs: PATIENCE_MS,
    answerTimeoutMs: PATIENCE_MS,
    keepaliveSeconds: undefined,
    tls: NO_TLS,
    allowClearText: false,
    compression: { mode: 'auto', level: undefined },
    sieveMailbox: true,
    stageToArchive: false,
    windowOctets: 1024 * 1024,
    ...changes,
  };
}

export const NO_TLS: ConnectionSettings['tls'] = {
  mode: 'auto',
  verify: true,
  fingerprints: [],
  caFile: undefined,
  caDirectory: undefined,
  certFile: undefined,
  keyFile: undefined,
  minVersion: undefined,
  maxVersion: undefined,
  ciphers: undefined,
};
