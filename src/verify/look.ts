import type { ByteString } from '../byte-string.ts';
import type { ReplicaMailbox, ReplicaUser } from '../protocol/replica-session.ts';
import {
  canBeOpened,
  type EngineContext,
  hasInbox,
  type LocalMailbox,
  listingSession,
  takesType,
  userThere,
  withCountedChecksums,
  withUnreadAsThere,
} from '../replicate/engine.ts';
import type { Difference } from '../report/difference.ts';
import { SyncError } from '../report/sync-error.ts';
import type { LockedMailbox, MailboxEntry, QuotaEntry } from '../store/master-store.ts';
import { compareIntermediate, compareNumbers } from './compare-numbers.ts';
import { compareQuotaRoots } from './compare-quota-roots.ts';
import { compareScripts, compareUserData } from './compare-user-data.ts';
import { lookAtFiles } from './look-at-files.ts';
import { lookAtRecords } from './look-at-records.ts';
import type { Pair } from './pair.ts';

/** Mailboxes read under one lock of their owner, who cannot change anything meanwhile: some milliseconds. */
const PEEKED_TOGETHER = 64;

/** Both sides, the replica first: what the master changes in between is found different, and looked at again. */
export interface Look {
  differences: Difference[];
  /** Both have them, whether or not they are the same. */
  pairs: Pair[];
  /** Neither side has anything of it. */
  nothing: boolean;
}

/** Everything of one user. */
export async function lookAtUser(
  context: EngineContext,
  user: ByteString,
  isDeep: (mailbox: MailboxEntry) => boolean,
): Promise<Look> {
  const differences: Difference[] = [];
  const { store } = context;
  const replica = await userThere(context, user, (mailbox, error) =>
    differences.push(unusable(user, mailbox, error)),
  );
  await store.refresh({ users: [user] });
  const isScriptMailbox = (name: ByteString): boolean =>
    name === `${store.inboxName(user)}.${context.options.sieveFolder}`;
  const ours = replicatedEntries(context, store.mailboxesOf(user));
  // A `#sieve` that only the replica has is made of the scripts that are files here.
  const scripts = ours.some(({ name }) => isScriptMailbox(name)) ? undefined : store.scriptFiles(user);
  const scriptsAreFiles = scripts !== undefined && scripts.source === 'directory';
  const theirs = replica.mailboxes.filter(({ name }) => !(scriptsAreFiles && isScriptMailbox(name)));

  const mailboxes = await compareMailboxes(context, user, ours, theirs);
  differences.push(...mailboxes.differences, ...replicaOnly(context, user, theirs, mailboxes.pairs));
  differences.push(...(await lookDeeper(context, mailboxes.pairs, isDeep)));
  if (hasInbox(context, user)) {
    const data = await userData(context, user, replica, mailboxes.roots);
    differences.push(...compareUserData(user, data, replica));
    differences.push(...compareQuotaRoots(mailboxes.pairs, mailboxes.roots, data.quota, replica.quotas));
    differences.push(...(await scriptDifferences(context, user, replica, scriptsAreFiles)));
  }
  const nothing = ours.length === 0 && theirs.length === 0;
  return { differences, pairs: mailboxes.pairs, nothing };
}

/** The mailboxes named, and nothing else of their owners. */
export async function lookAtMailboxes(
  context: EngineContext,
  names: readonly ByteString[],
  isDeep: (mailbox: MailboxEntry) => boolean,
): Promise<Look> {
  const { store, session } = context;
  const differences: Difference[] = [];
  const openable = names.filter((name) => canBeOpened(context, name));
  const theirs = await session.getMailboxes(openable, (mailbox, error) =>
    differences.push(unusable(store.ownerOf(mailbox) ?? '', mailbox, error)),
  );
  await store.refresh({ names });
  const live = names.flatMap((name) => {
    const entry = store.lookup(name);
    return entry && !entry.deleted ? [entry] : [];
  });
  const ours = replicatedEntries(context, live);
  const { differences: found, pairs } = await compareMailboxes(context, undefined, ours, theirs);
  differences.push(...found, ...(await lookDeeper(context, pairs, isDeep)));
  for (const remote of theirs) {
    differences.push(...replicaOnly(context, store.ownerOf(remote.name) ?? '', [remote], pairs));
  }
  return { differences, pairs, nothing: live.length === 0 && theirs.length === 0 };
}

/** Message by message, one mailbox after the other: each is as much as its messages are. */
async function lookDeeper(
  context: EngineContext,
  pairs: readonly Pair[],
  isDeep: (mailbox: MailboxEntry) => boolean,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const pair of pairs) {
    if (pair.entry.intermediate || pair.remote.type.includes('i') || !isDeep(pair.entry)) continue;
    const records = await lookAtRecords(context, pair);
    const named = new Set(records.map(({ uid }) => uid));
    const files = await lookAtFiles(context, pair);
    differences.push(...records, ...files.filter(({ uid }) => !named.has(uid)));
  }
  return differences;
}

/** Those that a run would send. */
function replicatedEntries(context: EngineContext, entries: readonly MailboxEntry[]): MailboxEntry[] {
  const { listsIntermediates } = context.session.info;
  return entries.filter(({ type, name, inDeleted, intermediate }) => {
    if (!takesType(context, type)) return false;
    if (!listsIntermediates && intermediate) return false;
    // Cyrus made the name of a deleted folder longer than the replica, or Cyrus itself, can open.
    return !inDeleted || canBeOpened(context, name);
  });
}

