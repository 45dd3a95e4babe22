import type { ByteString } from '../byte-string.ts';
import { MAILBOX_NAME, matches } from '../grammar.ts';
import { type ListedMailbox, listMailboxes } from '../protocol/connect/list-mailboxes.ts';
import type { ConnectionSettings } from '../protocol/connection-settings.ts';
import type { MasterStore } from '../store/master-store.ts';
import {
  type NameRules,
  parseExternalName,
  parseInternalName,
  toInternalName,
  useridOf,
} from '../store/paths/mailbox-name.ts';
import { namesHiddenBy } from '../store/paths/names-hidden-by.ts';

/** Who and what is on the replica and not here: sets of what the replica alone has, which is little as a rule. */
export interface OnlyThere {
  users: Set<ByteString>;
  /** Internal names. */
  shared: Set<ByteString>;
}

/** Who and what is here. */
export interface Here {
  hasUser(userid: ByteString): boolean;
  hasMailbox(name: ByteString): boolean;
}

/** Finds which of these mailboxes, by internal names, the replica has. It is not called for none. */
export type FindThere = (names: readonly ByteString[]) => Promise<ReadonlySet<ByteString>>;

/**
 * Lists what the replica has of which nobody here knows.
 *
 * @param find for names of which the list is not to be believed
 * @returns undefined if the replica cannot be asked, as it does not speak IMAP
 */
export async function findOnlyThere(
  connection: ConnectionSettings,
  rules: NameRules,
  here: Here,
  find: FindThere,
): Promise<OnlyThere | undefined> {
  const only: OnlyThere = { users: new Set(), shared: new Set() };
  const tops = new Set<ByteString>();
  const hidden = new Set<ByteString>();
  const patterns = function* (separator: ListedMailbox['separator']): Generator<ByteString> {
    yield `user${separator}%`;
    yield '%';
    // The domain stands at the end of a name, and has separators in it.
    if (rules.virtdomains !== 'off') yield '*@*';
    // All below the others at the top. What is below users, and what was deleted, is most of it and says nothing.
    for (const top of tops) yield `${top}${separator}*`;
  };
  const asked = await listMailboxes(connection, patterns, (listed) => {
    const parsed = parseExternalName({ ...rules, unixhierarchysep: listed.separator === '/' }, listed.name);
    const name = toInternalName(rules, parsed);
    if (!matches(MAILBOX_NAME, name)) return;
    if (parsed.deletedTime !== 0) return;
    for (const each of namesHiddenBy(rules, parsed)) hidden.add(each);
    const userid = useridOf(parsed);
    if (userid !== undefined) {
      if (!here.hasUser(userid)) only.users.add(userid);
      return;
    }
    const [top = ''] = parsed.boxes;
    if (top === 'user' || top === rules.deletedprefix) return;
    if (parsed.boxes.length === 1 && parsed.domain === undefined) tops.add(listed.name);
    if (listed.exists && !here.hasMailbox(name)) only.shared.add(name);
  });
  if (!asked) return undefined;
  const ownerOf = (name: ByteString): ByteString | undefined => useridOf(parseInternalName(rules, name));
  const doubtful = [...hidden].filter((name) => {
    const owner = ownerOf(name);
    return owner === undefined ? !here.hasMailbox(name) : !here.hasUser(owner);
  });
  const found = doubtful.length > 0 ? await find(doubtful) : new Set();
  for (const name of doubtful) {
    const owner = ownerOf(name);
    const [of, each] = owner === undefined ? [only.shared, name] : [only.users, owner];
    if (found.has(name)) of.add(each);
    else of.delete(each);
  }
  return only;
}

/** By the rows of a mailbox list, each looked up when it is asked for. */
export function hereByRows(store: Pick<MasterStore, 'inboxName' | 'lookup' | 'mailboxesOf'>): Here {
  return {
    hasUser: (userid) => {
      // Nearly everybody has an INBOX, which is one row to look up.
      const inbox = store.lookup(store.inboxName(userid));
      if (inbox && !inbox.deleted && !inbox.intermediate) return true;
      return store.mailboxesOf(userid).some(({ deleted, inDeleted }) => !deleted && !inDeleted);
    },
    hasMailbox: (name) => {
      const entry = store.lookup(name);
      return entry !== undefined && !entry.deleted;
    },
  };
}

/** By the list of everybody, where rows are not to be had one by one. */
export function hereByList(store: Pick<MasterStore, 'enumerate'>): Here {
  const users = new Set<ByteString>();
  const shared = new Set<ByteString>();
  for (const each of store.enumerate()) {
    if (each.kind === 'user') users.add(each.userid);
    if (each.kind === 'shared') shared.add(each.name);
  }
  return { hasUser: (userid) => users.has(userid), hasMailbox: (name) => shared.has(name) };
}
