import { SyncError } from '../report/sync-error.ts';
import type { DivergedHandler } from './sync-mailbox.ts';

/** Leaves a diverged mailbox as it is on both sides and says so. */
export const reportDiverged: DivergedHandler = async (task, reason, detail) => {
  throw new SyncError('CONFLICT', `the replica has diverged (${reason}): ${detail}`, {
    phase: 'compare',
    mailbox: task.entry.name,
    hint: 'nothing was changed on either side; compare the mailbox on both servers',
  });
};
