import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { MOST_SOCKET_PATH_OCTETS } from '../native/unix-address.ts';
import { shownValue } from '../report/shown-value.ts';
import { SyncError } from '../report/sync-error.ts';

/** Where to connect: what the operator's server string says (protocol 1). */
export type ConnectTarget =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: string | undefined; tls: boolean; noauth: boolean };

/**
 * `host`, `host:port`, `[::1]:port`, each with `/tls` and `/noauth` after it in any order, or `/path/of/a/socket`.
 * @throws SyncError CONFIG
 */
export function parseTarget(server: string): ConnectTarget {
  if (server.startsWith('/')) return { kind: 'unix', path: socketPath(server) };
  if (server.includes('@')) {
    // What stands before the @ may be a password, so that none of it is shown.
    throw new SyncError('CONFIG', 'expected a server without @ in -S or sync_host', {
      phase: 'connect',
      hint: 'A login goes into sync_authname and sync_password',
    });
  }
  const [address = '', ...suffixes] = server.split('/');
  const known = suffixes.every((suffix) => suffix === 'tls' || suffix === 'noauth');
  const { host, port } = splitPort(address);
  if (host === '' || port === '' || !known) {
    throw new SyncError(
      'CONFIG',
      `expected host, host:port, host:port/tls, host:port/noauth or /socket as the server, found ${shownValue(server)}`,
      { phase: 'connect', hint: 'Check -S and sync_host' },
    );
  }
  return { kind: 'tcp', host, port, tls: suffixes.includes('tls'), noauth: suffixes.includes('noauth') };
}

/** Node would cut a longer one off, and speak to whoever listens at what is left of it. */
function socketPath(path: string): string {
  const octets = Buffer.byteLength(path);
  if (octets <= MOST_SOCKET_PATH_OCTETS) return path;
  throw new SyncError(
    'CONFIG',
    `expected a socket's path of at most ${MOST_SOCKET_PATH_OCTETS} octets, found ${octets} in ${shownValue(path)}`,
    { phase: 'connect', hint: 'Name a shorter link to it in -S or sync_host' },
  );
}

/** An address without brackets but with several colons is IPv6 without a port. */
export function splitPort(address: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] };
  const colon = address.indexOf(':');
  if (colon < 0 || isIP(address) === 6) return { host: address, port: undefined };
  return { host: address.slice(0, colon), port: address.slice(colon + 1) };
}

/** Used where /etc/services does not say otherwise: Debian's does not know csync. */
const WELL_KNOWN_SERVICES: ReadonlyMap<string, number> = new Map([
  ['csync', 2005],
  ['imap', 143],
  ['imaps', 993],
]);

const SERVICES_FILE = '/etc/services';

/**
 * A port number from digits or a service name.
 * @throws SyncError CONFIG for a name that nobody knows
 */
export function resolvePort(nameOrNumber: string, readServices: () => string = servicesText): number {
  if (/^\d+$/.test(nameOrNumber)) {
    const port = Number(nameOrNumber);
    if (port >= 1 && port <= 65535) return port;
    throw badPort(nameOrNumber, 'a port from 1 to 65535');
  }
  const port = findService(readServices(), nameOrNumber) ?? WELL_KNOWN_SERVICES.get(nameOrNumber);
  if (port === undefined) throw badPort(nameOrNumber, `a service name of ${SERVICES_FILE} or a number`);
  return port;
}

/** `name port/tcp alias ... # comment`, as services(5) has it. */
function findService(services: string, wanted: string): number | undefined {
  for (const line of services.split('\n')) {
    const [name, port, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (name !== wanted && !aliases.includes(wanted)) continue;
    const match = /^(\d+)\/tcp$/.exec(port ?? '');
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

function servicesText(): string {
  try {
    return readFileSync(SERVICES_FILE, 'utf8');
  } catch {
    // Containers often have none; the well-known names still work.
    return '';
  }
}

function badPort(found: string, expected: string): SyncError {
  return new SyncError('CONFIG', `expected ${expected} as the replica's port, found ${shownValue(found)}`, {
    phase: 'connect',
    hint: 'Check sync_port and the port after the server name',
  });
}
