import { isPrintable } from '../../report/printable.ts';
import { printableJson } from '../../report/printable-json.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { SizedUser } from './inventory.ts';

/** Octets of a message where nobody has counted. */
export const MEAN_MESSAGE_OCTETS = 75_000;

/** Editors of other systems put it at the beginning of a file. */
const BYTE_ORDER_MARK = /^\ufeff/;
/** An editor has made blanks of the tabs: a userid with the numbers in it would be looked for in vain. */
const HAS_BLANKS_FOR_TABS = /^[^\t]* [0-9]+$/;

/**
 * A list of users with what they have: userid, octets and messages, separated by tabs. The last two may be missing. A userid in
 * double quotes is JSON.
 *
 * @throws SyncError CONFIG with the line
 */
export function parseSizedUsers(content: string, file: string): SizedUser[] {
  const users: SizedUser[] = [];
  for (const [at, line] of content.replace(BYTE_ORDER_MARK, '').split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [written = '', octets = '0', messages, ...more] = line.split('\t');
    const user = useridOf(written) ?? '';
    const counts = [octets, messages ?? '0'].map((text) => (/^[0-9]{1,15}$/.test(text) ? Number(text) : -1));
    const [size = -1, count = -1] = counts;
    if (HAS_BLANKS_FOR_TABS.test(line) || user === '' || size < 0 || count < 0 || more.length > 0) {
      throw new SyncError(
        'CONFIG',
        `${file}:${at + 1}: expected USERID, octets and messages separated by tabs`,
        {
          phase: 'start',
          hint: 'cyrus-sync fleet sizes prints such a list on a master',
        },
      );
    }
    users.push({
      user,
      octets: size,
      messages: messages === undefined ? Math.ceil(size / MEAN_MESSAGE_OCTETS) : count,
    });
  }
  return users;
}

/** A userid that such a line would not give back as it is, or that would steer a terminal, is written as JSON. */
export function sizedUserLine({ user, octets, messages }: SizedUser): string {
  const isPlain = isPrintable(user) && !/^["#]/.test(user);
  return `${isPlain ? user : printableJson(user)}\t${octets}\t${messages}`;
}

/** @returns undefined: begins as JSON and is none */
function useridOf(text: string): string | undefined {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}
