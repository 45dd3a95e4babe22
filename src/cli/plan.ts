import { SyncError } from '../report/sync-error.ts';
import type { Arguments } from './arguments.ts';
import type { RunPlan } from './run-plan.ts';

/**
 * Reads imapd.conf, the settings file and the `-f` list, and decides the whole run. Opens nothing of the store.
 *
 * @throws SyncError USAGE (exit 64, message only: the command line was well-formed), CONFIG (78),
 *   SYNC_HOST_NOT_DEFINED (70), IO for an unreadable `-f` list (1)
 */
export function planRun(_args: Arguments, _environment: NodeJS.ProcessEnv): RunPlan {
  throw new SyncError('BUG', 'planRun is not written');
}
