import { SyncError } from '../report/sync-error.ts';
import { planAttempts } from './connect-attempts.ts';
import { connectOnce } from './connect-once.ts';
import { parseTarget } from './connect-target.ts';
import type { ConnectionSettings, TrafficListener } from './connection-settings.ts';
import type { ReplicaSession } from './replica-session.ts';

/**
 * Connects, logs in and sets up (compression, capabilities, force): afterwards every command may be sent.
 *
 * @param onTraffic sees the plain text of both directions, secrets and messages left out
 * @throws SyncError CONFIG, HOST_NOT_FOUND, CONNECT_FAILED, CONNECT_TIMEOUT, NOT_A_SYNC_SERVER, TLS_FAILED,
 *   AUTHENTICATION_FAILED, NO_USABLE_MECHANISM, COMPRESSION_UNAVAILABLE, LINK_BROKEN; refusals of FORCE
 */
export async function connectReplica(
  settings: ConnectionSettings,
  onTraffic?: TrafficListener,
): Promise<ReplicaSession> {
  const target = parseTarget(settings.server);
  const attempts = planAttempts(target, settings);
  let earlier: SyncError | undefined;
  for (const attempt of attempts) {
    try {
      return await connectOnce(target, attempt, settings, onTraffic);
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'connect' });
      // The name is as unknown and the settings are as wrong at the next port.
      if (error.family === 'local' || error.code === 'HOST_NOT_FOUND') throw error;
      earlier = moreTelling(earlier, error);
    }
  }
  throw earlier ?? new SyncError('BUG', `no way to connect to ${settings.server}`);
}

/** Of two failures the one of the server that was there; of equals the later, which is csync's. */
function moreTelling(earlier: SyncError | undefined, later: SyncError): SyncError {
  const nobodyThere = later.code === 'CONNECT_FAILED' || later.code === 'CONNECT_TIMEOUT';
  return earlier !== undefined && nobodyThere && earlier.code !== 'CONNECT_FAILED' ? earlier : later;
}
