import type { Socket } from 'node:net';
import type { SyncError } from '../report/sync-error.ts';
import { CommandQueue } from './command-queue.ts';
import type { Attempt } from './connect-attempts.ts';
import type { ConnectTarget } from './connect-target.ts';
import type { ConnectionSettings, TrafficListener } from './connection-settings.ts';
import { Framing } from './flavour.ts';
import { authenticate } from './handshake/authenticate.ts';
import { compressionLevel, startCompression } from './handshake/compress.ts';
import { Conversation } from './handshake/conversation.ts';
import { Deadline } from './handshake/deadline.ts';
import { type LoginStep, planLogin, requireCredentials } from './handshake/login.ts';
import { imapOffer } from './handshake/offer.ts';
import { isLocal, openSocket } from './handshake/open-socket.ts';
import { askCapabilities, readBanner } from './handshake/read-banner.ts';
import { startTls } from './handshake/start-tls.ts';
import { upgradeToTls } from './handshake/upgrade.ts';
import { linkError } from './link-errors.ts';
import type { ReplicaSession } from './replica-session.ts';
import { setUp } from './session/set-up.ts';
import { Traffic } from './wire/traffic.ts';

/**
 * One connection from name lookup to the session, under one deadline:
 * socket, TLS (`/tls`), banner, STARTTLS, login, COMPRESS, CAPABILITIES, FORCE.
 */
export async function connectOnce(
  target: ConnectTarget,
  attempt: Attempt,
  settings: ConnectionSettings,
  onTraffic: TrafficListener | undefined,
): Promise<ReplicaSession> {
  using deadline = new Deadline(settings.connectTimeout, settings.server);
  const socket = await openSocket(target, attempt.service, settings, deadline);
  try {
    return await shakeHands(socket, target, attempt, settings, new Traffic(onTraffic), deadline);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function shakeHands(
  socket: Socket,
  target: ConnectTarget,
  attempt: Attempt,
  settings: ConnectionSettings,
  traffic: Traffic,
  deadline: Deadline,
): Promise<ReplicaSession> {
  const tcp = target.kind === 'tcp' ? target : undefined;
  const host = tcp?.host ?? 'localhost';
  const local = isLocal(socket);
  let secure = tcp?.tls ?? false;
  const stream = secure ? await startTls(socket, host, settings, deadline) : socket;
  const talk = new Conversation(stream, traffic, deadline);
  let offer = await readBanner(talk, settings.server, attempt.accepted);

  let mechanism: string | undefined;
  let step: LoginStep =
    tcp === undefined ? { kind: 'none' } : planLogin(offer, settings, tcp.noauth, secure, local);
  if (step.kind === 'starttls') {
    offer = await upgradeToTls(talk, offer, host, settings, deadline);
    secure = true;
    step = planLogin(offer, settings, tcp?.noauth ?? false, secure, local);
  }
  if (step.kind === 'login') {
    const credentials = requireCredentials(settings);
    const capabilities = await authenticate(
      talk,
      offer.flavour,
      step.mechanism,
      credentials,
      offer.initialResponse,
    );
    mechanism = step.mechanism.name;
    if (offer.flavour === 'imap') {
      offer = imapOffer(offer.banner, capabilities ?? (await askCapabilities(talk)));
    }
  }
  if (!offer.replication) throw noReplication(settings.server);

  talk.begin('the set-up');
  const level = compressionLevel(offer, settings, local, secure);
  const compression = level !== undefined && (await startCompression(talk, level, settings));
  const queue = new CommandQueue(talk.transport, traffic, new Framing(offer.flavour), settings.windowBytes);
  const unread = talk.takeUnread();
  if (unread.length > 0) queue.octets(unread);
  const session = await setUp(queue, offer, settings, { mechanism, tls: secure, compression });
  // Until here the deadline watched; from here on each answer has its own time.
  socket.setTimeout(settings.answerTimeout);
  socket.on('timeout', () => queue.silent(settings.answerTimeout));
  return session;
}

function noReplication(server: string): SyncError {
  return linkError(
    'NOT_A_SYNC_SERVER',
    `the IMAP server ${server} does not offer X-REPLICATION to this user`,
    {
      phase: 'connect',
      retryable: false,
      hint: 'Replication over IMAP needs Cyrus 3.0 and a user in its admins; otherwise use the csync port',
    },
  );
}
