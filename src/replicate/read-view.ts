import type { ByteString } from '../byte-string.ts';
import type { MailboxView, MasterStore } from '../store/master-store.ts';

/** All of a mailbox but its messages; undefined if it is gone. */
export async function readView(store: MasterStore, name: ByteString): Promise<MailboxView | undefined> {
  return await store.readMailbox(name, ({ entry, state, annotations }) => ({ entry, state, annotations }));
}
