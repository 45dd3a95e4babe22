import type { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { linkError } from '../link-errors.ts';
import type { Conversation } from './conversation.ts';
import type { Deadline } from './deadline.ts';
import { imapOffer, type Offer } from './offer.ts';
import { askCapabilities, readBanner } from './read-banner.ts';
import { startTls } from './start-tls.ts';

/**
 * STARTTLS, then what the server offers inside TLS: nothing that was said in clear is believed any more.
 *
 * @throws SyncError TLS_FAILED
 */
export async function upgradeToTls(
  talk: Conversation,
  offer: Offer,
  host: string,
  settings: ConnectionSettings,
  deadline: Deadline,
): Promise<Offer> {
  const tag = offer.flavour === 'imap' ? 'S01 ' : '';
  talk.send(`${tag}STARTTLS`);
  const answer = await talk.read('STARTTLS');
  if (!answer.startsWith(`${tag}OK`)) throw tlsRefused(settings.server, `STARTTLS answered ${answer}`);
  // Somebody in between could put commands or answers here, to be taken for the server's own once TLS is up.
  if (talk.unread.length > 0)
    throw tlsRefused(settings.server, 'octets in clear behind the answer to STARTTLS');
  const secure = await startTls(talk.transport.detachSocket(), host, settings, deadline);
  talk.transport.replaceSocket(secure);
  if (offer.flavour === 'csync') return readBanner(talk, settings.server, { csync: true, imap: false });
  talk.begin('the banner');
  return imapOffer(offer.banner, await askCapabilities(talk));
}

function tlsRefused(server: string, why: string): SyncError {
  return linkError('TLS_FAILED', `TLS with ${server} failed: ${why}`, {
    phase: 'connect',
    retryable: false,
    hint: 'Check tls_server_cert and tls_server_key of the replica, and who sits between the two hosts',
  });
}
