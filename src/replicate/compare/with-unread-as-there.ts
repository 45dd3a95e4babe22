import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { LocalMailbox } from './compare-mailbox.ts';

/**
 * The master's side with what could not be read of it taken as the replica has it: that is found equal and, if something
 * else is sent, said again, so that it stays as it is there. Left out it would say "none", which for annotations is an
 * order to remove them, and for a counter a lower one.
 */
export function withUnreadAsThere(
  { entry, state, annotations }: LocalMailbox,
  remote: ReplicaMailbox | undefined,
): LocalMailbox {
  if (state.unread.length === 0) return { entry, state, annotations };
  const unread = new Set(state.unread.map(({ part }) => part));
  return {
    entry,
    state: {
      ...state,
      xconvmodseq: unread.has('xconvmodseq') ? (remote?.xconvmodseq ?? 0) : state.xconvmodseq,
      raclmodseq: unread.has('raclmodseq') ? (remote?.raclmodseq ?? 0) : state.raclmodseq,
    },
    annotations: unread.has('annotations') ? (remote?.annotations ?? []) : annotations,
  };
}
