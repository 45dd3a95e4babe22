import { SyncError } from '../../report/sync-error.ts';
import type { ConnectTarget } from '../connect-target.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import type { Accepted } from '../handshake/read-banner.ts';

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

/**
 * The first attempt that works.
 * @throws SyncError the most telling failure
 */
export async function tryInTurn<T>(
  attempts: readonly Attempt[],
  connect: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  let failure: SyncError | undefined;
  for (const attempt of attempts) {
    try {
      return await connect(attempt);
    } catch (caught) {
      const error = SyncError.from(caught).within({ phase: 'connect' });
      // The name is as unknown and the settings are as wrong at the next port.
      if (error.family === 'local' || error.code === 'HOST_NOT_FOUND') throw error;
      failure = moreTelling(failure, error);
    }
  }
  throw failure ?? new SyncError('BUG', 'no way to connect was planned', { phase: 'connect' });
}

/** Prefers the failure where somebody was there; of two equal ones the later, which is csync's. */
function moreTelling(earlier: SyncError | undefined, later: SyncError): SyncError {
  return earlier !== undefined && nobodyThere(later) && !nobodyThere(earlier) ? earlier : later;
}

function nobodyThere({ code }: SyncError): boolean {
  return code === 'CONNECT_FAILED' || code === 'CONNECT_TIMEOUT';
}
