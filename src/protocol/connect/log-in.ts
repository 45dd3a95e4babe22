import { authenticate } from '../handshake/authenticate.ts';
import type { Conversation } from '../handshake/conversation.ts';
import { imapOffer, type Offer } from '../handshake/offer.ts';
import { type LoginStep, planLogin, requireCredentials } from '../handshake/plan-login.ts';
import { askCapabilities } from '../handshake/read-banner.ts';
import { upgradeToTls } from '../handshake/upgrade-to-tls.ts';
import { offersBinding } from '../sasl/choose-mechanism.ts';
import type { Channel } from '../sasl/mechanism.ts';
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
  const { mechanism } = step;
  const credentials = requireCredentials(settings, mechanism);
  const channel = channelOf(talk, offer);
  const { initialResponse, flavour } = offer;
  const capabilities = await authenticate(talk, flavour, mechanism, credentials, channel, initialResponse);
  if (flavour === 'imap') offer = imapOffer(offer.banner, capabilities ?? (await askCapabilities(talk)));
  return { offer, mechanism: mechanism.name, secure };
}

/** The server's offer counts as it is now: inside TLS, if that is active. */
function channelOf({ transport }: Conversation, { mechanisms }: Offer): Channel {
  const data = transport.tlsUnique;
  return {
    binding: data && { name: 'tls-unique', data },
    offersBinding: offersBinding(mechanisms),
  };
}
