import { hostname } from 'node:os';
import { textFromBytes } from '../../byte-string.ts';
import { configError } from '../../config/config-error.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import { wordsOf } from '../../config/values.ts';
import { parseTarget, resolvePort } from '../../protocol/connect-target.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { deepFreeze } from './deep-freeze.ts';
import { tlsMode } from './tls-mode.ts';

/** Seconds. Cyrus never waits less than this for an answer (store 1.4). */
const LEAST_ANSWER_TIMEOUT_SECONDS = 3;
/** Seconds. 0 and less would fail every connection before it is tried. */
const LEAST_CONNECT_TIMEOUT_SECONDS = 1;

type TlsVersion = NonNullable<ConnectionSettings['tls']['minVersion']>;

/** Oldest first: the lists of tls_versions are turned into a range. */
const TLS_VERSIONS: readonly (readonly [word: string, version: TlsVersion])[] = [
  ['tls1_0', 'TLSv1'],
  ['tls1_1', 'TLSv1.1'],
  ['tls1_2', 'TLSv1.2'],
  ['tls1_3', 'TLSv1.3'],
];

/**
 * The replica of this run and how to log in there: -S or sync_host, with the channel's overrides (store 1.3, 1.4).
 *
 * @throws SyncError SYNC_HOST_NOT_DEFINED, CONFIG
 */
export function connectionSettings(
  config: ImapdConfig,
  settings: Settings,
  args: Arguments,
  channel: string | undefined,
): ConnectionSettings {
  const server = args.server ?? config.channelText(channel, 'sync_host');
  if (server === undefined || server === '') {
    throw new SyncError('SYNC_HOST_NOT_DEFINED', 'sync_host not defined', {
      phase: 'start',
      hint: `set ${channel === undefined ? 'sync_host' : `${channel}_sync_host or sync_host`} in ${config.file}, or give -S`,
    });
  }
  const port = config.channelText(channel, 'sync_port');
  checkServer(server, port, args.server !== undefined);
  const ofHost = (suffix: string): string | undefined => {
    const host = shortHost(server);
    return host === undefined ? undefined : config.overflow(`${host}_${suffix}`);
  };
  const textOfHost = (suffix: string): string | undefined => {
    const bytes = ofHost(suffix);
    return bytes === undefined ? undefined : textFromBytes(bytes);
  };
  const keepaliveSeconds = config.switch('tcp_keepalive')
    ? Math.max(0, config.duration('tcp_keepalive_idle'))
    : undefined;
  return deepFreeze({
    server,
    port,
    ...(settings.replicaImap !== undefined && { imapServer: imapServer(settings.replicaImap) }),
    tryImap: config.channelSwitch(channel, 'sync_try_imap'),
    authname: config.channelString(channel, 'sync_authname'),
    realm: config.channelString(channel, 'sync_realm'),
    password: config.channelString(channel, 'sync_password') ?? ofHost('password'),
    mechanisms: mechanisms(ofHost('mechs') ?? config.string('force_sasl_client_mech')),
    localAddress: localAddress(config, server),
    connectTimeoutMs: Math.max(LEAST_CONNECT_TIMEOUT_SECONDS, config.duration('client_timeout')) * 1_000,
    answerTimeoutMs: Math.max(LEAST_ANSWER_TIMEOUT_SECONDS, config.duration('sync_timeout')) * 1_000,
    keepaliveSeconds,
    tls: {
      mode: tlsMode(settings.tls, settings.tlsFingerprint, 'tls_fingerprint'),
      verify: settings.tlsVerify,
      fingerprints: settings.tlsFingerprint,
      caFile: config.text('tls_server_ca_file'),
      caDirectory: config.text('tls_server_ca_dir'),
      certFile: textOfHost('client_cert') ?? config.text('tls_client_cert'),
      keyFile: textOfHost('client_key') ?? config.text('tls_client_key'),
      ...tlsRange(config),
      ciphers: tlsCiphers(config),
    },
    allowClearText: settings.allowClearText,
    compression: {
      mode: args.requireCompression ? 'required' : settings.compression,
      level: settings.compressionLevel,
    },
    sieveMailbox: true,
    stageToArchive: args.stageToArchive,
    windowOctets: settings.windowOctets,
  });
}

/**
 * Before anything is opened: a server that cannot even be spelled so.
 *
 * @param port where the server names none
 * @throws SyncError USAGE for -S, CONFIG for imapd.conf
 */
function checkServer(server: string, port: string | undefined, fromOption: boolean): void {
  try {
    const target = parseTarget(server);
    const wanted = target.kind === 'tcp' ? (target.port ?? port) : undefined;
    if (wanted !== undefined) resolvePort(wanted);
  } catch (caught) {
    const { message, hint } = SyncError.from(caught);
    const where = fromOption ? '-S: ' : '';
    throw new SyncError(fromOption ? 'USAGE' : 'CONFIG', `${where}${message}`, { phase: 'start', hint });
  }
}

/** @throws SyncError CONFIG */
function imapServer(server: string): string {
  try {
    const target = parseTarget(server);
    if (target.kind === 'tcp' && target.port !== undefined) resolvePort(target.port);
    return server;
  } catch (caught) {
    // What stands before an @ may be a password.
    const found = server.includes('@') ? 'one with an @' : shownValue(server);
    throw new SyncError(
      'CONFIG',
      `replica_imap: expected the replica's IMAP server as host, host:port or host:port/tls, found ${found}`,
      { phase: 'start', cause: caught, hint: 'the login is that of replication' },
    );
  }
}

/**
 * The name in `<shorthost>_mechs` and its kin: the host up to its first dot; none for a socket. Lower case,
 * as all keys of imapd.conf are.
 */
export function shortHost(server: string): string | undefined {
  if (server.startsWith('/')) return undefined;
  return /^[^:.]*/.exec(server)?.[0].toLowerCase();
}

/** client_bind: the name or address to connect from; needless for a socket. */
function localAddress(config: ImapdConfig, server: string): string | undefined {
  if (!config.switch('client_bind') || server.startsWith('/')) return undefined;
  return config.text('client_bind_name') ?? config.text('servername') ?? hostname();
}

function mechanisms(list: string | undefined): string[] | undefined {
  return list === undefined
    ? undefined
    : wordsOf(list.replaceAll(',', ' ')).map((name) => name.toUpperCase());
}

/** Unset leaves Node's own range, which is stricter than Cyrus's default of everything. */
function tlsRange(config: ImapdConfig): {
  minVersion: TlsVersion | undefined;
  maxVersion: TlsVersion | undefined;
} {
  const place = config.placeOf('tls_versions');
  if (place === undefined) return { minVersion: undefined, maxVersion: undefined };
  const listed = wordsOf(config.string('tls_versions') ?? '');
  const versions = TLS_VERSIONS.filter(([word]) => listed.includes(word)).map(([, version]) => version);
  if (versions.length === 0) {
    const known = TLS_VERSIONS.map(([word]) => word).join(', ');
    throw configError(
      place,
      `tls_versions: expected at least one of ${known}, found ${shownValue(config.text('tls_versions') ?? '')}`,
    );
  }
  return { minVersion: versions[0], maxVersion: versions.at(-1) };
}

/** `DEFAULT` is OpenSSL's word for its own choice; Node has a better one. */
function tlsCiphers(config: ImapdConfig): string | undefined {
  const ciphers = config.text('tls_ciphers');
  return ciphers === 'DEFAULT' ? undefined : ciphers;
}
