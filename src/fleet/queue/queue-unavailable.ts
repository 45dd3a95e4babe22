import { SyncError } from '../../report/sync-error.ts';

/**
 * A queue that was there and does not answer, which may pass: an agent asks again.
 *
 * @param address without a password
 */
export function queueUnavailable(
  address: string,
  caught: unknown,
  hint = 'Whoever is at work goes on; nothing new begins until it answers again',
): SyncError {
  const { message } = SyncError.from(caught);
  return new SyncError('QUEUE_UNAVAILABLE', `the queue ${address} does not answer: ${message}`, {
    family: 'link',
    retryable: true,
    hint,
    cause: caught,
  });
}
