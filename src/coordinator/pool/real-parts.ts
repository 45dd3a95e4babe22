import { connectReplica } from '../../protocol/connect/connect-replica.ts';
import { runActions, runMailboxes, runMeta, runUser } from '../../replicate/engine.ts';
import type { EventListener } from '../../report/events.ts';
import type { MasterStore } from '../../store/master-store.ts';
import { PendingUsers } from '../../verify/pending-users.ts';
import { verify } from '../../verify/verify.ts';
import type { BatchRunnerParts } from './batch-runner.ts';
import { masterLink } from './master-link.ts';
import type { PoolSetup } from './messages.ts';
import { scriptLink } from './script-link.ts';

/** The store, the replica and the engine that a connection really works with. */
export function realParts(
  setup: PoolSetup,
  emit: EventListener,
  store: MasterStore,
  connect = connectReplica,
): BatchRunnerParts {
  return {
    setup,
    emit,
    store,
    connect: (listeners) => connect(setup.connection, listeners),
    scripts: scriptLink(() => connect({ ...setup.connection, sieveMailbox: false })),
    master: masterLink(setup.master, setup.connection, connect, emit),
    verify,
    pending: new PendingUsers(setup.options.verify?.logs ?? [], (name) => store.ownerOf(name)),
    engine: { runUser, runMeta, runMailboxes, runActions },
  };
}
