import type { Evidence, SyncEvent } from '../../report/events.ts';

/**
 * Tells what goes back with the outcome of an attempt rather than at once: another attempt may find something else, and what
 * has been told to a counter, a log or a terminal cannot be taken back.
 */
export function isEvidence(event: SyncEvent): event is Evidence {
  switch (event.kind) {
    case 'verify:difference':
    case 'verify:unmended':
    case 'verify:verdict':
    case 'user:graded':
      return true;
    default:
      return false;
  }
}
