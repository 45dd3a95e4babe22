import { existsSync } from 'node:fs';
import type { ByteString } from '../../byte-string.ts';
import { syncDirectory } from '../log/sync-log.ts';

/**
 * A file `skipuser-USERID` beside the log asks to leave a user alone (Cyrus 3.12+), who is treated as locked.
 *
 * @returns tells whether it is there, and looks at the disk at each call
 */
export function skipUsers(
  configdirectory: string,
  channel: string | undefined,
): (userid: ByteString) => boolean {
  const prefix = Buffer.from(`${syncDirectory(configdirectory, channel)}/skipuser-`);
  return (userid) => {
    // Such a userid names no file of that directory.
    if (userid === '' || /[/\0]/.test(userid)) return false;
    const path = Buffer.concat([prefix, Buffer.from(userid, 'latin1')]);
    // What cannot be looked at is not there, as for the C client.
    return existsSync(path);
  };
}
