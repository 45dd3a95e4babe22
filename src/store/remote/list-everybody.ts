import { type ByteString, compareBytes } from '../../byte-string.ts';
import { MAILBOX_NAME, matches } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import {
  type NameRules,
  parseExternalName,
  parseInternalName,
  toDbname,
  toInternalName,
} from '../paths/mailbox-name.ts';
import { namesHiddenBy } from '../paths/names-hidden-by.ts';

/** A row of IMAP's LIST. */
export interface ListedName {
  /** As an administrator sees it. */
  name: ByteString;
  separator: '/' | '.';
  /** Otherwise only something below it is a mailbox. */
  exists: boolean;
}

/**
 * Asks for names that match patterns, taken one by one, so that what one yields may decide about the next.
 *
 * @returns false if the server has no such command
 */
export type ListNames = (
  patterns: (separator: ListedName['separator']) => Iterable<ByteString>,
  take: (listed: ListedName) => void,
) => Promise<boolean>;

/** Tells which of some internal names are mailboxes. */
export type FindMailboxes = (names: readonly ByteString[]) => Promise<readonly ByteString[]>;

/**
 * Internal names of all INBOXes and of all shared mailboxes, in the order of a mailbox list. What a user has below the
 * INBOX is not asked for here: there is fifty times as much of it, and the user is asked for as a whole later.
 *
 * @param server to be named
 * @throws SyncError CONFIG where the server does not list, or names its mailboxes in another way than this configuration
 */
export async function listEverybody(
  list: ListNames,
  find: FindMailboxes,
  rules: NameRules,
  server: string,
): Promise<ByteString[]> {
  /** Internal names, and where each stands in a mailbox list. */
  const found = new Map<ByteString, ByteString>();
  /** The names that shared mailboxes are below. */
  const tops = new Set<ByteString>();
  /** Mailboxes without a domain that the answers may have passed over. */
  const hidden = new Set<ByteString>();
  const patterns = function* (separator: ListedName['separator']): Generator<ByteString> {
    checkSeparator(separator, rules, server);
    yield `user${separator}%`;
    yield '%';
    yield `${rules.deletedprefix}${separator}%`;
    // The domain stands at the end of a name, and has separators in it.
    if (rules.virtdomains !== 'off') yield '*@*';
    for (const top of tops) yield `${top}${separator}*`;
  };
  const take = ({ name, separator, exists }: ListedName): void => {
    const parsed = parseExternalName(rules, name);
    const internal = toInternalName(rules, parsed);
    if (!matches(MAILBOX_NAME, internal)) return;
    for (const name of namesHiddenBy(rules, parsed)) hidden.add(name);
    const isInbox = parsed.localpart !== undefined && parsed.boxes.length === 0 && parsed.deletedTime === 0;
    if (parsed.localpart !== undefined && !isInbox) return;
    if (exists) found.set(internal, toDbname(rules, parsed));
    const isUsers = ['user', rules.deletedprefix, `${rules.deletedprefix}${separator}user`].includes(name);
    if (!isInbox && !isUsers && parsed.domain === undefined && isTop(name, separator, rules)) tops.add(name);
  };
  if (!(await list(patterns, take))) throw cannotList(server);
  for (const internal of await find([...hidden].filter((name) => !found.has(name)))) {
    found.set(internal, toDbname(rules, parseInternalName(rules, internal)));
  }
  return [...found].sort(([, a], [, b]) => compareBytes(a, b)).map(([internal]) => internal);
}

/** At the top, or at the top of what was deleted. */
function isTop(name: ByteString, separator: string, { deletedprefix }: NameRules): boolean {
  const prefix = `${deletedprefix}${separator}`;
  return !(name.startsWith(prefix) ? name.slice(prefix.length) : name).includes(separator);
}

/** Taken for the other, every name would be another mailbox's. */
function checkSeparator(found: string, { unixhierarchysep }: NameRules, server: string): void {
  const expected = unixhierarchysep ? '/' : '.';
  if (found === expected) return;
  throw new SyncError(
    'CONFIG',
    `the master ${server} puts ${found} between the parts of a mailbox name, this configuration ${expected}`,
    { phase: 'start', hint: `set unixhierarchysep: ${unixhierarchysep ? 'no' : 'yes'} in the file of -C` },
  );
}

function cannotList(server: string): SyncError {
  return new SyncError(
    'CONFIG',
    `-A needs to know who is on the master ${server}, which a sync_server does not tell`,
    {
      phase: 'start',
      hint: "give the port of the master's imapd with --from, or name users with -u or -u -f",
    },
  );
}
