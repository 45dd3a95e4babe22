import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxState } from '../../store/master-store.ts';
import { senselessJump } from '../compare/senseless-jump.ts';

/**
 * Must be called before anything that the replica says is told to the master's server.
 *
 * @throws SyncError CONFLICT
 */
export function checkSensible(mailbox: ByteString, state: MailboxState, remote: ReplicaMailbox): void {
  const jump = senselessJump(state, remote, Date.now() / 1000);
  if (jump === undefined) return;
  throw new SyncError(
    'CONFLICT',
    `the replica's ${jump.field} ${jump.theirs} is beyond what any use of the mailbox explains: ${jump.ours} here, at most ${jump.most} expected`,
    {
      phase: 'compare',
      mailbox,
      hint: 'nothing was changed on either side; if the mailbox on the replica is damaged, remove it there and run again',
    },
  );
}
