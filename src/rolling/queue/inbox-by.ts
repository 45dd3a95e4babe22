import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { InboxOf } from './renamed-users.ts';

/**
 * The INBOX by the master's list, which is opened when somebody is looked up first. Never throws: whoever asks has lines in
 * hand that are nowhere else yet.
 */
export function inboxBy(
  openStore: () => MasterStore,
  emit: EventListener,
): { inboxOf: InboxOf } & Disposable {
  let store: MasterStore | undefined;
  let told: string | undefined;
  return {
    inboxOf: (userid) => {
      try {
        store ??= openStore();
        return store.lookup(store.inboxName(userid));
      } catch (caught) {
        // Whoever needs the user's mailboxes meets the same and reports it; here it only means that nobody is tied.
        if (caught instanceof SyncError) return undefined;
        const error = SyncError.from(caught, { phase: 'read' }).toData();
        // Nobody else is known to meet this. All whom a log names are looked up, and one word on it is enough.
        if (told !== error.message) emit({ kind: 'rolling:file-failed', error });
        told = error.message;
        return undefined;
      }
    },
    [Symbol.dispose]: () => store?.close(),
  };
}
