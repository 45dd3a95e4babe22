import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { LocalMailbox } from './compare-mailbox.ts';

/**
 * Takes what could not be read of the master's side as the replica has it: so it is found equal and, if something else is
 * sent, repeated, and stays as it is there. Left out it would say "none", which for annotations is an order to remove them,
 * and for a counter a lower value.
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
