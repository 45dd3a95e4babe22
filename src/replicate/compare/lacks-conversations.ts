import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import {
  type CompareOptions,
  compareMailbox,
  countsConversations,
  type LocalMailbox,
} from './compare-mailbox.ts';

/**
 * Tells whether nothing is wrong with a mailbox but that the replica counts no conversations of it. A server whose
 * `conversations.db` of the user is damaged takes the counter again and again, answers OK and keeps nothing of it, as one
 * does that has conversations off.
 */
export function lacksConversations(
  local: LocalMailbox,
  remote: ReplicaMailbox,
  options: CompareOptions,
): boolean {
  const { xconvmodseq } = local.state;
  if (remote.xconvmodseq !== 0 || xconvmodseq === 0 || !countsConversations(options, xconvmodseq))
    return false;
  return compareMailbox(local, { ...remote, xconvmodseq }, options).kind === 'unchanged';
}
