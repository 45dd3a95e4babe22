import type { ByteString } from '../../byte-string.ts';
import type { Action } from '../../replicate/engine.ts';

/** Looks up a user's INBOX in the master's list: what a renaming or a deletion leaves under the name is a row marked deleted. */
export type InboxOf = (userid: ByteString) => { uniqueid: ByteString; deleted: boolean } | undefined;

/**
 * Finds users whom a log names as two. Cyrus up to 3.4 logs a renamed user as USER of the new name and UNUSER of the old one,
 * without a RENAME; untied, the UNUSER may be first, and takes from the replica what would have been renamed there. The
 * row that is left under the old name has the uniqueid of the INBOX that has the new one. Where the old name has been used
 * again by now, whoever the log names last before the UNUSER is taken for the one: the two lines follow each other, and users
 * who are tied for nothing only wait for each other.
 *
 * A log may have ended between the two lines, so those whom the one before named are looked at too.
 */
export class RenamedUsers {
  readonly #inboxOf: InboxOf;
  #named = new Set<ByteString>();
  #namedBefore = new Set<ByteString>();
  /** Users who left their name, each with whom the log named last before. */
  #gone = new Map<ByteString, ByteString | undefined>();
  #namedLast: ByteString | undefined;

  constructor(inboxOf: InboxOf) {
    this.#inboxOf = inboxOf;
  }

  add(action: Action): void {
    if (action.kind === 'user') {
      this.#named.add(action.userid);
      this.#namedLast = action.userid;
    }
    if (action.kind === 'unuser') this.#gone.set(action.userid, this.#namedLast);
  }

  /**
   * Ends the log. Throws what looking up throws: then the log has not ended, and may be added once more.
   *
   * @returns actions that belong together, for each user who was renamed
   */
  take(): Action[][] {
    const tied = this.#tied();
    this.#namedBefore = this.#named;
    this.#named = new Set();
    this.#gone = new Map();
    return tied;
  }

  #tied(): Action[][] {
    const named = new Set([...this.#namedBefore, ...this.#named]);
    const gone = this.#gone;
    const livingBy = new Map<ByteString, ByteString>();
    if (gone.size > 0) {
      for (const userid of named) {
        const inbox = this.#inboxOf(userid);
        if (inbox && !inbox.deleted && inbox.uniqueid !== '') livingBy.set(inbox.uniqueid, userid);
      }
    }
    return [...gone].flatMap(([former, namedLast]) => {
      const inbox = this.#inboxOf(former);
      const userid = inbox?.deleted === false ? namedLast : livingBy.get(inbox?.uniqueid ?? '');
      if (userid === undefined || userid === former || !named.has(userid)) return [];
      return [
        [
          { kind: 'user', userid },
          { kind: 'unuser', userid: former },
        ],
      ];
    });
  }
}
