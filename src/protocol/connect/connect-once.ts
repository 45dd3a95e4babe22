import { SyncError } from '../../report/sync-error.ts';
import type { ConnectTarget } from '../connect-target.ts';
import type { ConnectionListeners, ConnectionSettings } from '../connection-settings.ts';
import { authenticate } from '../handshake/authenticate.ts';
import { compressionLevel, startCompression } from '../handshake/compress.ts';
import { Conversation } from '../handshake/conversation.ts';
import { Deadline } from '../handshake/deadline.ts';
import { type LoginStep, planLogin, requireCredentials } from '../handshake/login.ts';
import { imapOffer } from '../handshake/offer.ts';
import { type isLocal, openSocket } from '../handshake/open-socket.ts';
import { askCapabilities, readBanner } from '../handshake/read-banner.ts';
import { startTls } from '../handshake/start-tls.ts';
import { upgradeToTls } from '../handshake/upgrade.ts';
import { CommandQueue } from '../link/command-queue.ts';
import { compressWhenItPays } from '../link/compress-when-it-pays.ts';
import { Framing } from '../link/framing.ts';
import { linkError } from '../link-errors.ts';
import type { Exposure, ReplicaSession } from '../replica-session.ts';
import { setUp } from '../session/set-up.ts';
import { Traffic } from '../wire/traffic.ts';
import type { Attempt } from './connect-attempts.ts';

/**
 * One connection from name lookup to the session, under one deadline:
 * socket, TLS (`/tls`), banner, STARTTLS, login, COMPRESS, CAPABILITIES.
 */
export async function connectOnce(
  target: ConnectTarget,
  attempt: Attempt,
  settings: ConnectionSettings,
  { onTraffic, onCompression }: ConnectionListeners,
  isPeerLocal: typeof isLocal,
): Promise<ReplicaSession> {
  using deadline = new Deadline(settings.connectTimeoutMs, settings.server);
  const socket = await openSocket(target, attempt.service, settings, deadline);
  const traffic = new Traffic(onTraffic);
  let talk: Conversation | undefined;
  try {
    const tls = target.kind === 'tcp' && target.tls;
    const stream = tls ? await startTls(socket, target.host, settings, deadline) : socket;
    talk = new Conversation(stream, traffic, deadline);
    return await shakeHands(talk, traffic, {
      target,
      attempt,
      settings,
      deadline,
      tls,
      local: isPeerLocal(target, socket),
      onCompression,
    });
  } catch (caught) {
    const error = SyncError.from(caught);
    talk?.transport.destroy(error);
    socket.destroy();
    throw error;
  }
}

interface Circumstances {
  target: ConnectTarget;
  attempt: Attempt;
  settings: ConnectionSettings;
  deadline: Deadline;
  /** TLS is active from the start. */
  tls: boolean;
  local: boolean;
  onCompression: ConnectionListeners['onCompression'];
}

async function shakeHands(
  talk: Conversation,
  traffic: Traffic,
  circumstances: Circumstances,
): Promise<ReplicaSession> {
  const { target, attempt, settings, deadline, local } = circumstances;
  const tcp = target.kind === 'tcp' ? target : undefined;
  let secure = circumstances.tls;
  let offer = await readBanner(talk, settings.server, attempt.accepted);

  let mechanism: string | undefined;
  let step: LoginStep =
    tcp === undefined ? { kind: 'none' } : planLogin(offer, settings, tcp.noauth, secure, local);
  if (tcp !== undefined && step.kind === 'starttls') {
    offer = await upgradeToTls(talk, offer, tcp.host, settings, deadline);
    secure = true;
    step = planLogin(offer, settings, tcp.noauth, secure, local);
  }
  if (step.kind === 'login') {
    const credentials = requireCredentials(settings);
    const { initialResponse, flavour } = offer;
    const capabilities = await authenticate(talk, flavour, step.mechanism, credentials, initialResponse);
    mechanism = step.mechanism.name;
    if (flavour === 'imap') offer = imapOffer(offer.banner, capabilities ?? (await askCapabilities(talk)));
  }
  if (!offer.replication) throw noReplication(settings.server);

  talk.begin('the set-up');
  const level = compressionLevel(offer, settings, secure);
  const compression = level !== undefined && (await startCompression(talk, level, settings));
  const queue = new CommandQueue(talk.transport, traffic, new Framing(offer.flavour), settings.windowOctets);
  const unread = talk.takeUnread();
  if (unread.length > 0) queue.octets(unread);
  const exposure = local ? undefined : exposureOf(secure, settings);
  const session = await setUp(queue, offer, settings, { mechanism, tls: secure, exposure, compression });
  // Until here the deadline watched; from here on each answer has its own time.
  talk.transport.watchSilence(settings.answerTimeoutMs, () => queue.silent(settings.answerTimeoutMs));
  const { mode, level: chosen } = settings.compression;
  if (mode === 'auto' && offer.compress) {
    compressWhenItPays(queue, talk.transport, { local, level: chosen }, (start) => {
      session.info.compression = true;
      circumstances.onCompression?.(start);
    });
  }
  return session;
}

function exposureOf(secure: boolean, { tls }: ConnectionSettings): Exposure | undefined {
  if (!secure) return 'clear';
  return tls.verify ? undefined : 'unverified';
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
