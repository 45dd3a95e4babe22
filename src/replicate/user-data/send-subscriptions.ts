import type { ByteString } from '../../byte-string.ts';
import type { ReplicaUser } from '../../protocol/replica-session.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { planSubscriptions } from './plan-subscriptions.ts';

/** Sends what differs without waiting for each answer, and returns when all have come; refusals are collected. */
export async function sendSubscriptions(
  context: Pick<EngineContext, 'session' | 'store' | 'emit'>,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('subscriptions', () => context.store.subscriptions(userid), undefined);
  if (ours === undefined) return;
  const plan = planSubscriptions(ours, replica.subscriptions);
  const removed = new Set(plan.remove);
  await failures.each('subscriptions', context.session, [...plan.add, ...removed], (name) =>
    sendSubscription(context, userid, name, !removed.has(name)),
  );
}

/** Sends one subscription, or its end, whatever the replica has. */
export function sendSubscription(
  { session, emit }: Pick<EngineContext, 'session' | 'emit'>,
  user: ByteString,
  name: ByteString,
  subscribed: boolean,
): Promise<void> {
  emit({ kind: subscribed ? 'command:sub' : 'command:unsub', user, name });
  return subscribed ? session.applySub(user, name) : session.applyUnsub(user, name);
}
