import type { ErrorData } from '../../report/sync-error.ts';

/**
 * Decides whether waiting for the replica is of no use: a wrong password, an unknown host, a server of another kind. Once a
 * connection has worked it cannot be the settings that are wrong, so that such an answer is an outage like any other. What
 * this host lacks for the moment is never a reason to end.
 */
export function isHopeless({ code, family, retryable }: ErrorData, everConnected: boolean): boolean {
  if (code === 'TOO_MANY_FILES') return false;
  return family !== 'link' || (!retryable && !everConnected);
}
