import { configError } from '../../config/config-error.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import { parseTarget, resolvePort } from '../../protocol/connect-target.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import { SyncError } from '../../report/sync-error.ts';
import { masterConnection } from './master-endpoint.ts';

/**
 * The server that the master is read from. Without a port its imapd is tried first, which can do more: it tells who is there.
 *
 * @throws SyncError USAGE for what cannot be a server; CONFIG where the configuration describes a store as well
 */
export function fromServer(
  config: ImapdConfig,
  settings: Settings,
  replica: ConnectionSettings,
  server: string,
): ConnectionSettings {
  try {
    const target = parseTarget(server);
    if (target.kind === 'tcp' && target.port !== undefined) resolvePort(target.port);
  } catch (caught) {
    throw new SyncError('USAGE', `--from: ${SyncError.from(caught).message}`, { phase: 'start' });
  }
  const [partition] = config.overflowsWithPrefix('partition-').keys();
  if (partition !== undefined) {
    const key = `partition-${partition}`;
    throw configError(
      config.placeOf(key) ?? config.file,
      `expected no ${key} with --from ${server}: it says where mail is on this host, and none is read here then`,
      'give -C a file of its own, with sync_host and the login there; the login at the master is master_user and master_password of the settings',
    );
  }
  return { ...masterConnection(server, settings, replica), tryImap: true };
}
