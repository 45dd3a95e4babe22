import { readdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { readNamedFile } from '../../native/open-regular.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { MAX_PEM_OCTETS } from '../limits.ts';

/** The settings in OpenSSL's terms, with the files that they name. @throws SyncError CONFIG for one that cannot be read */
export function tlsOptions(host: string, tls: ConnectionSettings['tls']): ConnectionOptions {
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
  return own.length === 0 ? undefined : [...process.getBuiltinModule('node:tls').rootCertificates, ...own];
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
