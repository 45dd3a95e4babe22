import type { ErrorCode } from '../report/sync-error.ts';
import { isOutOfFiles, SyncError, type SyncErrorFields } from '../report/sync-error.ts';

/** An error of family `link`, retryable unless said otherwise: the network may be better in a minute. */
export function linkError(code: ErrorCode, message: string, fields: SyncErrorFields = {}): SyncError {
  return new SyncError(code, message, { family: 'link', retryable: true, ...fields });
}

/** Somebody took the connection and does not serve it: that has nothing to do with who it is, and passes. */
export function replicaBusy(message: string, hint: string): SyncError {
  return linkError('REPLICA_BUSY', message, { phase: 'connect', hint });
}

/** System error codes of a connection that was there and went. */
export function linkLost(caught: Error, what: string): SyncError {
  const code = 'code' in caught && typeof caught.code === 'string' ? `${caught.code}: ` : '';
  return linkError('LINK_BROKEN', `${what}: ${code}${caught.message}`, { cause: caught });
}

/** Why a connection could not be made, from the error of getaddrinfo or connect. */
export function connectFailure(caught: Error, server: string): SyncError {
  // Several addresses tried give one error that holds the others and often has no text of its own.
  const first =
    caught instanceof AggregateError && caught.errors[0] instanceof Error ? caught.errors[0] : caught;
  const code = 'code' in first && typeof first.code === 'string' ? first.code : undefined;
  const fields = { phase: 'connect', cause: caught } as const;
  if (isOutOfFiles(first)) return SyncError.from(first, fields);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_FAIL') {
    return linkError('HOST_NOT_FOUND', `getaddrinfo(${server}) failed: ${first.message}`, {
      ...fields,
      retryable: code !== 'ENOTFOUND',
      hint: "Check the spelling of the replica's host name and the name servers of this host",
    });
  }
  // Without an address to bind, EADDRNOTAVAIL says that the local ports to that server are used up for the moment.
  const binding = 'syscall' in first && first.syscall === 'bind';
  const here = (code === 'EADDRNOTAVAIL' && binding) || code === 'EACCES' || code === 'EPERM';
  return linkError('CONNECT_FAILED', `connect(${server}) failed: ${first.message}`, {
    ...fields,
    retryable: !here,
    hint:
      (binding ? BIND_HINT : CONNECT_HINTS.get(code ?? '')) ??
      'Check that the replica is up and that the way to it is open',
  });
}

const BIND_HINT = 'The local address to bind cannot be used: check client_bind_name';

const CONNECT_HINTS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'Check that sync_server (or imapd) runs on the replica and listens on that port'],
  ['ENOENT', 'There is no such socket: check its path and that the server runs'],
  ['EADDRNOTAVAIL', 'The ports of this host for connections to that server are used up'],
  ['EACCES', 'This account may not open that socket'],
  ['EPERM', 'This account or a firewall rule of this host forbids the connection'],
]);
