import assert from 'node:assert/strict';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type {
  ReplicaMailbox,
  ReplicaSession,
  ReplicaUser,
  WireAnnotation,
  WireRecord,
} from '../../src/protocol/replica-session.ts';
import { ADMIN, type CyrusServer, PASSWORD, type Pair } from './cyrus-server.ts';
import { differences } from './differences.ts';
import { settingsFor } from './settings.ts';

/** A busy host takes its time. */
const PATIENCE_MS = 120_000;

/** All that a server says of a user to another server: what IMAP clients never see is in it too. */
export interface FullState extends UserState {
  mailboxes: Record<string, FullMailbox>;
}

/** Everything that is kept of a user beside mailboxes. */
export interface UserState extends Omit<ReplicaUser, 'mailboxes' | 'quotas' | 'seen'> {
  quotas: Record<string, ReplicaUser['quotas'][number]>;
  seen: Record<string, ReplicaUser['seen'][number]>;
}

/** Keywords are those of its records; which others a server remembers besides, and in which order, is its own affair. */
export interface FullMailbox extends Omit<ReplicaMailbox, 'annotations' | 'keywords'> {
  /** By UID, expunged ones included. */
  records: Record<number, FullRecord>;
  annotations: Record<string, WireAnnotation>;
}

/** Flags and annotations without an order: that in which a server tells them is its own affair. */
export interface FullRecord extends Omit<WireRecord, 'annotations'> {
  annotations: Record<string, WireAnnotation>;
}

/**
 * Below index versions 15 and 16 a mailbox has no room for the first two in its records and keeps them as annotations, with the
 * modseq of when they were written; one of a later version has none to tell. The third each server writes itself when a
 * conversation gets too long.
 */
const WITHOUT_MODSEQ = /^\/vendor\/cmu\/cyrus-imapd\/(?:savedate|createdmodseq|basethrid)$/;

/**
 * Both servers say the same of these users over the replication protocol, field by field: counters, checksums, every
 * record with its modseq and dates, expunged ones included, annotations, quota, subscriptions, seen state.
 *
 * @param ignored paths that are known to differ, as the failure prints them
 */
export async function assertSameState(
  pair: Pick<Pair, 'master' | 'replica'>,
  users: readonly string[],
  ignored: (path: string) => boolean = () => false,
): Promise<void> {
  const [here, there] = await Promise.all([fullState(pair.master, users), fullState(pair.replica, users)]);
  const lines = differences(here, there).filter((line) => {
    const path = line.slice(0, line.indexOf(': master '));
    return !ignored(path) && !isTimeOfScriptFile(pair.replica, path);
  });
  assert.deepEqual(lines, []);
  const mailboxes = Object.values(here).flatMap((user) => Object.values(user.mailboxes));
  assert.ok(
    mailboxes.some(({ records }) => Object.keys(records).length > 0),
    'the master holds no message at all',
  );
}

/** Up to 3.4 scripts are files, and have the time at which the replica wrote them. */
function isTimeOfScriptFile(replica: CyrusServer, path: string): boolean {
  return !replica.programs.isAtLeast(3, 6) && / > sieve > \d+ > lastUpdate$/.test(path);
}

export async function fullState(
  server: CyrusServer,
  users: readonly string[],
): Promise<Record<string, FullState>> {
  const session = await openSync(server);
  try {
    const states: Record<string, FullState> = {};
    for (const user of users) states[user] = await stateOf(session, user);
    return states;
  } finally {
    await session.exit();
  }
}

/** A connection to a server's own sync_server, as a replica's would be. */
export async function openSync(server: CyrusServer): Promise<ReplicaSession> {
  const target = `127.0.0.1:${server.syncPort}`;
  return await connectReplica(
    settingsFor(target, {
      tryImap: false,
      authname: ADMIN,
      password: PASSWORD,
      connectTimeoutMs: PATIENCE_MS,
      answerTimeoutMs: PATIENCE_MS,
    }),
  );
}

async function stateOf(session: ReplicaSession, user: string): Promise<FullState> {
  const { mailboxes, quotas, seen, subscriptions, sieve } = await session.getUser(user);
  const full = mailboxes
    .filter(({ type }) => !type.includes('i'))
    .map(async ({ name }): Promise<[string, FullMailbox]> => [name, await fullMailbox(session, name)]);
  return {
    mailboxes: Object.fromEntries(await Promise.all(full)),
    quotas: Object.fromEntries(quotas.map((quota) => [quota.root, quota])),
    seen: Object.fromEntries(seen.map((entry) => [entry.uniqueid, entry])),
    subscriptions: subscriptions.toSorted(),
    sieve: sieve.toSorted((a, b) => (a.filename < b.filename ? -1 : 1)),
  };
}

export async function fullMailbox(session: ReplicaSession, name: string): Promise<FullMailbox> {
  const records: FullMailbox['records'] = {};
  const { keywords: _keywords, ...mailbox } = await session.getFullMailbox(name, (record) => {
    const annotations = byEntry(record.annotations);
    records[record.uid] = { ...record, flags: record.flags.toSorted(), annotations };
  });
  return { ...mailbox, records, annotations: byEntry(mailbox.annotations) };
}

function byEntry(annotations: readonly WireAnnotation[]): Record<string, WireAnnotation> {
  const named = annotations.map((each): [string, WireAnnotation] => [
    `${each.entry} ${each.userid}`,
    WITHOUT_MODSEQ.test(each.entry) ? { ...each, modseq: 0 } : each,
  ]);
  return Object.fromEntries(named);
}
