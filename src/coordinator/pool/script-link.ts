import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { ScriptSession } from '../../replicate/engine.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type Attempt, beginAttempt } from './begin-attempt.ts';

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
 * are kept as long as they last, so that the next one is with another process; others may be at work on them, too.
 */
export function scriptLink(connect: () => Promise<ReplicaSession>): ScriptLink {
  let session: ReplicaSession | undefined;
  let opening: Attempt<ReplicaSession> | undefined;
  /** Why there is no session any more. */
  let over: Error | undefined;
  const unfit = new Set<ReplicaSession>();
  const make = async (): Promise<ReplicaSession> => {
    session = await connect();
    if (over) session.destroy(over);
    return session;
  };
  const open = async (): Promise<ReplicaSession> => {
    if (over) throw over;
    if (session && !session.broken && !unfit.has(session)) return session;
    opening ??= beginAttempt(() =>
      make().finally(() => {
        opening = undefined;
      }),
    );
    return await opening.made;
  };
  // The replica closes an idle session in time, and its process is somebody else's then.
  const forgetEnded = (): void => {
    for (const each of unfit) if (each.broken) unfit.delete(each);
  };
  const end = (reason: Error): void => {
    over ??= reason;
    opening?.abandon(reason);
  };
  return {
    connect: async (fits) => {
      // Only before the search: one that meets none but sessions that end at once is to end, too.
      forgetEnded();
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
      const attempt = opening;
      end(new SyncError('CANCELLED', 'the session for scripts was given up', { retryable: true }));
      await attempt?.ended;
      await Promise.all([session, ...unfit].map((each) => each?.exit()));
    },
    cut: (reason) => {
      end(reason);
      for (const each of [session, ...unfit]) each?.destroy(reason);
    },
  };
}
