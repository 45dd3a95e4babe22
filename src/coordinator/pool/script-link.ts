import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { ScriptSession } from '../../replicate/engine.ts';

/** A connection's second session to the replica, for the few users whose scripts go by commands of their own. */
export interface ScriptLink extends ScriptSession {
  /** Takes leave, if it was ever needed. Never rejects. */
  close(): Promise<void>;
  cut(reason: Error): void;
}

/** Connects when first asked, and again if that link broke: an idle one the replica closes in time. */
export function scriptLink(connect: () => Promise<ReplicaSession>): ScriptLink {
  let session: ReplicaSession | undefined;
  let opening: Promise<ReplicaSession> | undefined;
  return {
    connect: async () => {
      if (session && !session.broken) return session;
      opening ??= connect().finally(() => {
        opening = undefined;
      });
      session = await opening;
      return session;
    },
    close: async () => {
      await opening?.catch(() => undefined);
      await session?.exit();
    },
    cut: (reason) => session?.destroy(reason),
  };
}
