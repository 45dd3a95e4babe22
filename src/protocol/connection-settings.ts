import type { ByteString } from '../byte-string.ts';

/** Where the replica is and how to log in: plain data, handed to worker threads. Never logged. */
export interface ConnectionSettings {
  /** As the operator spelled it: `host`, `host:port`, `host:port/tls/noauth`, `/unix/socket`. */
  server: string;
  /** sync_port: a service name or number; undefined = `imap` for the IMAP attempt, `csync` otherwise. */
  port: string | undefined;
  tryImap: boolean;
  /** Spelled as `server`: where the same replica answers as an IMAP server, if not there. */
  imapServer?: string | undefined;
  authname: ByteString | undefined;
  realm: ByteString | undefined;
  password: ByteString | undefined;
  /** Allowed mechanisms, upper case; undefined = any that we speak. */
  mechanisms: readonly string[] | undefined;
  /** `ip:port` to bind, if client_bind is on. */
  localAddress: string | undefined;
  /** Milliseconds for connect, TLS, greeting and login together. */
  connectTimeoutMs: number;
  /** Milliseconds without an octet while an answer is due. */
  answerTimeoutMs: number;
  keepaliveSeconds: number | undefined;
  tls: {
    /**
     * `auto`: always to another host, unless clear text is allowed and TLS is not offered; on this host only when no
     * mechanism that we may use is offered in clear. `required`: always. `off`: only with `/tls`.
     */
    mode: 'auto' | 'required' | 'off';
    verify: boolean;
    /** SHA-256 of the certificates that the server may have, as `AA:BB:...`; empty: any that `verify` lets pass. */
    fingerprints: readonly string[];
    caFile: string | undefined;
    caDirectory: string | undefined;
    certFile: string | undefined;
    keyFile: string | undefined;
    minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
    maxVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined;
    ciphers: string | undefined;
  };
  /** PLAIN and LOGIN, and all that follows, without TLS to another host than this one. */
  allowClearText: boolean;
  compression: {
    /** `auto`: as soon as the link turns out to be slow. `on`: from the start, if offered. `required`: -z, or fail. */
    mode: 'auto' | 'on' | 'off' | 'required';
    /** zlib level 1 to 9; undefined = by what the link is like. */
    level: number | undefined;
  };
  /** Replicate `#sieve` as a mailbox where the replica can; without it scripts go by commands of their own. */
  sieveMailbox: boolean;
  /** -a: have the replica stage messages on its archive partition, if it can. */
  stageToArchive: boolean;
  /** Octets of unanswered commands before `window()` waits. */
  windowOctets: number;
  /** The `TokenBucket` that all connections share; undefined: octets go out as fast as they can. */
  pace?: SharedArrayBuffer | undefined;
}

/** `-v -v`: one call per chunk of plain protocol text, credentials and message bodies already left out. */
export type TrafficListener = (direction: 'sent' | 'received', text: Buffer) => void;

/** A connection that began to compress in the middle. */
export interface CompressionStart {
  level: number;
  /** Octets a second that the link took before. */
  rate: number;
}

/** Listeners for what a connection tells of itself. */
export interface ConnectionListeners {
  onTraffic?: TrafficListener | undefined;
  /** Compression began in the middle. */
  onCompression?: ((start: CompressionStart) => void) | undefined;
}
