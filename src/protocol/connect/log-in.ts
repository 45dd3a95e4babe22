import { authenticate } from '../handshake/authenticate.ts';
import type { Conversation } from '../handshake/conversation.ts';
import { imapOffer, type Offer } from '../handshake/offer.ts';
import { type LoginStep, planLogin, requireCredentials } from '../handshake/plan-login.ts';
import { askCapabilities } from '../handshake/read-banner.ts';
import { upgradeToTls } from '../handshake/upgrade-to-tls.ts';
import type { Circumstances } from './in-conversation.ts';

export interface LoggedIn {
  /** The server's word on itself now; an imapd says more after the login. */
  offer: Offer;
  mechanism: string | undefined;
  /** TLS is active. */
  secure: boolean;
}

/** STARTTLS and AUTHENTICATE, as far as the server asks for them and the settings allow. */
export async function logIn(
  talk: Conversation,
  greeting: Offer,
  { target, settings, deadline, tls, local }: Circumstances,
): Promise<LoggedIn> {
  const tcp = target.kind === 'tcp' ? target : undefined;
  let secure = tls;
  let offer = greeting;
  let step: LoginStep =
    tcp === undefined ? { kind: 'none' } : planLogin(offer, settings, tcp.noauth, secure, local);
  if (tcp !== undefined && step.kind === 'starttls') {
    offer = await upgradeToTls(talk, offer, tcp.host, settings, deadline);
    secure = true;
    step = planLogin(offer, settings, tcp.noauth, secure, local);
  }
  if (step.kind !== 'login') return { offer, mechanism: undefined, secure };
  const credentials = requireCredentials(settings);
  const { initialResponse, flavour } = offer;
  const capabilities = await authenticate(talk, flavour, step.mechanism, credentials, initialResponse);
  if (flavour === 'imap') offer = imapOffer(offer.banner, capabilities ?? (await askCapabilities(talk)));
  return { offer, mechanism: step.mechanism.name, secure };
}
