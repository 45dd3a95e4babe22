import { randomUUID } from 'node:crypto';
import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { EngineContext } from './engine.ts';
import type { FolderStep } from './folders.ts';
import { intermediateLine } from './mailbox-line.ts';

/** Octets of a uniqueid that Cyrus makes. */
const UNIQUEID_OCTETS = 24;

/**
 * Cyrus 3.6 keeps a user's subscriptions and seen state under the uniqueid of the INBOX, and what a rename leaves of the
 * old name on the replica has that uniqueid still: an UNUSER of the old name, whenever it comes, takes them from the
 * renamed user. So a row without storage is put there and removed again, which leaves a uniqueid of nobody.
 *
 * Only when the renames are done, and with the locks of both names: it would replace a mailbox of that name. A replica
 * that refuses it is older, and keeps personal data by name.
 */
export async function giveUpFormerNames(
  { store, session, options }: EngineContext,
  steps: readonly FolderStep[],
): Promise<void> {
  const isInbox = (name: ByteString): boolean => {
    const owner = store.ownerOf(name);
    return owner !== undefined && store.inboxName(owner) === name;
  };
  const commands = formerInboxes(steps, isInbox).flatMap((name) => {
    const row = {
      name,
      uniqueid: randomUUID().replaceAll('-', '').slice(0, UNIQUEID_OCTETS),
      type: 'ei',
      createdmodseq: 1,
      foldermodseq: 1,
    };
    const { local } = options;
    return [session.applyMailbox(intermediateLine(row, local), []), session.applyUnmailbox(name, local)];
  });
  for (const outcome of await Promise.allSettled(commands)) {
    if (outcome.status === 'rejected' && SyncError.from(outcome.reason).family !== 'refused')
      throw outcome.reason;
  }
}

/** Names of INBOXes that became another user's INBOX, if nothing else has taken them. */
export function formerInboxes(
  steps: readonly FolderStep[],
  isInbox: (name: ByteString) => boolean,
): ByteString[] {
  const renames = steps.filter((step) => step.kind === 'rename');
  const taken = new Set(renames.map((step) => step.newName));
  return renames
    .filter(({ oldName, newName }) => isInbox(oldName) && isInbox(newName) && !taken.has(oldName))
    .map(({ oldName }) => oldName);
}
