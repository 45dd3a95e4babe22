import type { ByteString } from '../../byte-string.ts';
import { SUBSCRIPTION } from '../../grammar.ts';
import { encodeKvlist, encodeString } from '../dlist/encoders.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';
import { apply } from './apply.ts';
import { requireList, stringItems } from './fields.ts';

type SubscriptionCommands = Pick<ReplicaSession, 'applySub' | 'applyUnsub'>;

/** Subscriptions, one at a time (protocol 10.7). */
export function subscriptionCommands(queue: CommandQueue): SubscriptionCommands {
  const subscription =
    (command: 'SUB' | 'UNSUB'): ReplicaSession['applySub'] =>
    (userid, name) =>
      apply(queue, command, () =>
        encodeKvlist([
          ['USERID', encodeString(userid)],
          ['MBOXNAME', encodeString(name)],
        ]),
      );
  return { applySub: subscription('SUB'), applyUnsub: subscription('UNSUB') };
}

export function decodeSubscriptions(value: DlistValue): ByteString[] {
  return stringItems(requireList(value, 'LSUB'), 'LSUB', SUBSCRIPTION);
}
