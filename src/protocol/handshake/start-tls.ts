import { readdirSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, rootCertificates, type TLSSocket } from 'node:tls';
import { readNamedFile } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { MAX_PEM_OCTETS } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import type { Deadline } from './deadline.ts';

/**
 * TLS over a connected socket.
 * @throws SyncError TLS_FAILED, CONFIG (a certificate file that cannot be read), CONNECT_TIMEOUT
 */
export async function startTls(
  socket: Socket,
  host: string,
  settings: ConnectionSettings,
  deadline: Deadline,
): Promise<TLSSocket> {
  const secure = connect({ socket, ...tlsOptions(host, settings.tls) });
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.on('error', (error) => reject(tlsFailure(error, settings.server)));
    secure.once('close', () => reject(tlsFailure(new Error('the connection was closed'), settings.server)));
    deadline.begin('the TLS handshake', (error) => {
      secure.destroy();
      reject(error);
    });
  });
  if (settings.tls.fingerprints.length > 0) checkFingerprint(secure, settings);
  return secure;
}

/** @throws SyncError TLS_FAILED */
function checkFingerprint(secure: TLSSocket, { server, tls }: ConnectionSettings): void {
  const found = secure.getPeerX509Certificate()?.fingerprint256;
  if (found !== undefined && tls.fingerprints.includes(found)) return;
  secure.destroy();
  throw linkError(
    'TLS_FAILED',
    `TLS with ${server} failed: its certificate is another one than tls_fingerprint names: ${found ?? 'none'}`,
    {
      phase: 'connect',
      retryable: false,
      hint: `Somebody may be in between. If the replica has a new certificate (look there: openssl x509 -noout -fingerprint -sha256 -in FILE), name it in tls_fingerprint`,
    },
  );
}

function tlsOptions(host: string, tls: ConnectionSettings['tls']): ConnectionOptions {
  // A certificate that is known by its own octets needs no authority to vouch for it.
  const needsAuthority = tls.verify && tls.fingerprints.length === 0;
  const options: ConnectionOptions = { host, rejectUnauthorized: needsAuthority };
  if (isIP(host) === 0) options.servername = host;
  const authorities = trustedAuthorities(tls.caFile, tls.caDirectory);
  if (authorities !== undefined) options.ca = authorities;
  if (tls.certFile !== undefined) options.cert = readPem(tls.certFile);
  if (tls.keyFile !== undefined) options.key = readPem(tls.keyFile);
  else if (tls.certFile !== undefined) options.key = readPem(tls.certFile);
  if (tls.minVersion !== undefined) options.minVersion = tls.minVersion;
  if (tls.maxVersion !== undefined) options.maxVersion = tls.maxVersion;
  if (tls.ciphers !== undefined) options.ciphers = tls.ciphers;
  return options;
}

/** undefined leaves Node's own list; a file or directory adds to it, as OpenSSL's default store would be added to. */
function trustedAuthorities(file: string | undefined, directory: string | undefined): string[] | undefined {
  const own: string[] = [];
  if (file !== undefined) own.push(readPem(file));
  if (directory !== undefined) own.push(...pemsOf(directory));
  return own.length === 0 ? undefined : [...rootCertificates, ...own];
}

function pemsOf(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw unreadable(directory, error);
  }
  return names
    .filter((name) => /\.(?:pem|crt|\d+)$/.test(name))
    .map((name) => readPem(join(directory, name)));
}

function readPem(path: string): string {
  try {
    return readNamedFile(path, MAX_PEM_OCTETS).toString('utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): SyncError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SyncError('CONFIG', `certificate or key ${path} cannot be read: ${why}`, {
    phase: 'connect',
    cause,
    hint: 'Check tls_client_* and that this account may read the file',
  });
}

/** Errors that the network makes in a handshake. Everything else two ends that cannot agree will say again in a minute. */
const NETWORK_PROBLEMS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** OpenSSL's names for what is wrong with a certificate. */
const CERTIFICATE_PROBLEM = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ALTNAME|HOSTNAME/;

function tlsFailure(cause: Error, server: string): SyncError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const certificate = code !== undefined && CERTIFICATE_PROBLEM.test(code);
  // Without a code it was closed, as a server that is being stopped does.
  const passing = code === undefined || NETWORK_PROBLEMS.has(code);
  return linkError(
    'TLS_FAILED',
    `TLS with ${server} failed: ${cause.message}${code === undefined ? '' : ` (${code})`}`,
    {
      phase: 'connect',
      retryable: passing,
      cause,
      hint: certificate
        ? "Install the replica's authority (tls_server_ca_file), name its certificate in tls_fingerprint, or use the name in its certificate"
        : 'Check that the replica speaks TLS there and that both sides have a TLS version in common',
    },
  );
}
