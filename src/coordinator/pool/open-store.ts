import { tmpdir } from 'node:os';
import { connectReplica } from '../../protocol/connect/connect-replica.ts';
import { listMailboxes } from '../../protocol/connect/list-mailboxes.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import type { MasterSession } from '../../protocol/replica-session.ts';
import type { EventListener } from '../../report/events.ts';
import { type ErrorCode, SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import { openMasterStore } from '../../store/open-master-store.ts';
import { openRemoteStore } from '../../store/remote/open-remote-store.ts';
import { ownLocks } from '../../store/remote/own-locks.ts';
import { MASTER_SESSIONS } from '../limits.ts';
import { listByTool } from './list-by-tool.ts';
import type { PoolSetup, PrivateEndpoint } from './messages.ts';
import { openPrivateSession } from './open-private-session.ts';
import { sessionOfMaster } from './session-of-master.ts';
import { takeMatching } from './take-matching.ts';
import { tellExposure } from './tell-exposure.ts';

/** The master as a thread reads it: the files of this host, or its own server. */
export function openStore(
  setup: PoolSetup,
  emit: EventListener,
  mayWrite = writesToMaster(setup),
): MasterStore {
  const { layout, from, master } = setup;
  const common = {
    rules: layout,
    mayWrite,
    sieveFolder: layout.sieveFolder,
    mostSessions: MASTER_SESSIONS,
    temporaryDirectory: tmpdir(),
  };
  const onThisHost = (endpoint: PrivateEndpoint): MasterStore => {
    return openRemoteStore({
      ...common,
      connect: () => openPrivateSession(endpoint, setup.connection, emit),
      list: async (patterns, take) => takeMatching(await listByTool(endpoint), layout, patterns, take),
      // Cyrus's own lock files, which need no database.
      locks: openMasterStore(layout),
    });
  };
  if (!from) {
    // It connects when the first mailbox needs it.
    return openMasterStore(layout, master.kind === 'private' ? onThisHost(master) : undefined);
  }
  if ('kind' in from) return onThisHost(from);
  return openRemoteStore({
    ...common,
    connect: () => connectMaster(from, emit),
    list: (patterns, take) => ofMaster(from, () => listMailboxes(from, patterns, take)),
    locks: ownLocks(from.server, tmpdir()),
  });
}

/** Comparing alone changes nothing on either side. */
function writesToMaster({ master, options: { noCopyback, verify } }: PoolSetup): boolean {
  if (master.kind === 'none' || noCopyback) return false;
  return verify === undefined || verify.after || verify.repair;
}

async function connectMaster(settings: ConnectionSettings, emit: EventListener): Promise<MasterSession> {
  const session = await ofMaster(settings, () => connectReplica(settings));
  tellExposure(session, emit);
  return sessionOfMaster(session, { name: settings.server, ending: async () => undefined });
}

/** Makes what goes wrong with a connection the master's. */
async function ofMaster<T>({ server }: ConnectionSettings, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (caught) {
    throw caught instanceof SyncError && caught.code === 'CONFIG'
      ? caught
      : cannotRead(SyncError.from(caught), server);
  }
}

/** Never of the family that says that the replica is gone. */
function cannotRead({ code, message, hint, retryable }: SyncError, server: string): SyncError {
  return new SyncError(code, `the master ${server} cannot be read: ${message}`, {
    family: 'local',
    phase: 'connect',
    hint: HINTS.get(code) ?? hint,
    retryable,
  });
}

/** The advice in a connection's own errors is for the replica. */
const HINTS: ReadonlyMap<ErrorCode, string> = new Map([
  [
    'AUTHENTICATION_FAILED',
    'the login at the master is master_user and master_password of the settings, or that at the replica',
  ],
  [
    'IMAP_REMOTE_DENIED',
    "log in with master_user and master_password as a user who is in the master's admins",
  ],
  ['HOST_NOT_FOUND', 'check the spelling of --from, and the name servers of this host'],
  ['CONNECT_FAILED', 'check --from: imapd usually listens on 143, sync_server on 2005'],
  ['CONNECT_TIMEOUT', 'check --from, and whether a firewall is in between'],
]);
