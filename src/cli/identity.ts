import { SyncError } from '../report/sync-error.ts';
import type { IdentityPlan } from './run-plan.ts';

/**
 * Started as root: becomes the Cyrus user, with its group and supplementary groups. Otherwise does nothing. Call it
 * before any file of the store is opened and before worker threads exist.
 *
 * @throws SyncError CONFIG when the user or group does not exist, IO when the system refuses
 */
export function becomeCyrusUser(_identity: IdentityPlan): void {
  throw new SyncError('BUG', 'becomeCyrusUser is not written');
}
