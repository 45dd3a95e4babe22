import { SyncError } from '../../report/sync-error.ts';
import { whileNamespaceLocked } from '../files/while-namespace-locked.ts';
import { isOpenable } from '../mailbox-list/is-openable.ts';
import type { MailboxList, RowWithInbox } from '../mailbox-list/mailbox-list.ts';
import type { MailboxEntry, MailboxState, MailboxView } from '../master-store.ts';
import { namespaceOwner, userLockPaths } from '../paths/lock-paths.ts';
import { metaPath } from '../paths/mailbox-paths.ts';
import type { StoreLayout } from '../paths/store-layout.ts';
import { readIndexHeader } from './index-file.ts';
import { isMarkedDeleted } from './index-header.ts';
import type { MailboxStates } from './mailbox-states.ts';
import { readCyrusHeader } from './read-cyrus-header.ts';

/** While an owner is at work, a look at all mailboxes together is not worth a longer wait. */
const PEEK_DEADLINE_MS = 100;

/**
 * Reads mailboxes of one owner under the user lock alone. Since 3.4 whoever changes anything of a mailbox, its index or
 * its place, holds that lock exclusively (store 11.2), so that a shared one freezes all of them; for a single
 * mailbox, locks of its own are needed only to go on reading after the user lock was dropped.
 */
export class MailboxPeeker {
  readonly #layout: StoreLayout;
  readonly #list: MailboxList;
  readonly #states: MailboxStates;

  constructor(layout: StoreLayout, list: MailboxList, states: MailboxStates) {
    this.#layout = layout;
    this.#list = list;
    this.#states = states;
  }

  /** See MasterStore.peek. */
  async peek(listed: readonly MailboxEntry[]): Promise<ReadonlyMap<MailboxEntry, MailboxView>> {
    const owner = this.#owner(listed);
    // Older stores, keyed by name, belong to servers that may know no user lock.
    if (owner === undefined || this.#list.keying() !== 'by-record') return new Map();
    const locks = userLockPaths(this.#layout, owner);
    try {
      return await whileNamespaceLocked(locks, PEEK_DEADLINE_MS, () => this.#views(listed));
    } catch (caught) {
      if (caught instanceof SyncError && caught.code === 'LOCK_TIMEOUT') return new Map();
      throw caught;
    }
  }

  #owner(listed: readonly MailboxEntry[]): string | undefined {
    const owners = new Set(listed.map(({ name }) => namespaceOwner(this.#layout, name)));
    const [owner] = owners;
    return owners.size === 1 ? owner : undefined;
  }

  #views(listed: readonly MailboxEntry[]): Map<MailboxEntry, MailboxView> {
    const found: { entry: MailboxEntry; state: MailboxState }[] = [];
    const rows = this.#list.lookupAllWithInbox(listed.map(({ name }) => name));
    for (const [i, entry] of listed.entries()) {
      const row = rows[i];
      if (!row?.entry || !isSameRow(row.entry, entry) || !isOpenable(entry)) continue;
      const state = this.#state(entry, row);
      if (state !== undefined) found.push({ entry, state });
    }
    return new Map(this.#states.viewsOf(found).map((view) => [view.entry, view]));
  }

  #state(entry: MailboxEntry, row: RowWithInbox): MailboxState | undefined {
    try {
      const index = readIndexHeader(metaPath(this.#layout, entry, 'index'), entry.name);
      if (index === undefined || isMarkedDeleted(index)) return undefined;
      return this.#states.stateOf(entry, index, readCyrusHeader(this.#layout, entry), row);
    } catch (caught) {
      // Opening it fails in the same way, and says so of this mailbox.
      if (caught instanceof SyncError) return undefined;
      throw caught;
    }
  }
}

function isSameRow(now: MailboxEntry, listed: MailboxEntry): boolean {
  return (
    now === listed ||
    (now.uniqueid === listed.uniqueid &&
      now.partition === listed.partition &&
      now.type === listed.type &&
      now.acl === listed.acl &&
      now.foldermodseq === listed.foldermodseq)
  );
}
