/**
 * The door of `protocol/session`. Here are the commands, a file for each kind of object: its encoder, its decoder, its
 * methods. They hand commands to the queue of `link` and know of no socket. Every field of an answer has been checked against
 * its grammar and range, and was asked for; a mailbox that cannot be used is told apart from an answer that cannot be read.
 */

import { SyncError } from '../../report/sync-error.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import { linkError } from '../link-errors.ts';
import type { MasterSession, SessionInfo } from '../replica-session.ts';
import { annotationCommands } from './annotation-commands.ts';
import { controlCommands } from './control-commands.ts';
import { mailboxCommands } from './mailbox-commands.ts';
import { messageCommands } from './message-commands.ts';
import { quotaCommands } from './quota-commands.ts';
import { seenCommands } from './seen-commands.ts';
import { sieveCommands } from './sieve-commands.ts';
import { subscriptionCommands } from './subscription-commands.ts';
import { userCommands } from './user-commands.ts';

/**
 * Puts the commands of all objects together over one queue. Each object has a file with its encoder, decoder and commands;
 * none of them knows of sockets or of the other objects' commands.
 */
export function createSession(queue: CommandQueue, info: SessionInfo): MasterSession {
  return {
    ...userCommands(queue, info),
    ...mailboxCommands(queue, info),
    ...messageCommands(queue),
    ...quotaCommands(queue),
    ...subscriptionCommands(queue),
    ...seenCommands(queue),
    ...annotationCommands(queue),
    ...sieveCommands(queue),
    ...controlCommands(queue),
    info,
    get broken() {
      return queue.broken;
    },
    get servedMs() {
      return queue.servedMs;
    },
    get wayMs() {
      return queue.wayMs;
    },
    get backlogMs() {
      return queue.backlogMs;
    },
    get storeMs() {
      return queue.storeMs;
    },
    get traffic() {
      return queue.traffic;
    },
    window: () => queue.window(),
    exit: () => exit(queue, info),
    destroy: (reason) => queue.destroy(destroyReason(reason)),
  };
}

/** EXIT waits for its turn behind the commands in flight. Its own answer would say nothing, and is not waited for. */
async function exit(queue: CommandQueue, { keepsWhatIsEnabled }: SessionInfo): Promise<void> {
  if (keepsWhatIsEnabled) {
    void queue.submit({ verb: 'UNAUTHENTICATE', name: 'UNAUTHENTICATE', result: () => {} });
  }
  try {
    await queue.close({ verb: 'EXIT', name: 'EXIT', result: () => {} });
  } catch {
    // The connection is gone either way, and that is all that was asked for.
  }
}

function destroyReason(reason: Error | undefined): SyncError {
  if (reason === undefined) return linkError('LINK_BROKEN', 'the connection was closed by this end');
  return SyncError.from(reason);
}
