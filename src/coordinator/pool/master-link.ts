import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { type MasterWriter, Stage } from '../../replicate/engine.ts';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type Attempt, beginAttempt } from './begin-attempt.ts';
import type { MasterEndpoint } from './messages.ts';
import { type PrivateServer, startPrivateServer } from './private-server.ts';
import { type MasterName, sessionOfMaster } from './session-of-master.ts';
import { socketSettings } from './socket-settings.ts';
import { tellExposure } from './tell-exposure.ts';

/** A connection's way to the master's own server; connects when first asked, and again if that link broke. */
export interface MasterLink extends MasterWriter {
  /** Takes leave, if it was ever needed. Never rejects. */
  close(): Promise<void>;
  /** Whatever waits for an answer fails at once. */
  cut(reason: SyncError): void;
}

const HINT = 'see the setting `master`; with `none` mailboxes that have diverged are only reported';

/** A session, with the server that was started for it. */
interface Opened {
  session: ReplicaSession;
  stage: Stage;
  server: PrivateServer | undefined;
}

/** @returns undefined if the endpoint is `none` */
export function masterLink(
  endpoint: MasterEndpoint,
  replica: ConnectionSettings,
  connect: (settings: ConnectionSettings) => Promise<ReplicaSession>,
  emit: EventListener,
): MasterLink | undefined {
  if (endpoint.kind === 'none') return undefined;
  const name = endpoint.kind === 'private' ? endpoint.program : endpoint.connection.server;
  let opening: Attempt<Opened> | undefined;
  let latest: Opened | undefined;
  /** Why there is no session any more. */
  let over: SyncError | undefined;

  const open = async (): Promise<Opened> => {
    await latest?.server?.stop();
    // Each attempt knows its own server alone: jobs may still be finding out how the one before has ended.
    let server: PrivateServer | undefined;
    const master: MasterName = { name, ending: async () => await server?.ending() };
    try {
      let settings: ConnectionSettings;
      if (endpoint.kind === 'private') {
        server = startPrivateServer(endpoint, (line) => emit({ kind: 'master:said', line }));
        settings = socketSettings(replica, server.path);
      } else {
        settings = endpoint.connection;
      }
      const connected = await connect(settings);
      server?.hide();
      if (over) connected.destroy(over);
      else tellExposure(connected, emit);
      const session = sessionOfMaster(connected, master);
      latest = { session, stage: new Stage(session), server };
      return latest;
    } catch (caught) {
      const error = SyncError.from(caught);
      const how = error.family === 'link' ? await master.ending() : undefined;
      await server?.stop();
      const end = how === undefined ? error.message : `it ended with ${how}`;
      // Never of the family that says the replica is gone.
      throw new SyncError('CONFLICT', `the master's own server (${name}) cannot be reached: ${end}`, {
        phase: 'connect',
        // What a connection's errors advise is for the replica.
        hint: (error.family === 'local' ? error.hint : undefined) ?? HINT,
        retryable: error.retryable,
        cause: caught,
      });
    }
  };
  const end = (reason: SyncError): void => {
    over ??= reason;
    opening?.abandon(reason);
  };

  return {
    connect: async () => {
      const seen = opening;
      const known = await seen?.made.catch(() => undefined);
      if (over) throw over;
      // Several jobs may have seen that it broke, and the first to come here begins anew for all of them.
      if (opening === seen && known?.session.broken !== false) opening = undefined;
      opening ??= beginAttempt(open);
      return await opening.made;
    },
    close: async () => {
      end(new SyncError('CANCELLED', "the way to the master's own server was given up", { retryable: true }));
      await opening?.ended;
      await latest?.session.exit();
      await latest?.server?.stop();
    },
    cut: (reason) => {
      end(reason);
      latest?.session.destroy(reason);
    },
  };
}
