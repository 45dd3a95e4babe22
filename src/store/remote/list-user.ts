import type { ByteString } from '../../byte-string.ts';
import { MAILBOX_NAME, matches } from '../../grammar.ts';
import { externalName } from '../paths/external-name.ts';
import {
  type NameRules,
  parseExternalName,
  parseUserid,
  toInternalName,
  useridOf,
} from '../paths/mailbox-name.ts';
import type { ListNames } from './list-everybody.ts';

/**
 * Internal names of all mailboxes of one user, rows without storage and DELETED ones included.
 *
 * @returns undefined if the server does not list
 */
export async function listUser(
  list: ListNames,
  rules: NameRules,
  userid: ByteString,
): Promise<ByteString[] | undefined> {
  const inbox = toInternalName(rules, parseUserid(rules, userid));
  const external = externalName(rules, inbox);
  const at = rules.virtdomains === 'off' ? -1 : external.lastIndexOf('@');
  const path = at < 0 ? external : external.slice(0, at);
  const domain = at < 0 ? '' : external.slice(at);
  const names = new Set([inbox]);
  const patterns = function* (separator: ByteString): Generator<ByteString> {
    for (const root of [path, `${rules.deletedprefix}${separator}${path}`])
      yield `${root}${separator}*${domain}`;
  };
  const isListed = await list(patterns, ({ name }) => {
    const parsed = parseExternalName(rules, name);
    const internal = toInternalName(rules, parsed);
    if (useridOf(parsed) === userid && matches(MAILBOX_NAME, internal)) names.add(internal);
  });
  return isListed ? [...names] : undefined;
}
