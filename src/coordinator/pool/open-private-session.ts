import { connectReplica } from '../../protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import type { MasterSession } from '../../protocol/replica-session.ts';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { PrivateEndpoint } from './messages.ts';
import { startPrivateServer } from './private-server.ts';
import { sessionOfMaster } from './session-of-master.ts';
import { socketSettings } from './socket-settings.ts';

/**
 * A session with a server of its own, started for it and ended with it.
 *
 * @throws SyncError CONFIG if the program is not installed; of the family `local` what else keeps it from answering
 */
export async function openPrivateSession(
  endpoint: PrivateEndpoint,
  replica: ConnectionSettings,
  emit: EventListener,
): Promise<MasterSession> {
  const server = startPrivateServer(endpoint, (line) => emit({ kind: 'master:said', line }));
  let session: MasterSession;
  try {
    session = await connectReplica(socketSettings(replica, server.path));
  } catch (caught) {
    const how = await server.ending();
    await server.stop();
    const end = how === undefined ? SyncError.from(caught).message : `it ended with ${how}`;
    throw new SyncError('CONFLICT', `the master's own server (${endpoint.program}) cannot be asked: ${end}`, {
      phase: 'connect',
      hint: 'see the log of Cyrus; sync_server in the settings names another program',
      cause: caught,
    });
  }
  server.hide();
  const leave = session.exit;
  session.exit = async () => {
    await leave();
    await server.stop();
  };
  return sessionOfMaster(session, { name: endpoint.program, ending: () => server.ending() });
}
