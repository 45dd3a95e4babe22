import { SyncError } from '../../report/sync-error.ts';
import type { ConnectTarget } from '../connect-target.ts';
import type { ConnectionListeners, ConnectionSettings } from '../connection-settings.ts';
import { Conversation } from '../handshake/conversation.ts';
import { Deadline } from '../handshake/deadline.ts';
import { isLocal, openSocket } from '../handshake/open-socket.ts';
import { startTls } from '../handshake/start-tls.ts';
import { Traffic } from '../wire/traffic.ts';
import type { Attempt } from './connect-attempts.ts';

/** How sockets come about, and which of them lead to this host, so that nothing crosses a network. */
export interface Network {
  openSocket: typeof openSocket;
  isLocal: typeof isLocal;
}

/** The one that there is; tests have others. */
export const realNetwork: Network = { openSocket, isLocal };

/** Whom to speak to, and how. */
export interface Approach {
  target: ConnectTarget;
  attempt: Attempt;
  settings: ConnectionSettings;
  network: Network;
  onTraffic: ConnectionListeners['onTraffic'];
}

/** Facts that are known of a connection before its first line is read. */
export interface Circumstances {
  target: ConnectTarget;
  settings: ConnectionSettings;
  deadline: Deadline;
  traffic: Traffic;
  /** TLS is active from the start. */
  tls: boolean;
  /** Nothing crosses a network. */
  local: boolean;
}

/**
 * Opens a connection and speaks to the peer line by line, under one deadline for all of it. Whatever goes wrong closes it;
 * otherwise it is `speak`'s, to close or to hand on.
 */
export async function inConversation<T>(
  { target, attempt, settings, network, onTraffic }: Approach,
  speak: (talk: Conversation, circumstances: Circumstances) => Promise<T>,
): Promise<T> {
  using deadline = new Deadline(settings.connectTimeoutMs, settings.server);
  const socket = await network.openSocket(target, attempt.service, settings, deadline);
  const traffic = new Traffic(onTraffic);
  let talk: Conversation | undefined;
  try {
    const tls = target.kind === 'tcp' && target.tls;
    const stream = tls ? await startTls(socket, target.host, settings, deadline) : socket;
    talk = new Conversation(stream, traffic, deadline);
    const local = network.isLocal(target, socket);
    return await speak(talk, { target, settings, deadline, traffic, tls, local });
  } catch (caught) {
    const error = SyncError.from(caught);
    talk?.transport.destroy(error);
    socket.destroy();
    throw error;
  }
}
