import type { ByteString } from '../byte-string.ts';
import type { ReplicaUser } from '../protocol/replica-session.ts';
import type { QuotaEntry } from '../store/master-store.ts';
import type { EngineContext } from './engine.ts';
import type { Failures } from './failures.ts';
import { compiledName, planSieve } from './sieve.ts';
import { planQuota, planSeen, planSubscriptions } from './user-data.ts';

type Part = Pick<EngineContext, 'session' | 'store' | 'emit'>;

/** Each sends its commands without waiting and returns when all are answered; refusals are collected. */
export async function sendSubscriptions(
  { session, store, emit }: Part,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('subscriptions', () => store.subscriptions(userid), undefined);
  if (ours === undefined) return;
  const plan = planSubscriptions(ours, replica.subscriptions);
  await failures.all('subscriptions', [
    ...plan.add.map((name) => {
      emit({ kind: 'command:sub', user: userid, name });
      return session.applySub(userid, name);
    }),
    ...plan.remove.map((name) => {
      emit({ kind: 'command:unsub', user: userid, name });
      return session.applyUnsub(userid, name);
    }),
  ]);
}

export async function sendSeen(
  { session, store, emit }: Part,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('seen', () => store.seen(userid), undefined);
  if (ours === undefined) return;
  await failures.all(
    'seen',
    planSeen(ours, replica.seen).map((seen) => {
      emit({ kind: 'command:seen', user: userid, uniqueid: seen.uniqueid });
      return session.applySeen(userid, seen);
    }),
  );
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
  await failures.all('quota', [
    ...plan.set.map((quota) => {
      emit({ kind: 'command:quota', root: quota.root });
      return session.applyQuota(quota, quota.modseq);
    }),
    ...plan.remove.map((root) => {
      emit({ kind: 'command:unquota', root });
      return session.applyUnquota(root);
    }),
  ]);
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
  const uploads = new Map(
    upload.map((script) => {
      emit({ kind: 'command:sieve', user: userid, filename: script.filename });
      const { filename, lastUpdate, content } = script;
      return [compiledName(filename), session.applySieve(userid, filename, lastUpdate, content)];
    }),
  );
  await failures.all('sieve', [...uploads.values()]);
  let activeStays = false;
  if (activate !== undefined) {
    const [own] = await Promise.allSettled([uploads.get(activate)]);
    const activated = own?.status === 'fulfilled' && (await failures.all('sieve', [setActive(activate)]));
    activeStays = !activated;
  }
  const active = replica.sieve.find((item) => item.active)?.filename;
  const removable = remove.filter((filename) => !activeStays || compiledName(filename) !== active);
  await failures.all(
    'sieve',
    removable.map((filename) => {
      emit({ kind: 'command:unsieve', user: userid, filename });
      return session.applyUnsieve(userid, filename);
    }),
  );

  function setActive(filename: ByteString): Promise<void> {
    if (filename !== '') {
      emit({ kind: 'command:activate-sieve', user: userid, filename });
      return session.applyActivateSieve(userid, filename);
    }
    emit({ kind: 'command:unactivate-sieve', user: userid });
    return session.applyUnactivateSieve(userid);
  }
}
