import type { ByteString } from '../../byte-string.ts';
import { USERID } from '../../grammar.ts';
import { isUserid } from '../../store/paths/lock-paths.ts';
import { MAX_NAME_OCTETS, MAX_USERID_OCTETS } from '../limits.ts';
import { type LineFault, type LogLine, shown } from '../log/log-line.ts';
import type { OwnerOf } from './rolling-unit.ts';

/** No user and no mailbox of Cyrus has these in its name: a slash would lead to another directory. */
const NEVER_IN_NAMES = /[/\0]/;

/**
 * Why a line that reads well names something that no Cyrus server can have, so that it could never be done: kept, it would
 * fail for ever.
 *
 * @returns undefined if it may exist
 */
export function whyImpossible(line: LogLine, ownerOf: OwnerOf): LineFault | undefined {
  const { userids, names } = subjects(line);
  for (const userid of userids) {
    const fault = impossibleUserid(userid);
    if (fault) return fault;
  }
  for (const name of names) {
    if (name.length > MAX_NAME_OCTETS) return tooLong('a mailbox name', MAX_NAME_OCTETS, name);
    if (NEVER_IN_NAMES.test(name)) return { expected: 'a mailbox name without /', found: shown(name) };
    const fault = impossibleUserid(ownerOf(name) ?? '');
    if (fault) return fault;
  }
  return undefined;
}

function impossibleUserid(userid: ByteString): LineFault | undefined {
  if (userid.length > MAX_USERID_OCTETS) return tooLong('a userid', MAX_USERID_OCTETS, userid);
  if (!isUserid(userid)) return { expected: USERID.what, found: shown(userid) };
  return undefined;
}

function tooLong(what: string, most: number, name: ByteString): LineFault {
  return { expected: `${what} of at most ${most} octets`, found: `${name.length} octets: ${shown(name)}` };
}

function subjects(line: LogLine): { userids: ByteString[]; names: ByteString[] } {
  switch (line.type) {
    case 'USER':
    case 'UNUSER':
    case 'META':
    case 'SIEVE':
    case 'SEEN':
      return { userids: [line.userid], names: [] };
    case 'SUB':
    case 'UNSUB':
      return { userids: [line.userid], names: [line.name] };
    case 'MAILBOX':
    case 'APPEND':
    case 'UNMAILBOX':
    case 'ANNOTATION':
      return { userids: [], names: [line.name] };
    case 'QUOTA':
      return { userids: [], names: [line.root] };
    case 'RENAME':
    case 'DOUBLEMAILBOX':
      return { userids: [], names: [line.from, line.to] };
  }
}
