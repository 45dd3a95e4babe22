import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { InboxOf } from './renamed-users.ts';

/** The INBOX by the master's list, which is opened when somebody is looked up first. */
export function inboxBy(openStore: () => MasterStore): { inboxOf: InboxOf } & Disposable {
  let store: MasterStore | undefined;
  return {
    inboxOf: (userid) => {
      try {
        store ??= openStore();
        return store.lookup(store.inboxName(userid));
      } catch (caught) {
        // Whoever needs the user's mailboxes meets the same and reports it; here it only means that nobody is tied.
        if (caught instanceof SyncError) return undefined;
        throw caught;
      }
    },
    [Symbol.dispose]: () => store?.close(),
  };
}
