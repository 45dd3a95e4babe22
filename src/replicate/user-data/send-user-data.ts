import type { ByteString } from '../../byte-string.ts';
import type { ReplicaUser } from '../../protocol/replica-session.ts';
import type { QuotaEntry } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { compiledName, planSieve } from './plan-sieve.ts';
import { planQuota, planSeen, planSubscriptions } from './plan-user-data.ts';

type Part = Pick<EngineContext, 'session' | 'store' | 'emit'>;

/** Each sends its commands without waiting for answers and returns when all have come; refusals are collected. */
export async function sendSubscriptions(
  { session, store, emit }: Part,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('subscriptions', () => store.subscriptions(userid), undefined);
  if (ours === undefined) return;
  const plan = planSubscriptions(ours, replica.subscriptions);
  const removed = new Set(plan.remove);
  await failures.each('subscriptions', session, [...plan.add, ...removed], (name) => {
    const gone = removed.has(name);
    emit({ kind: gone ? 'command:unsub' : 'command:sub', user: userid, name });
    return gone ? session.applyUnsub(userid, name) : session.applySub(userid, name);
  });
}

export async function sendSeen(
  { session, store, emit }: Part,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('seen', () => store.seen(userid), undefined);
  if (ours === undefined) return;
  await failures.each('seen', session, planSeen(ours, replica.seen), (seen) => {
    emit({ kind: 'command:seen', user: userid, uniqueid: seen.uniqueid });
    return session.applySeen(userid, seen);
  });
}

export async function sendQuota(
  { session, store, emit }: Part,
  roots: Iterable<ByteString>,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = new Map<ByteString, QuotaEntry | undefined>();
  for (const root of new Set([...roots, ...replica.quotas.map(({ root }) => root)])) {
    // Without an entry of its own a root is left alone.
    await failures.read('quota', () => ours.set(root, store.quota(root)), undefined);
  }
  const plan = planQuota(ours, replica.quotas);
  await failures.each('quota', session, [...plan.set, ...plan.remove], (quota) => {
    if (typeof quota === 'string') {
      emit({ kind: 'command:unquota', root: quota });
      return session.applyUnquota(quota);
    }
    emit({ kind: 'command:quota', root: quota.root });
    return session.applyQuota(quota, quota.modseq);
  });
}

/**
 * Only for a replica that does not replicate `#sieve` as a mailbox. In three steps, because each builds on the one before:
 * a script that was refused cannot become active, and what is active meanwhile has to stay, or mail would go unfiltered.
 */
export async function sendSieve(
  { session, store, emit }: Part,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('sieve', () => store.sieve(userid), undefined);
  if (ours === undefined) return;
  const { upload, activate, remove } = planSieve(ours, replica.sieve);
  const refused = new Set(upload.map(({ filename }) => compiledName(filename)));
  await failures.each('sieve', session, upload, async ({ filename, lastUpdate, content }) => {
    emit({ kind: 'command:sieve', user: userid, filename });
    await session.applySieve(userid, filename, lastUpdate, content);
    refused.delete(compiledName(filename));
  });
  let activeStays = false;
  if (activate !== undefined) {
    const activated = !refused.has(activate) && (await failures.all('sieve', [setActive(activate)]));
    activeStays = !activated;
  }
  const active = replica.sieve.find((item) => item.active)?.filename;
  const removable = remove.filter((filename) => !activeStays || compiledName(filename) !== active);
  await failures.each('sieve', session, removable, (filename) => {
    emit({ kind: 'command:unsieve', user: userid, filename });
    return session.applyUnsieve(userid, filename);
  });

  function setActive(filename: ByteString): Promise<void> {
    if (filename !== '') {
      emit({ kind: 'command:activate-sieve', user: userid, filename });
      return session.applyActivateSieve(userid, filename);
    }
    emit({ kind: 'command:unactivate-sieve', user: userid });
    return session.applyUnactivateSieve(userid);
  }
}
