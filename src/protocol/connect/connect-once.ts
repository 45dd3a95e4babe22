import type { SyncError } from '../../report/sync-error.ts';
import type { ConnectTarget } from '../connect-target.ts';
import type { ConnectionListeners, ConnectionSettings } from '../connection-settings.ts';
import type { Conversation } from '../handshake/conversation.ts';
import { readBanner } from '../handshake/read-banner.ts';
import { compressionLevel, startCompression } from '../handshake/start-compression.ts';
import { CommandQueue } from '../link/command-queue.ts';
import { compressWhenItPays } from '../link/compress-when-it-pays.ts';
import { Framing } from '../link/framing.ts';
import { linkError } from '../link-errors.ts';
import type { Exposure, MasterSession } from '../replica-session.ts';
import { setUp } from '../session/set-up.ts';
import { TokenBucket } from '../wire/token-bucket.ts';
import type { Attempt } from './connect-attempts.ts';
import { type Circumstances, inConversation, type Network } from './in-conversation.ts';
import { type LoggedIn, logIn } from './log-in.ts';

/**
 * One connection from name lookup to the session, under one deadline:
 * socket, TLS (`/tls`), banner, STARTTLS, login, COMPRESS, CAPABILITIES.
 */
export async function connectOnce(
  target: ConnectTarget,
  attempt: Attempt,
  settings: ConnectionSettings,
  listeners: ConnectionListeners,
  network: Network,
): Promise<MasterSession> {
  const approach = { target, attempt, settings, network, onTraffic: listeners.onTraffic };
  return await inConversation(approach, async (talk, circumstances) => {
    const greeting = await readBanner(talk, settings.server, attempt.accepted);
    const login = await logIn(talk, greeting, circumstances);
    return await beginSession(talk, login, circumstances, listeners.onCompression);
  });
}

async function beginSession(
  talk: Conversation,
  { offer, mechanism, secure }: LoggedIn,
  { settings, traffic, local }: Circumstances,
  onCompression: ConnectionListeners['onCompression'],
): Promise<MasterSession> {
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
  if (settings.pace !== undefined) talk.transport.pace(new TokenBucket(settings.pace));
  const { mode, level: chosen } = settings.compression;
  if (mode === 'auto' && offer.compress) {
    compressWhenItPays(queue, talk.transport, { local, level: chosen }, (start) => {
      session.info.compression = true;
      onCompression?.(start);
    });
  }
  return session;
}

function exposureOf(secure: boolean, { tls }: ConnectionSettings): Exposure | undefined {
  if (!secure) return 'clear';
  return tls.verify || tls.fingerprints.length > 0 ? undefined : 'unverified';
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
