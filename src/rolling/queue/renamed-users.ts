import type { ByteString } from '../../byte-string.ts';
import type { Action } from '../../replicate/engine.ts';

/** Looks up a user's INBOX in the master's list: what a renaming or a deletion leaves under the name is a row marked deleted. */
export type InboxOf = (userid: ByteString) => { uniqueid: ByteString; deleted: boolean } | undefined;

/**
 * Finds users whom a log names as two. Cyrus up to 3.4 logs a renamed user as USER of the new name and UNUSER of the old one,
 * without a RENAME; untied, the UNUSER may be first, and takes from the replica what would have been renamed there. The
 * row that is left under the old name has the uniqueid of the INBOX that has the new one.
 *
 * A log may have ended between the two lines, so those whom the one before named are looked at too.
 */
export class RenamedUsers {
  readonly #inboxOf: InboxOf;
  #named = new Set<ByteString>();
  #namedBefore = new Set<ByteString>();
  #gone = new Set<ByteString>();

  constructor(inboxOf: InboxOf) {
    this.#inboxOf = inboxOf;
  }

  add(action: Action): void {
    if (action.kind === 'user') this.#named.add(action.userid);
    if (action.kind === 'unuser') this.#gone.add(action.userid);
  }

  /** Ends the log. @returns actions that belong together, for each user who was renamed */
  take(): Action[][] {
    const named = new Set([...this.#namedBefore, ...this.#named]);
    const gone = this.#gone;
    this.#namedBefore = this.#named;
    this.#named = new Set();
    this.#gone = new Set();
    const left = new Map<ByteString, ByteString>();
    for (const userid of gone) {
      const inbox = this.#inboxOf(userid);
      if (inbox?.deleted && inbox.uniqueid !== '') left.set(inbox.uniqueid, userid);
    }
    if (left.size === 0) return [];
    return [...named].flatMap((userid) => {
      const inbox = this.#inboxOf(userid);
      const former = inbox && !inbox.deleted ? left.get(inbox.uniqueid) : undefined;
      if (former === undefined) return [];
      return [
        [
          { kind: 'user', userid },
          { kind: 'unuser', userid: former },
        ],
      ];
    });
  }
}
