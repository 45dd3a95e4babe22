import type { ReplicaSession } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';

/** The master's own server, for messages. */
export interface MasterName {
  /** Its program, or where it is. */
  name: string;
  /** How it ended by itself, if it has. */
  ending(): Promise<string | undefined>;
}

/**
 * Makes the failures of a session those of the master's own server: a broken link says nothing about the replica
 * then, and a refusal is not the replica's.
 */
export function sessionOfMaster<Session extends ReplicaSession>(
  session: Session,
  master: MasterName,
): Session {
  return new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch(async (caught: unknown) => {
          throw await errorOfMaster(SyncError.from(caught), master);
        });
      };
    },
  });
}

/** Never of the family that says that the replica is gone. */
export async function errorOfMaster(error: SyncError, { name, ending }: MasterName): Promise<SyncError> {
  const { phase, user, mailbox, alsoMailboxes, hint, retryable } = error;
  const fields = { phase, user, mailbox, alsoMailboxes, cause: error };
  if (error.family === 'link') {
    const how = await ending();
    const end = how === undefined ? error.message : `it ended with ${how}`;
    return new SyncError('MASTER_SERVER_LOST', `the master's own server (${name}) was lost: ${end}`, {
      ...fields,
      hint: "see the master's log; with master = none mailboxes that have diverged are only reported",
      retryable: true,
    });
  }
  if (error.family !== 'refused') return error;
  return new SyncError(error.code, `the master's own server (${name}): ${error.message}`, {
    ...fields,
    family: 'refused',
    hint: hint === undefined ? "see the master's log" : `${hint}; it is the master's own server that says so`,
    retryable,
  });
}
