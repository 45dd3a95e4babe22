import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { ScriptSession } from '../../replicate/engine.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Processes of the replica that may be met before one that fits: more than a client has connections. */
const MOST_UNFIT = 64;

/** A connection's second session to the replica, for the few users whose scripts go by commands of their own. */
export interface ScriptLink extends ScriptSession {
  /** Takes leave, if it was ever needed. Never rejects. */
  close(): Promise<void>;
  cut(reason: Error): void;
}

/**
 * Connects when first asked, and again if that link broke: an idle one the replica closes in time. Sessions that do not fit
 * are kept until the end, so that the next one is with another process; others may be at work on them, too.
 */
export function scriptLink(connect: () => Promise<ReplicaSession>): ScriptLink {
  let session: ReplicaSession | undefined;
  let opening: Promise<ReplicaSession> | undefined;
  const unfit = new Set<ReplicaSession>();
  const open = async (): Promise<ReplicaSession> => {
    if (session && !session.broken && !unfit.has(session)) return session;
    opening ??= connect().finally(() => {
      opening = undefined;
    });
    session = await opening;
    return session;
  };
  return {
    connect: async (fits) => {
      while (unfit.size < MOST_UNFIT) {
        const opened = await open();
        if (fits === undefined || (await fits(opened))) return opened;
        unfit.add(opened);
      }
      throw new SyncError('REPLICA_BUSY', `none of ${MOST_UNFIT} processes of the replica lists scripts`, {
        family: 'refused',
        phase: 'sieve',
        hint: 'Another client has left SIEVE-MAILBOX enabled in them: restart imapd there, or replicate over csync',
      });
    },
    close: async () => {
      await opening?.catch(() => undefined);
      await Promise.all([session, ...unfit].map((each) => each?.exit()));
    },
    cut: (reason) => {
      for (const each of [session, ...unfit]) each?.destroy(reason);
    },
  };
}
