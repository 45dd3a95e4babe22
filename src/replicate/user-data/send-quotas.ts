import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota } from '../../protocol/replica-session.ts';
import type { QuotaEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { planQuotas } from './plan-quotas.ts';

/**
 * Sends the limits that differ without waiting for each answer, and returns when all have come.
 *
 * @param replica quotas that it has, or may have: removing one that is gone does nothing
 */
export async function sendQuotas(
  context: Pick<EngineContext, 'session' | 'store' | 'emit'>,
  roots: Iterable<ByteString>,
  replica: readonly ReplicaQuota[],
  failures: Failures,
): Promise<void> {
  const ours = new Map<ByteString, QuotaEntry | undefined>();
  for (const root of new Set([...roots, ...replica.map(({ root }) => root)])) {
    // Without an entry of its own a root is left alone.
    await failures.read('quota', async () => ours.set(root, await context.store.quota(root)), undefined);
  }
  const plan = planQuotas(ours, replica);
  await failures.each('quota', context.session, [...plan.set, ...plan.remove], (quota) =>
    typeof quota === 'string' ? unset(context, quota) : set(context, quota),
  );
}

/** Sends the limits of one root without asking what the replica has: one command instead of two (algorithm 8.1). */
export async function sendQuota(
  context: Pick<EngineContext, 'session' | 'store' | 'emit'>,
  root: ByteString,
): Promise<void> {
  const quota = await context.store.quota(root);
  await (quota ? set(context, quota) : unset(context, root));
}

type Commands = Pick<EngineContext, 'session' | 'emit'>;

function set({ session, emit }: Commands, quota: QuotaEntry): Promise<void> {
  emit({ kind: 'command:quota', root: quota.root });
  return session.applyQuota(quota, quota.modseq);
}

function unset({ session, emit }: Commands, root: ByteString): Promise<void> {
  emit({ kind: 'command:unquota', root });
  return session.applyUnquota(root);
}