/** @param user whose they all are; undefined: each is asked for its owner */
async function compareMailboxes(
  context: EngineContext,
  user: ByteString | undefined,
  entries: readonly MailboxEntry[],
  remotes: readonly ReplicaMailbox[],
): Promise<{ differences: Difference[]; pairs: Pair[]; roots: Map<ByteString, ByteString | undefined> }> {
  const byId = new Map(remotes.map((remote) => [remote.uniqueid, remote]));
  const byName = new Map(remotes.map((remote) => [remote.name, remote]));
  const differences: Difference[] = [];
  const roots = new Map<ByteString, ByteString | undefined>();
  const pairs: Pair[] = [];
  for (const entry of entries) {
    const sameName = byName.get(entry.name);
    const sameId = sameName?.uniqueid === entry.uniqueid ? sameName : byId.get(entry.uniqueid);
    const remote = sameId ?? sameName;
    if (remote) {
      pairs.push({ entry, remote });
      continue;
    }
    const owner = user ?? entry.userid ?? '';
    differences.push({ kind: 'mailbox', user: owner, mailbox: entry.name, master: '', replica: undefined });
  }
  for (let first = 0; first < pairs.length; first += PEEKED_TOGETHER) {
    const some = pairs.slice(first, first + PEEKED_TOGETHER);
    const real = some.map(({ entry }) => entry).filter((entry) => !entry.intermediate);
    const views = await context.store.peek(real);
    for (const { entry, remote } of some) {
      if (entry.intermediate) {
        differences.push(...compareIntermediate(entry, remote));
        continue;
      }
      const view = views.get(entry);
      let found = view && compareView(context, view, remote);
      if (view) roots.set(entry.name, view.state.quotaroot);
      // What one look at many shows to differ may yet be a stale checksum of ours.
      if (!view || found?.length !== 0) {
        const read = await context.store.readMailbox(entry.name, (mailbox) => ({
          root: mailbox.state.quotaroot,
          found: compareDoubting(context, mailbox, remote),
        }));
        // Gone meanwhile: what was listed of it is looked at again.
        found = read ? read.found : goneHere(entry);
        if (read) roots.set(entry.name, read.root);
      }
      differences.push(...(found ?? []));
    }
  }
  return { differences, pairs, roots };
}

function compareView(context: EngineContext, view: LocalMailbox, remote: ReplicaMailbox): Difference[] {
  failIfUnread(view);
  return compareNumbers(withUnreadAsThere(view, remote), remote, context.options);
}

/** A checksum in the master's index is believed less than its records. */
function compareDoubting(
  context: EngineContext,
  mailbox: LockedMailbox,
  remote: ReplicaMailbox,
): Difference[] {
  const found = compareView(context, mailbox, remote);
  const doubtful = found.some(({ kind }) => kind === 'record-checksum' || kind === 'annotation-checksum');
  if (!doubtful) return found;
  const counted = withCountedChecksums(mailbox, withUnreadAsThere(mailbox, remote), remote);
  return compareNumbers(counted, remote, context.options);
}

/** A mailbox that cannot be read here proves nothing. @throws SyncError */
function failIfUnread({ entry, state }: LocalMailbox): void {
  const [part] = state.unread;
  if (part) throw part.error.within({ mailbox: entry.name, phase: 'compare' });
}

function goneHere({ name, userid }: MailboxEntry): Difference[] {
  return [{ kind: 'mailbox', user: userid ?? '', mailbox: name, master: undefined, replica: '' }];
}

/** A DELETED mailbox that is no longer here goes from the replica by the replica's own cyr_expire. */
function replicaOnly(
  { store }: EngineContext,
  user: ByteString,
  remotes: readonly ReplicaMailbox[],
  pairs: readonly Pair[],
): Difference[] {
  const paired = new Set(pairs.map(({ remote }) => remote));
  const inbox = store.inboxName(user);
  const isLive = (name: ByteString): boolean => user === '' || name === inbox || name.startsWith(`${inbox}.`);
  return remotes
    .filter((remote) => !paired.has(remote) && isLive(remote.name))
    .map(({ name }) => ({ kind: 'mailbox', user, mailbox: name, master: undefined, replica: '' }));
}

async function userData(
  { store }: EngineContext,
  user: ByteString,
  replica: ReplicaUser,
  roots: ReadonlyMap<ByteString, ByteString | undefined>,
): Promise<Parameters<typeof compareUserData>[1]> {
  const quota = new Map<ByteString, QuotaEntry | undefined>();
  for (const root of new Set([...roots.values(), ...replica.quotas.map((entry) => entry.root)])) {
    if (root !== undefined) quota.set(root, await store.quota(root));
  }
  return { subscriptions: store.subscriptions(user), seen: store.seen(user), quota };
}

async function scriptDifferences(
  context: EngineContext,
  user: ByteString,
  replica: ReplicaUser,
  scriptsAreFiles: boolean,
): Promise<Difference[]> {
  const { store, session } = context;
  if (!session.info.sieveMailbox) return compareScripts(user, await store.sieve(user), replica.sieve);
  if (!scriptsAreFiles) return [];
  const there = await (await listingSession(context, user)).getMeta(user);
  return compareScripts(user, store.scriptFiles(user), there.sieve);
}

function unusable(user: ByteString, mailbox: ByteString, caught: SyncError): Difference {
  return {
    kind: 'unusable',
    user,
    mailbox,
    master: '',
    replica: SyncError.from(caught).message,
  };
}
