import { SyncError } from '../../report/sync-error.ts';
import type { SizedUser } from './inventory.ts';

/** Octets of a message where nobody has counted. */
export const MEAN_MESSAGE_OCTETS = 75_000;

/**
 * A list of users with what they have: userid, octets and messages, separated by tabs. The last two may be missing.
 *
 * @throws SyncError CONFIG with the line
 */
export function parseSizedUsers(content: string, file: string): SizedUser[] {
  const users: SizedUser[] = [];
  for (const [at, line] of content.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [user = '', octets = '0', messages, ...more] = line.split('\t');
    const counts = [octets, messages ?? '0'].map((text) => (/^[0-9]{1,15}$/.test(text) ? Number(text) : -1));
    const [size = -1, count = -1] = counts;
    if (user === '' || size < 0 || count < 0 || more.length > 0) {
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

export function sizedUserLine({ user, octets, messages }: SizedUser): string {
  return `${user}\t${octets}\t${messages}`;
}
