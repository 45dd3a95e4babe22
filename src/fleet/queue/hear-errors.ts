import type { IQueueBackend } from 'bullmq';

/**
 * Lets a backend lose its connection without ending the process, as an event that nobody hears would. Whoever asks something of
 * it is told by the answer.
 */
export function hearErrors<Backend extends IQueueBackend>(backend: Backend): Backend {
  backend.on('error', () => {
    // It connects again by itself.
  });
  return backend;
}
