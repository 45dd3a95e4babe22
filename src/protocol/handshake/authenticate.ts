import type { ByteString } from '../../byte-string.ts';
import type { SyncError } from '../../report/sync-error.ts';
import { MAX_LOGIN_LINES } from '../limits.ts';
import type { Flavour } from '../link/framing.ts';
import { linkError } from '../link-errors.ts';
import type { Channel, Credentials, SaslMechanism } from '../sasl/mechanism.ts';
import type { Conversation } from './conversation.ts';
import { imapCapabilities } from './offer.ts';

/** Octets of `AUTHENTICATE MECH response` that fit on one line (protocol 4). */
const MAX_INITIAL_LINE_OCTETS = 65534;

/**
 * One SASL exchange (protocol 4). Every continuation is answered with a line, an empty one if need be: both
 * flavours wait for it after SCRAM's last message.
 *
 * @returns the IMAP capabilities that came with the OK, if any
 * @throws SyncError AUTHENTICATION_FAILED, NO_USABLE_MECHANISM, REPLICA_BUSY, LINK_BROKEN
 */
export async function authenticate(
  talk: Conversation,
  flavour: Flavour,
  mechanism: SaslMechanism,
  credentials: Credentials,
  channel: Channel,
  initialAllowed: boolean,
): Promise<string[] | undefined> {
  talk.begin('the login');
  const exchange = mechanism.start(credentials, channel);
  const tag = flavour === 'imap' ? 'A01 ' : '';
  const open = `${tag}AUTHENTICATE ${mechanism.name}`;
  let unsent = exchange.initialResponse;
  const encoded = unsent === undefined ? undefined : base64(unsent) || '=';
  if (encoded !== undefined && initialAllowed && open.length + encoded.length < MAX_INITIAL_LINE_OCTETS) {
    talk.sendSecret(`${open} `, encoded);
    unsent = undefined;
  } else {
    talk.send(open);
  }
  let capabilities: string[] | undefined;
  for (let lines = 0; lines < MAX_LOGIN_LINES; lines++) {
    const line = await talk.read('AUTHENTICATE');
    if (line.startsWith('+')) {
      const challenge = Buffer.from(line.slice(1).trim(), 'base64');
      const answer = unsent ?? (await exchange.respond(challenge));
      unsent = undefined;
      talk.sendSecret('', base64(answer));
    } else if (line.startsWith('* ')) {
      capabilities = imapCapabilities(line) ?? capabilities;
    } else {
      const text = line.startsWith(tag) ? line.slice(tag.length) : line;
      if (!/^OK\b/i.test(text)) throw loginFailed(mechanism.name, text);
      exchange.succeeded();
      refuseSecurityLayer(mechanism.name, text);
      return imapCapabilities(text) ?? capabilities;
    }
  }
  throw loginFailed(mechanism.name, `no end after ${MAX_LOGIN_LINES} lines`);
}

function base64(octets: Buffer): string {
  return octets.toString('base64');
}

/** `OK Success (integrity protection)` means that every further octet is wrapped: no mechanism of ours asks for that. */
function refuseSecurityLayer(mechanism: string, text: ByteString): void {
  if (!/\((?:integrity|privacy) protection\)/i.test(text)) return;
  throw linkError('NO_USABLE_MECHANISM', `${mechanism} set up a SASL security layer: ${text}`, {
    phase: 'connect',
    retryable: false,
    hint: 'Set sasl_maximum_layer: 0 on the replica or use TLS',
  });
}

function loginFailed(mechanism: string, answer: ByteString): SyncError {
  const message = `couldn't authenticate to backend server: ${mechanism}: ${answer.replace(/^(?:NO|BAD) /i, '')}`;
  if (/no mechanism available/i.test(answer)) {
    return linkError('NO_USABLE_MECHANISM', message, {
      phase: 'connect',
      retryable: false,
      hint: 'The replica offers a mechanism that it cannot do: set sasl_mech_list there or the mechanisms to use here',
    });
  }
  return linkError('AUTHENTICATION_FAILED', message, {
    phase: 'connect',
    retryable: false,
    hint: 'Check sync_authname and sync_password; a replica that keeps no plain passwords can only do PLAIN and LOGIN',
  });
}
