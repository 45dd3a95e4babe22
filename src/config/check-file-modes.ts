import { type Stats, statSync } from 'node:fs';
import { configError } from './config-error.ts';

/** One file that the configuration was read from. */
export interface ConfigFile {
  path: string;
  holdsSecret: boolean;
}

export interface FileWarning {
  text: string;
  hint: string;
}

const READ_BY_OTHERS = 0o004;
const WRITTEN_BY_OTHERS = 0o002;

/**
 * Tells what every user of this host may do to the files of the configuration. A group is the administrator's own choice:
 * packages give imapd.conf to the one that Cyrus runs in.
 *
 * @param look as stat(2)
 * @returns warnings for passwords that anybody can read
 * @throws SyncError CONFIG for a file that anybody can write to: it says where the mail goes and what is run
 */
export function checkFileModes(
  files: readonly ConfigFile[],
  look: (path: string) => Pick<Stats, 'mode' | 'isFile'> | undefined = (path) =>
    statSync(path, { throwIfNoEntry: false }),
): FileWarning[] {
  const warnings: FileWarning[] = [];
  for (const { path, holdsSecret } of files) {
    const found = look(path);
    // A pipe of the caller's has no mode that means anything.
    if (!found?.isFile()) continue;
    if ((found.mode & WRITTEN_BY_OTHERS) !== 0) {
      throw configError(path, 'expected a file that not everybody can write to', `chmod o-w ${path}`);
    }
    if (holdsSecret && (found.mode & READ_BY_OTHERS) !== 0) {
      warnings.push({
        text: `${path} holds a password that every user of this host can read`,
        hint: `chmod o-r ${path}, and chgrp to the group that Cyrus runs in`,
      });
    }
  }
  return warnings;
}
