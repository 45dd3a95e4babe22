import type { ByteString } from '../../byte-string.ts';
import type { EngineContext } from '../connection/engine-context.ts';

/** Tells whether the user was deleted here, and nothing but the deleted mailboxes is left: the INBOX is one of them. */
export function wentToDeleted({ store }: EngineContext, userid: ByteString): boolean {
  const inbox = store.lookup(store.inboxName(userid));
  if (inbox?.deleted !== true) return false;
  const mailboxes = store.mailboxesOf(userid);
  return (
    mailboxes.every(({ inDeleted }) => inDeleted) &&
    mailboxes.some(({ uniqueid }) => uniqueid === inbox.uniqueid)
  );
}
