import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { hasScriptFiles } from '../user-data/script-files.ts';
import type { RenameStep } from './give-up-names.ts';

/**
 * Finds the `#sieve` that each renamed user has left under the old name on the replica. A replica makes it of scripts that
 * are files here, so that no mailbox of the master's takes it along; it would stay there as a mailbox of nobody's.
 *
 * @param inboxes renames of INBOXes that the replica has made
 */
export async function scriptRenames(
  context: EngineContext,
  inboxes: readonly RenameStep[],
): Promise<RenameStep[]> {
  const { session, store, options } = context;
  if (!session.info.sieveMailbox) return [];
  const withFiles = inboxes.filter(({ newName }) => {
    const owner = store.ownerOf(newName);
    return owner !== undefined && hasScriptFiles(context, owner);
  });
  const wanted = withFiles.map((inbox) => ({
    inbox,
    oldName: `${inbox.oldName}.${options.sieveFolder}`,
    newName: `${inbox.newName}.${options.sieveFolder}`,
  }));
  if (wanted.length === 0) return [];
  const there = await session.getMailboxes(wanted.flatMap(({ oldName, newName }) => [oldName, newName]));
  const byName = new Map(there.map((mailbox) => [mailbox.name, mailbox]));
  await store.refresh({ uniqueids: there.map(({ uniqueid }) => uniqueid) });
  const isOfNobody = ({ uniqueid }: ReplicaMailbox): boolean => {
    const entry = store.lookupUniqueid(uniqueid);
    return entry === undefined || entry.deleted;
  };
  return wanted.flatMap(({ inbox, oldName, newName }) => {
    const mailbox = byName.get(oldName);
    if (!mailbox || byName.has(newName) || !isOfNobody(mailbox)) return [];
    const { partition = inbox.partition, uidvalidity } = mailbox;
    return [{ kind: 'rename', oldName, newName, partition, uidvalidity }];
  });
}
