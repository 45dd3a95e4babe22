import type { ByteString } from '../byte-string.ts';
import type { MailboxEntry } from '../store/master-store.ts';
import type { EngineContext } from './engine.ts';

/** Renames change what the replica reports, and a live master moves on: look again, but not for ever. */
export const ROUNDS = 3;

export function hasInbox(context: EngineContext, userid: ByteString): boolean {
  const inbox = context.store.lookup(context.store.inboxName(userid));
  return inbox !== undefined && !inbox.deleted && !inbox.intermediate;
}

/** Without SIEVE-MAILBOX the replica refuses `#sieve`, and scripts go by their own commands. */
export function isReplicated(context: EngineContext, entry: MailboxEntry): boolean {
  return context.session.info.sieveMailbox || !entry.type.includes('f');
}
