import type { ByteString } from '../../byte-string.ts';
import type { ReplicaUser } from '../../protocol/replica-session.ts';
import type { SeenEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { emptySeen, planSeen } from './plan-seen.ts';

/**
 * Sends the seen state that differs without waiting for each answer, and returns when all have come.
 *
 * @param renewed the name was another user's before, whose seen state a replica that keeps it by name may have still
 */
export async function sendSeen(
  context: Pick<EngineContext, 'session' | 'store' | 'emit'>,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
  renewed: boolean,
): Promise<void> {
  const ours = await failures.read('seen', () => context.store.seen(userid), undefined);
  if (ours === undefined) return;
  const entries = [...planSeen(ours, replica.seen), ...(renewed ? emptySeen(ours, replica.seen) : [])];
  await failures.each('seen', context.session, entries, (entry) => sendSeenEntry(context, userid, entry));
}

/** Sends what one user has seen in one mailbox, whatever the replica has (algorithm 8.3). */
export function sendSeenEntry(
  { session, emit }: Pick<EngineContext, 'session' | 'emit'>,
  user: ByteString,
  entry: SeenEntry,
): Promise<void> {
  emit({ kind: 'command:seen', user, uniqueid: entry.uniqueid });
  return session.applySeen(user, entry);
}
