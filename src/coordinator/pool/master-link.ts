import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { type MasterWriter, Stage } from '../../replicate/engine.ts';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterEndpoint } from './messages.ts';
import { type PrivateServer, startPrivateServer } from './private-server.ts';
import { type MasterName, sessionOfMaster } from './session-of-master.ts';
import { socketSettings } from './socket-settings.ts';
import { tellExposure } from './tell-exposure.ts';

/** A connection's way to the master's own server; connects when first asked, and again if that link broke. */
export interface MasterLink extends MasterWriter {
  close(): Promise<void>;
}

const HINT = 'see the setting `master`; with `none` mailboxes that have diverged are only reported';

/** @returns undefined if the endpoint is `none` */
export function masterLink(
  endpoint: MasterEndpoint,
  replica: ConnectionSettings,
  connect: (settings: ConnectionSettings) => Promise<ReplicaSession>,
  emit: EventListener,
): MasterLink | undefined {
  if (endpoint.kind === 'none') return undefined;
  let server: PrivateServer | undefined;
  let opening: Promise<{ session: ReplicaSession; stage: Stage }> | undefined;

  const master: MasterName = {
    name: endpoint.kind === 'private' ? endpoint.program : endpoint.connection.server,
    ending: async () => await server?.ending(),
  };
  const open = async (): Promise<{ session: ReplicaSession; stage: Stage }> => {
    try {
      const connected = await connect(await settings());
      tellExposure(connected, emit);
      server?.hide();
      const session = sessionOfMaster(connected, master);
      return { session, stage: new Stage(session) };
    } catch (caught) {
      const error = SyncError.from(caught);
      const how = error.family === 'link' ? await master.ending() : undefined;
      await server?.stop();
      const end = how === undefined ? error.message : `it ended with ${how}`;
      // Never of the family that says the replica is gone.
      throw new SyncError('CONFLICT', `the master's own server (${master.name}) cannot be reached: ${end}`, {
        phase: 'connect',
        // What a connection's errors advise is for the replica.
        hint: (error.family === 'local' ? error.hint : undefined) ?? HINT,
        cause: caught,
      });
    }
  };
  const settings = async (): Promise<ConnectionSettings> => {
    if (endpoint.kind === 'server') return endpoint.connection;
    await server?.stop();
    server = startPrivateServer(endpoint, (line) => emit({ kind: 'master:said', line }));
    return socketSettings(replica, server.path);
  };

  return {
    connect: async () => {
      if (opening && (await opening.catch(() => undefined))?.session.broken !== false) opening = undefined;
      opening ??= open();
      return await opening;
    },
    close: async () => {
      const link = await opening?.catch(() => undefined);
      await link?.session.exit();
      await server?.stop();
    },
  };
}
