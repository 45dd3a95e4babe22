/**
 * The door of `protocol/connect`. Here a name from the settings becomes a session: addresses and ports are tried in turn as
 * the C client does it, and on each the steps of `handshake` are gone through under one deadline; then `session` takes over.
 * What comes back has logged in and knows what the other end can do; what fails says at which step, and whether waiting helps.
 */

import { parseTarget } from '../connect-target.ts';
import type { ConnectionListeners, ConnectionSettings } from '../connection-settings.ts';
import type { MasterSession } from '../replica-session.ts';
import { planAttempts, tryInTurn } from './connect-attempts.ts';
import { connectOnce } from './connect-once.ts';
import { type Network, realNetwork } from './in-conversation.ts';

/**
 * Connects, logs in and sets up (compression, capabilities): afterwards every command may be sent.
 *
 * @param network of a test, in the place of parts of the real one
 * @throws SyncError CONFIG, HOST_NOT_FOUND, CONNECT_FAILED, CONNECT_TIMEOUT, REPLICA_BUSY, NOT_A_SYNC_SERVER, TLS_FAILED,
 *   AUTHENTICATION_FAILED, NO_USABLE_MECHANISM, COMPRESSION_UNAVAILABLE, LINK_BROKEN
 */
export async function connectReplica(
  settings: ConnectionSettings,
  listeners: ConnectionListeners = {},
  network: Partial<Network> = {},
): Promise<MasterSession> {
  const target = parseTarget(settings.server);
  return tryInTurn(planAttempts(target, settings), (attempt) =>
    connectOnce(target, attempt, settings, listeners, { ...realNetwork, ...network }),
  );
}
