import { SyncError } from '../../report/sync-error.ts';
import type { CommandQueue } from '../command-queue.ts';
import { EXIT_TIMEOUT_MS } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import type { ReplicaSession, SessionInfo } from '../replica-session.ts';
import { controlCommands } from './control-commands.ts';
import { fetchCommands } from './fetch-commands.ts';
import { mailboxCommands } from './mailbox-commands.ts';
import { readCommands } from './read-commands.ts';
import { sieveCommands } from './sieve-commands.ts';
import { uploadCommands } from './upload-commands.ts';
import { userCommands } from './user-commands.ts';

/** The groups of commands put together over one queue. */
export function createSession(queue: CommandQueue, info: SessionInfo): ReplicaSession {
  return {
    ...readCommands(queue),
    ...fetchCommands(queue),
    ...uploadCommands(queue),
    ...mailboxCommands(queue),
    ...userCommands(queue),
    ...sieveCommands(queue),
    ...controlCommands(queue),
    info,
    get bytesInFlight() {
      return queue.octetsInFlight;
    },
    get broken() {
      return queue.broken;
    },
    window: () => queue.window(),
    exit: () => exit(queue),
    destroy: (reason) => queue.destroy(destroyReason(reason)),
  };
}

/** EXIT waits for its turn behind the commands in flight; its own answer is not waited for longer than EXIT_TIMEOUT_MS. */
async function exit(queue: CommandQueue): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await queue.close({ verb: 'EXIT', name: 'EXIT', result: () => {} }, () => {
      timer = setTimeout(
        () => queue.destroy(linkError('LINK_TIMEOUT', 'EXIT was not answered')),
        EXIT_TIMEOUT_MS,
      );
    });
  } catch {
    // The connection is gone either way, and that is all that was asked for.
  } finally {
    clearTimeout(timer);
  }
}

function destroyReason(reason: Error | undefined): SyncError {
  if (reason === undefined) return linkError('LINK_BROKEN', 'the connection was closed by this end');
  return SyncError.from(reason);
}
