import { randomUUID } from 'node:crypto';
import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import { intermediateLine } from '../compare/mailbox-line.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { FolderStep } from './plan-folders.ts';

/** Octets of a uniqueid that Cyrus makes. */
const UNIQUEID_OCTETS = 24;

/**
 * Takes the old names of renamed INBOXes from what they had. Cyrus 3.6 keeps what a user has besides mail (subscriptions,
 * seen state, scripts) under the uniqueid of the INBOX, and the row that a rename leaves under the old name on the replica
 * still has that uniqueid: an UNUSER of the old name, whenever it comes, takes all of it from the renamed user. So a row
 * without storage is put there and removed again, which leaves a uniqueid of nobody.
 *
 * The caller holds the locks of the users named. A replica that refuses it is older, and keeps such data by name.
 *
 * @param inboxes left alone where the replica has a mailbox of that name
 */
export async function giveUpNames(
  { session, options }: EngineContext,
  inboxes: readonly ByteString[],
): Promise<void> {
  if (inboxes.length === 0) return;
  const taken = new Set((await session.getMailboxes(inboxes)).map(({ name }) => name));
  const commands = inboxes
    .filter((name) => !taken.has(name))
    .flatMap((name) => {
      const uniqueid = randomUUID().replaceAll('-', '').slice(0, UNIQUEID_OCTETS);
      const row = { name, uniqueid, type: 'ei', createdmodseq: 1, foldermodseq: 1 };
      return [
        session.applyMailbox(intermediateLine(row, options.local), []),
        session.applyUnmailbox(name, options.local),
      ];
    });
  for (const outcome of await Promise.allSettled(commands)) {
    if (outcome.status === 'rejected' && SyncError.from(outcome.reason).family !== 'refused')
      throw outcome.reason;
  }
}

export type RenameStep = Extract<FolderStep, { kind: 'rename' }>;

/** Names of INBOXes that became another user's INBOX. */
export function formerInboxes(context: EngineContext, steps: readonly FolderStep[]): ByteString[] {
  return inboxRenames(context, steps).map(({ oldName }) => oldName);
}

/** Renames of an INBOX to another user's. */
export function inboxRenames({ store }: EngineContext, steps: readonly FolderStep[]): RenameStep[] {
  const isInbox = (name: ByteString): boolean => {
    const owner = store.ownerOf(name);
    return owner !== undefined && store.inboxName(owner) === name;
  };
  return steps
    .filter((step) => step.kind === 'rename')
    .filter(({ oldName, newName }) => isInbox(oldName) && isInbox(newName));
}
