import { accessSync, constants } from 'node:fs';
import { SyncError } from '../../report/sync-error.ts';

/**
 * Started as root, the program goes on as another user, for whom more of it is loaded later: what that user cannot read is
 * better said now than as a package that is missing.
 *
 * @param user whom the process has become
 * @throws SyncError CONFIG
 */
export function checkProgramReadable(
  user: string,
  path: string = import.meta.filename,
  access: (path: string, mode: number) => void = accessSync,
): void {
  try {
    access(path, constants.R_OK);
  } catch (caught) {
    throw new SyncError(
      'CONFIG',
      `this program cannot be read by ${user}: ${SyncError.from(caught).message}`,
      {
        phase: 'start',
        hint: 'install it where that user can read it (/opt, not /root) and with umask 022; chmod -R go+rX mends an installation',
        cause: caught,
      },
    );
  }
}
