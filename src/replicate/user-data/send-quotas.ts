import type { ByteString } from '../../byte-string.ts';
import type { ReplicaQuota } from '../../protocol/replica-session.ts';
import type { QuotaEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { planQuotas } from './plan-quotas.ts';

type Commands = Pick<EngineContext, 'session' | 'store' | 'options' | 'quotaRootLock' | 'emit'>;

/**
 * Sends the limits that differ without waiting for each answer, and returns when all have come.
 *
 * @param replica quotas that it has, or may have: removing one that is gone does nothing
 */
export async function sendQuotas(
  context: Commands,
  roots: Iterable<ByteString>,
  replica: readonly ReplicaQuota[],
  failures: Failures,
): Promise<void> {
  const ours = new Map<ByteString, QuotaEntry | undefined>();
  for (const root of new Set([...roots, ...replica.map(({ root }) => root)])) {
    // Without an entry of its own a root is left alone.
    await failures.read('quota', async () => ours.set(root, await context.store.quota(root)), undefined);
  }
  const { set, remove } = planQuotas(ours, replica);
  const there = new Set(replica.map(({ root }) => root));
  const changed = set.filter(({ root }) => there.has(root));
  const rootsToChange = [...set.filter(({ root }) => !there.has(root)), ...remove];
  await failures.each('quota', context.session, changed, (quota) => limit(context, quota));
  if (rootsToChange.length === 0) return;
  using lock = await failures.read('quota', () => context.quotaRootLock.hold(context), undefined);
  if (!lock) return;
  await failures.each('quota', context.session, rootsToChange, (quota) =>
    typeof quota === 'string' ? unset(context, quota) : limit(context, quota),
  );
}

/**
 * Has the replica make a root.
 *
 * @param patienceMs how long to wait for others who have roots made
 */
export async function makeQuotaRoot(context: Commands, quota: QuotaEntry, patienceMs: number): Promise<void> {
  using _lock = await context.quotaRootLock.hold(context, patienceMs);
  await limit(context, quota);
}

/** Sends the limits of one root without asking what the replica has: one command instead of two (algorithm 8.1). */
export async function sendQuota(context: Commands, root: ByteString): Promise<void> {
  const quota = await context.store.quota(root);
  using _lock = await context.quotaRootLock.hold(context);
  await (quota ? limit(context, quota) : unset(context, root));
}

function limit({ session, emit }: Commands, quota: QuotaEntry): Promise<void> {
  emit({ kind: 'command:quota', root: quota.root });
  return session.applyQuota(quota, quota.modseq);
}

function unset({ session, emit }: Commands, root: ByteString): Promise<void> {
  emit({ kind: 'command:unquota', root });
  return session.applyUnquota(root);
}
