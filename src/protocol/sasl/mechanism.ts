import type { ByteString } from '../../byte-string.ts';

/** Who logs in, as octets: Cyrus gives them to SASL as they stand in imapd.conf. */
export interface Credentials {
  authname: ByteString;
  password: ByteString;
}

/**
 * The client's side of one SASL exchange. Octets in, octets out; base64 is the framing's business.
 *
 * `realm` plays no part: libsasl asks for it with DIGEST-MD5 only, and the other mechanisms send the name as it is.
 */
export interface SaslExchange {
  /** Octets for the AUTHENTICATE line; undefined for a mechanism where the server speaks first. */
  readonly initialResponse: Buffer | undefined;
  /**
   * @returns the answer to one challenge, possibly empty
   * @throws SyncError AUTHENTICATION_FAILED when the server is not who it should be
   */
  respond(challenge: Buffer): Promise<Buffer>;
  /** @throws SyncError AUTHENTICATION_FAILED when the server said OK before it proved what it had to */
  succeeded(): void;
}

/**
 * The encrypted channel that an exchange is bound to: what the server's end of it must know too, so that nobody in between can
 * pass the exchange on (RFC 5929 section 3).
 */
export interface ChannelBinding {
  name: 'tls-unique';
  data: Buffer;
}

/** How the server was reached. */
export interface Channel {
  /** undefined: no encrypted one. */
  binding: ChannelBinding | undefined;
  /** The server says that it can bind an exchange to it. */
  offersBinding: boolean;
}

export interface SaslMechanism {
  readonly name: string;
  /** The password itself goes over the wire. */
  readonly clearText: boolean;
  /** Proves who we are by the certificate that TLS was begun with. */
  readonly byCertificate: boolean;
  /** Works inside TLS only. */
  readonly bindsChannel: boolean;
  start(credentials: Credentials, channel: Channel): SaslExchange;
}
