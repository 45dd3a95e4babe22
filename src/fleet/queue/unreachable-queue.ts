import { SyncError } from '../../report/sync-error.ts';

/**
 * A queue that cannot be reached, by what the system says.
 *
 * @param address without a password @param systemCode empty: the system had no part in it
 */
export function unreachableQueue(
  address: string,
  systemCode: string,
  hint: string,
  cause: unknown,
): SyncError {
  const code = systemCode === 'ENOTFOUND' || systemCode === 'EAI_AGAIN' ? 'HOST_NOT_FOUND' : 'CONNECT_FAILED';
  const { message } = SyncError.from(cause);
  return new SyncError(code, `the queue ${address} cannot be reached: ${message}`, {
    phase: 'start',
    family: 'link',
    hint,
    cause,
  });
}
