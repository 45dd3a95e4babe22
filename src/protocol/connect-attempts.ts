import type { ConnectTarget } from './connect-target.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import type { Accepted } from './handshake/read-banner.ts';

/** One way to try: a service, and who may answer there. */
export interface Attempt {
  /** Used where the server string has no port. */
  service: string;
  accepted: Accepted;
}

/**
 * Which ways to try, in order. With a port (or a socket) there is one connection and its banner tells who is there; the
 * C client connects twice and then misreads one banner as the other (protocol 6.2).
 */
export function planAttempts(target: ConnectTarget, settings: ConnectionSettings): Attempt[] {
  const { tryImap, port } = settings;
  const fixed = target.kind === 'unix' || target.port !== undefined || port !== undefined;
  if (fixed || !tryImap) return [{ service: port ?? 'csync', accepted: { csync: true, imap: tryImap } }];
  return [
    { service: 'imap', accepted: { csync: true, imap: true } },
    { service: 'csync', accepted: { csync: true, imap: false } },
  ];
}
