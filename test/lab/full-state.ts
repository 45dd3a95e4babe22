import assert from 'node:assert/strict';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type {
  ReplicaMailbox,
  ReplicaSession,
  ReplicaUser,
  WireRecord,
} from '../../src/protocol/replica-session.ts';
import { differences } from './assert-same-mail.ts';
import { ADMIN, type CyrusServer, PASSWORD, type Pair } from './cyrus-server.ts';
import { settingsFor } from './settings.ts';

/** All that a server says of a user to another server: what IMAP clients never see is in it too. */
export interface FullState extends Omit<ReplicaUser, 'mailboxes' | 'quotas' | 'seen'> {
  mailboxes: Record<string, FullMailbox>;
  quotas: Record<string, ReplicaUser['quotas'][number]>;
  seen: Record<string, ReplicaUser['seen'][number]>;
}

interface FullMailbox extends ReplicaMailbox {
  /** By UID, expunged ones included. */
  records: Record<number, WireRecord>;
}

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
  return await connectReplica(settingsFor(target, { tryImap: false, authname: ADMIN, password: PASSWORD }));
}

async function stateOf(session: ReplicaSession, user: string): Promise<FullState> {
  const { mailboxes, quotas, seen, subscriptions, sieve } = await session.getUser(user);
  const full = mailboxes
    .filter(({ type }) => !type.includes('i'))
    .map(async ({ name }): Promise<[string, FullMailbox]> => {
      const records: Record<number, WireRecord> = {};
      const mailbox = await session.getFullMailbox(name, (record) => {
        records[record.uid] = record;
      });
      return [name, { ...mailbox, records }];
    });
  return {
    mailboxes: Object.fromEntries(await Promise.all(full)),
    quotas: Object.fromEntries(quotas.map((quota) => [quota.root, quota])),
    seen: Object.fromEntries(seen.map((entry) => [entry.uniqueid, entry])),
    subscriptions: subscriptions.toSorted(),
    sieve: sieve.toSorted((a, b) => (a.filename < b.filename ? -1 : 1)),
  };
}
