import type { ByteString } from '../../byte-string.ts';
import type { Flavour } from '../link/framing.ts';

/** A server's word on itself before and after login (protocol 2). */
export interface Offer {
  flavour: Flavour;
  /** The `* OK` line without its star. */
  banner: ByteString;
  /** Upper case. */
  mechanisms: readonly string[];
  starttls: boolean;
  compress: boolean;
  sieveMailbox: boolean;
  /** Messages may be staged on the archive partition. */
  archive: boolean;
  /** UNMAILBOX may name the mailbox that is meant. */
  unmailboxId: boolean;
  /** IMAP: replication is possible; listed after login only. csync: always. */
  replication: boolean;
  /** The initial response may stand on the AUTHENTICATE line. */
  initialResponse: boolean;
}

/** @param lines the banner of a stand-alone sync_server, `* OK` line last */
export function csyncOffer(lines: readonly ByteString[]): Offer {
  const capabilities = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', ...parameters] = line
      .trim()
      .toUpperCase()
      .split(/[ \t]+/);
    if (!capabilities.has(name)) capabilities.set(name, parameters);
  }
  return {
    flavour: 'csync',
    banner: (lines.at(-1) ?? '').replace(/^\* /, ''),
    mechanisms: capabilities.get('SASL') ?? [],
    starttls: capabilities.has('STARTTLS'),
    compress: capabilities.get('COMPRESS')?.includes('DEFLATE') ?? false,
    // A peer on a unix socket is logged in from the start, and then the banner is silent about everything: ask.
    sieveMailbox: capabilities.has('SIEVE-MAILBOX') || lines.length === 1,
    archive: capabilities.has('REPLICATION-ARCHIVE'),
    unmailboxId: capabilities.has('UNMAILBOX-ID'),
    replication: true,
    initialResponse: true,
  };
}

/** @param capabilities the words of an IMAP CAPABILITY list */
export function imapOffer(banner: ByteString, capabilities: readonly string[]): Offer {
  const words = new Set(capabilities.map((word) => word.toUpperCase()));
  return {
    flavour: 'imap',
    banner: banner.replace(/^\* /, ''),
    mechanisms: [...words]
      .filter((word) => word.startsWith('AUTH='))
      .map((word) => word.slice('AUTH='.length)),
    starttls: words.has('STARTTLS'),
    // The C client found it broken in IMAP mode and does without (protocol 2).
    compress: false,
    sieveMailbox: words.has('X-SIEVE-MAILBOX'),
    archive: words.has('X-REPLICATION-ARCHIVE'),
    unmailboxId: words.has('X-UNMAILBOX-ID'),
    replication: words.has('X-REPLICATION'),
    initialResponse: words.has('SASL-IR'),
  };
}

/** From `... [CAPABILITY a b c] ...` or `* CAPABILITY a b c`. */
export function imapCapabilities(line: ByteString): string[] | undefined {
  const match = /\[CAPABILITY ([^\]]*)\]/i.exec(line) ?? /^\* CAPABILITY (.*)$/i.exec(line);
  return match?.[1]?.trim().split(/ +/);
}
