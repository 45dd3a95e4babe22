import type { ByteString } from '../../byte-string.ts';
import type { EngineContext } from '../connection/engine-context.ts';

/** Finds who had a mailbox of DELETED as the INBOX: its name is that of the INBOX, with a prefix and a time around it. */
export function formerInboxOf({ store }: EngineContext, name: ByteString): ByteString | undefined {
  const entry = store.lookup(name);
  if (!entry?.inDeleted || entry.userid === undefined) return undefined;
  // A domain stands before the prefix.
  const inbox = store.inboxName(entry.userid).replace(/^.*!/, '');
  return name.slice(0, name.lastIndexOf('.')).endsWith(`.${inbox}`) ? entry.userid : undefined;
}
