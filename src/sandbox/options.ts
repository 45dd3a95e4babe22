import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Fault } from './fault-script.ts';
import { MECHANISMS, type Mechanism } from './login.ts';

export type ListenAddress = { host: string; port: number } | { path: string };

/** The raw text of one APPLY command as it arrived: literals included, message files left out, no line end. */
export interface RecordedCommand {
  /** Number of the connection, counted from 1. */
  connection: number;
  /** `APPLY MAILBOX` */
  command: string;
  text: ByteString;
}

export interface SandboxOptions {
  /** The database's directory; made if missing, kept by close(). Default: in memory, gone with the process. */
  directory?: string | undefined;
  /**
   * Port 0 takes a free one. A unix socket needs no login, as with the real server. Default: nobody can connect, and
   * clients are brought by `Sandbox.accept`.
   */
  listen?: ListenAddress | undefined;
  /** Default `replication`. */
  user?: string;
  /** Default: none, and then nobody can log in over TCP. */
  password?: string;
  /** Offered in this order; default all: PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1. */
  mechanisms?: readonly Mechanism[];
  /** Name in the banner; default `sandbox`. */
  servername?: string;
  /** Release of Cyrus that the banner names, from which clients conclude what it takes; default `3.6.1`. */
  release?: string;
  offer?: {
    /** COMPRESS DEFLATE; default true. */
    compression?: boolean;
    /** Default true. */
    sieveMailbox?: boolean;
    /** Default false. */
    replicationArchive?: boolean;
  };
  /** PEM texts: offers STARTTLS. */
  tls?: { key: string; cert: string };
  /** Partitions that exist; default: any name. */
  partitions?: readonly ByteString[];
  /** Each command is on disk before it is answered; default false. */
  durable?: boolean;
  /** `conversations`: an XCONVMODSEQ is raised with each live record; default false. */
  conversations?: boolean;
  faults?: readonly Fault[];
  /** Keeps the APPLY commands in `Sandbox.recorded`, or hands them over as they come. Default false. */
  recordCommands?: boolean | ((command: RecordedCommand) => void);
  /** Refusals, connections, deaths: one line each. */
  log?: (line: string) => void;
}

export interface FilledOptions {
  directory: string | undefined;
  listen: ListenAddress | undefined;
  user: string;
  password: string | undefined;
  mechanisms: readonly Mechanism[];
  servername: string;
  release: string;
  compression: boolean;
  /** Names that the banner shows and CAPABILITIES may enable. */
  enableable: readonly string[];
  tls: { key: string; cert: string } | undefined;
  partitions: readonly ByteString[] | undefined;
  durable: boolean;
  conversations: boolean;
  faults: readonly Fault[];
  recordCommands: boolean | ((command: RecordedCommand) => void);
  log: (line: string) => void;
}

const HIGHEST_PORT = 65535;

/** Octets of sockaddr_un without its final NUL: of a longer path some releases of Node take as much, and say nothing of it. */
const MOST_SOCKET_PATH_OCTETS = 107;

/** @throws SyncError USAGE */
export function fillOptions(options: SandboxOptions): FilledOptions {
  const { listen, mechanisms = MECHANISMS } = options;
  if (options.directory === '') throw usage('directory: expected a path, found nothing');
  if (listen === undefined) {
    // Nothing to check.
  } else if ('path' in listen) {
    if (listen.path === '') throw usage('listen: expected the path of a socket, found nothing');
    const octets = Buffer.byteLength(listen.path);
    if (octets > MOST_SOCKET_PATH_OCTETS) {
      throw usage(
        `listen: expected the path of a socket of at most ${MOST_SOCKET_PATH_OCTETS} octets, found ${octets}`,
      );
    }
  } else if (!Number.isInteger(listen.port) || listen.port < 0 || listen.port > HIGHEST_PORT) {
    throw usage(`listen: expected a port from 0 to ${HIGHEST_PORT}, found ${listen.port}`);
  }
  for (const each of mechanisms) {
    if (!MECHANISMS.includes(each)) {
      throw usage(`mechanisms: expected any of ${MECHANISMS.join(' ')}, found ${String(each)}`);
    }
  }
  const enableable: string[] = [];
  if (options.offer?.sieveMailbox ?? true) enableable.push('SIEVE-MAILBOX');
  if (options.offer?.replicationArchive ?? false) enableable.push('REPLICATION-ARCHIVE');
  return {
    directory: options.directory,
    listen,
    user: options.user ?? 'replication',
    password: options.password,
    mechanisms,
    servername: options.servername ?? 'sandbox',
    release: options.release ?? '3.6.1',
    compression: options.offer?.compression ?? true,
    enableable,
    tls: options.tls,
    partitions: options.partitions,
    durable: options.durable ?? false,
    conversations: options.conversations ?? false,
    faults: options.faults ?? [],
    recordCommands: options.recordCommands ?? false,
    log: options.log ?? (() => undefined),
  };
}

function usage(message: string): SyncError {
  return new SyncError('USAGE', `sandbox: ${message}`, { phase: 'start' });
}
