import type { ByteString } from '../byte-string.ts';
import type { ReplicaQuota, ReplicaUser, WireSeen } from '../protocol/replica-session.ts';
import { planQuotas, planSeen, planSieve, planSubscriptions } from '../replicate/engine.ts';
import type { Difference } from '../report/difference.ts';
import type { QuotaEntry, SeenEntry, SieveState } from '../store/master-store.ts';

/** The master's data of a user besides mailboxes. */
export interface UserData {
  subscriptions: readonly ByteString[];
  seen: readonly SeenEntry[];
  /** Limits of every root that either side names. */
  quota: ReadonlyMap<ByteString, QuotaEntry | undefined>;
}

/** The engine's own plans decide: what it would send differs. */
export function compareUserData(
  user: ByteString,
  master: UserData,
  replica: Pick<ReplicaUser, 'subscriptions' | 'seen' | 'quotas'>,
): Difference[] {
  const { add, remove } = planSubscriptions(master.subscriptions, replica.subscriptions);
  const seen = planSeen(master.seen, replica.seen);
  const quota = planQuotas(master.quota, replica.quotas);
  const seenThere = new Map(replica.seen.map((entry) => [entry.uniqueid, entry]));
  const quotaThere = new Map(replica.quotas.map((entry) => [entry.root, entry]));
  return [
    ...add.map((what): Difference => ({ kind: 'subscription', user, what, master: '', replica: undefined })),
    ...remove.map(
      (what): Difference => ({ kind: 'subscription', user, what, master: undefined, replica: '' }),
    ),
    ...seen.map(
      (entry): Difference => ({
        kind: 'seen',
        user,
        what: entry.uniqueid,
        master: seenText(entry),
        replica: seenText(seenThere.get(entry.uniqueid)),
      }),
    ),
    ...quota.set.map(
      (entry): Difference => ({
        kind: 'quota',
        user,
        what: entry.root,
        master: limits(entry),
        replica: limits(quotaThere.get(entry.root)),
      }),
    ),
    ...quota.remove.map(
      (root): Difference => ({
        kind: 'quota',
        user,
        what: root,
        master: undefined,
        replica: limits(quotaThere.get(root)),
      }),
    ),
  ];
}

/** Where scripts are not a mailbox that is compared like any other. */
export function compareScripts(
  user: ByteString,
  master: SieveState,
  replica: ReplicaUser['sieve'],
): Difference[] {
  const { upload, remove, activate } = planSieve(master, replica);
  const there = new Map(replica.map((script) => [script.filename, script.guid]));
  const active = replica.find((script) => script.active)?.filename;
  const scripts = [
    ...upload.map(
      ({ filename, guid }): Difference => ({
        kind: 'script',
        user,
        what: filename,
        master: guid,
        replica: there.get(filename),
      }),
    ),
    ...remove.map(
      (filename): Difference => ({
        kind: 'script',
        user,
        what: filename,
        master: undefined,
        replica: there.get(filename),
      }),
    ),
  ];
  if (activate === undefined || active === master.active) return scripts;
  return [...scripts, { kind: 'active-script', user, master: master.active ?? '', replica: active ?? '' }];
}

function seenText(entry: WireSeen | undefined): ByteString | undefined {
  return entry && `${entry.seenuids} to ${entry.lastuid} at ${entry.lastread}, ${entry.lastchange}`;
}

function limits(quota: ReplicaQuota | undefined): string | undefined {
  if (quota === undefined) return undefined;
  const { storage, messages, annotationStorage, folders } = quota;
  const named = { storage, messages, 'annotation-storage': annotationStorage, folders };
  const set = Object.entries(named).filter(([, limit]) => limit >= 0);
  return set.map(([name, limit]) => `${name} ${limit}`).join(', ') || 'no limits';
}
