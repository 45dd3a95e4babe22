import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { bytesFromText } from '../../byte-string.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import type { MasterEndpoint, PrivateEndpoint } from '../../coordinator/pool/messages.ts';
import { parseTarget } from '../../protocol/connect-target.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import { tlsMode } from './tls-mode.ts';

/** Where distributions and Cyrus's own installation put its service programs; the first that exists is taken. */
const PROGRAMS = [
  '/usr/lib/cyrus/bin/sync_server',
  '/usr/lib/cyrus-imapd/sync_server',
  '/usr/libexec/cyrus-imapd/sync_server',
  '/usr/cyrus/libexec/sync_server',
  '/usr/cyrus/bin/sync_server',
];

/**
 * Decides who may change the master, when both sides have diverged (settings `master`, `sync_server`).
 *
 * @param from the server that the master is read from, which is no host of ours then
 */
export function masterEndpoint(
  config: ImapdConfig,
  settings: Settings,
  replica: ConnectionSettings,
  from?: ConnectionSettings,
): MasterEndpoint {
  if (settings.master === 'none') return { kind: 'none' };
  if (settings.master === 'private' && from) return { kind: 'server', connection: from };
  if (settings.master === 'private') return privateEndpoint(config, settings);
  // Before anything is opened, not at the first mailbox that wants it.
  parseTarget(settings.master);
  return { kind: 'server', connection: masterConnection(settings.master, settings, replica) };
}

/** A server of our own for the store that the configuration describes. */
export function privateEndpoint(config: ImapdConfig, settings: Settings): PrivateEndpoint {
  const [first = ''] = PROGRAMS;
  return {
    kind: 'private',
    program: settings.syncServer ?? PROGRAMS.find((path) => existsSync(path)) ?? first,
    configFile: resolve(config.file),
    configdirectory: config.configdirectory,
  };
}

/** How to log in at a server of the master's: as at the replica, unless the settings have a name and a password for it. */
export function masterConnection(
  server: string,
  settings: Settings,
  replica: ConnectionSettings,
): ConnectionSettings {
  const bytes = (text: string | undefined) => (text === undefined ? undefined : bytesFromText(text));
  return {
    ...replica,
    server,
    port: undefined,
    authname: bytes(settings.masterUser) ?? replica.authname,
    realm: undefined,
    password: bytes(settings.masterPassword) ?? replica.password,
    mechanisms: undefined,
    localAddress: undefined,
    imapServer: undefined,
    tls: {
      ...replica.tls,
      mode: tlsMode(settings.tls, settings.masterFingerprint, 'master_fingerprint'),
      fingerprints: settings.masterFingerprint,
    },
    compression: { mode: 'auto', level: undefined },
    sieveMailbox: true,
    stageToArchive: false,
  };
}
