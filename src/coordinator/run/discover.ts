import type { ByteString } from '../../byte-string.ts';
import { patiently } from '../../store/files/patiently.ts';
import type { Estimate, MasterStore } from '../../store/master-store.ts';
import { SHARED_CHUNK } from '../limits.ts';
import type { Job } from '../pool/messages.ts';
import type { Chosen } from './choice.ts';
import type { RunMode } from './run-request.ts';

/** A job and the messages it is about, as far as the store can tell without opening anything; undefined: nobody has looked. */
export interface SizedJob {
  job: Job;
  size: number | undefined;
}

/** @returns whether the mode's jobs can only be told with the store */
export function needsStore(mode: RunMode): boolean {
  return (
    mode.kind === 'all' || mode.kind === 'mailboxes' || (mode.kind === 'users' && mode.userids.length > 1)
  );
}

const EVERYBODY: Chosen = { user: () => true, shared: () => true };

/**
 * The jobs of a run, one by one, so that the caller can pause between any two; none of them twice. `busy`: somebody else
 * has locked the mailbox list, and the caller has time for other work.
 *
 * @param store undefined only where `needsStore` says no
 */
export function* discover(
  mode: RunMode,
  store: MasterStore | undefined,
  chosen: Chosen = EVERYBODY,
): Generator<SizedJob | 'busy'> {
  switch (mode.kind) {
    case 'users':
      for (const userid of new Set(mode.userids)) {
        if (!chosen.user(userid)) continue;
        yield { job: { kind: 'user', userid }, size: store && sizeOf(() => store.estimate(userid)) };
      }
      break;
    case 'meta':
      for (const userid of new Set(mode.userids)) yield { job: { kind: 'meta', userid }, size: 0 };
      break;
    case 'mailboxes':
      if (mode.names.length > 0) yield* namedMailboxes(mode.names, store);
      break;
    case 'all':
      if (store) yield* everything(store, mode.prefix, chosen);
      break;
  }
}

function* everything(
  store: MasterStore,
  prefix: ByteString | undefined,
  chosen: Chosen,
): Generator<SizedJob | 'busy'> {
  let names: ByteString[] = [];
  let size = 0;
  for (const found of store.enumerate(prefix)) {
    if (found.kind === 'busy') {
      yield 'busy';
      continue;
    }
    if (found.kind === 'user') {
      const { userid, messages } = found;
      if (!chosen.user(userid)) continue;
      yield { job: { kind: 'user', userid }, size: messages };
      continue;
    }
    if (!chosen.shared(found.name)) continue;
    names.push(found.name);
    size += found.messages;
    if (names.length === SHARED_CHUNK) {
      yield { job: { kind: 'mailboxes', owners: [''], names }, size };
      names = [];
      size = 0;
    }
  }
  if (names.length > 0) yield { job: { kind: 'mailboxes', owners: [''], names }, size };
}

/** Users and mailboxes that the replica has and this store has not. */
export interface OnlyThere {
  users: Iterable<ByteString>;
  /** Internal names of shared mailboxes. */
  shared: Iterable<ByteString>;
}

/** The jobs of `-A` for what only the replica has. */
export function* jobsOnlyThere(
  { users, shared }: OnlyThere,
  mode: RunMode,
  store: Pick<MasterStore, 'inboxName'>,
  chosen: Chosen = EVERYBODY,
): Generator<SizedJob> {
  const prefix = (mode.kind === 'all' ? mode.prefix : undefined) ?? '';
  for (const userid of users) {
    if (!chosen.user(userid) || !store.inboxName(userid).startsWith(prefix)) continue;
    yield { job: { kind: 'user', userid }, size: 0 };
  }
  const names = [...shared].filter((name) => chosen.shared(name) && name.startsWith(prefix));
  for (let first = 0; first < names.length; first += SHARED_CHUNK) {
    const some = names.slice(first, first + SHARED_CHUNK);
    yield { job: { kind: 'mailboxes', owners: [''], names: some }, size: 0 };
  }
}

/** `-m`: one job, as renames among the names can only be seen together. */
function* namedMailboxes(
  wanted: readonly ByteString[],
  store: MasterStore | undefined,
): Generator<SizedJob | 'busy'> {
  const names = [...new Set(wanted)];
  const owners = new Set<ByteString>();
  let size = 0;
  for (const name of names) {
    const looking = patiently(() => store?.lookup(name));
    let next = looking.next();
    for (; !next.done; next = looking.next()) yield 'busy';
    const entry = next.value;
    // A name that the store does not know has nobody to lock; the job reports it as absent.
    if (!entry) continue;
    owners.add(entry.userid ?? '');
    size += sizeOf(() => store?.estimateMailbox(entry));
  }
  if (owners.size === 0) owners.add('');
  yield { job: { kind: 'mailboxes', owners: [...owners].sort(), names }, size };
}

function sizeOf(estimate: () => Estimate | undefined): number {
  try {
    return estimate()?.messages ?? 0;
  } catch {
    // Only the order of work hangs on this; the job itself meets the same fault and reports it.
    return 0;
  }
}
