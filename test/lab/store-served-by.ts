import { tmpdir } from 'node:os';
import type { ByteString } from '../../src/byte-string.ts';
import { takeMatching } from '../../src/coordinator/pool/take-matching.ts';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type { MasterSession } from '../../src/protocol/replica-session.ts';
import { runMailboxes } from '../../src/replicate/jobs/run-mailboxes.ts';
import { runUser } from '../../src/replicate/jobs/run-user.ts';
import type { MasterStore } from '../../src/store/master-store.ts';
import type { NameRules } from '../../src/store/paths/mailbox-name.ts';
import { openRemoteStore, type RemoteParts } from '../../src/store/remote/open-remote-store.ts';
import type { EngineScene } from './engine-scene.ts';
import { settingsFor } from './settings.ts';

export const RULES: NameRules = {
  defaultdomain: 'internal',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
  virtdomains: 'off',
};

/** Brings everything that a store has to the scene's replica, as a run of everybody does. */
export async function replicateAll(scene: EngineScene, store: MasterStore): Promise<void> {
  const context = await scene.context({ store });
  await store.refresh({ everybody: true });
  const shared: ByteString[] = [];
  for (const each of [...store.enumerate()]) {
    if (each.kind === 'user') await runUser(context, each.userid);
    if (each.kind === 'shared') shared.push(each.name);
  }
  await runMailboxes(context, [''], shared);
}

/**
 * The scene's replica as the master: everything is asked of it.
 *
 * @param through stands between the store and its sessions
 */
export function storeServedBy(
  scene: EngineScene,
  changes: Partial<RemoteParts> = {},
  through: (session: MasterSession) => MasterSession = (session) => session,
): MasterStore {
  const names = (): ByteString[] => Object.keys(scene.replica.inspect().mailboxes);
  const connect = async (): Promise<MasterSession> => {
    const settings = settingsFor(scene.replica.server, {
      tryImap: false,
      authname: undefined,
      password: undefined,
      compression: { mode: 'off', level: undefined },
    });
    return through(await connectReplica(settings));
  };
  const locked = new Set<ByteString>();
  const lock = (name: string): Disposable | undefined => {
    if (locked.has(name)) return undefined;
    locked.add(name);
    return { [Symbol.dispose]: () => void locked.delete(name) };
  };
  return openRemoteStore({
    rules: RULES,
    mayWrite: false,
    sieveFolder: '#sieve',
    connect,
    list: async (patterns, take) => takeMatching(names(), RULES, patterns, take),
    mostSessions: 2,
    temporaryDirectory: tmpdir(),
    locks: { trySyncLock: (_server, userid) => lock(userid), tryQuotaRootLock: () => lock('*quota*') },
    ...changes,
  });
}
