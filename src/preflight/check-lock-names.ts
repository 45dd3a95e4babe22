import { type Dirent, opendirSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding.ts';
import type { Host } from './site.ts';

/** Entries that are looked at: files stay for ever, so that a large site has one for each mailbox. */
const MOST_ENTRIES = 20_000;

/**
 * How the Cyrus of this host names its locks of users, told by the files that it has left (store 11.2): `*U*anna.lock` by
 * userid, `*U*user/anna.lock` by INBOX. Told
 * to take one of them, we would lock nobody under the wrong one.
 */
export function checkLockNames({ layout }: Pick<Host, 'layout'>): Finding[] {
  const { userLock } = layout;
  if (userLock === 'either') {
    return [{ check: 'lock names', verdict: 'ok', text: 'locks of users are taken by either name' }];
  }
  const found = namesFound(layout.lockPath);
  const other = userLock === 'userid' ? 'inbox' : 'userid';
  if (found.size === 0) {
    return [
      {
        check: 'lock names',
        verdict: 'warning',
        text: `no lock of a user has been taken below ${layout.lockPath} yet; taken by ${userLock}`,
        advice: 'check again once somebody has logged in; before Cyrus 3.4 there are none',
      },
    ];
  }
  if (!found.has(userLock)) {
    return [
      {
        check: 'lock names',
        verdict: 'problem',
        text: `Cyrus names its locks of users by ${other}, and we by ${userLock}: neither would see the other`,
        advice: `set user_lock = auto in the settings, or ${other}`,
      },
    ];
  }
  if (found.has(other)) {
    return [
      {
        check: 'lock names',
        verdict: 'warning',
        text: `there are locks of users by userid and by inbox below ${layout.lockPath}: Cyrus was upgraded, or user_lock changed; taken by ${userLock}`,
        advice:
          'set user_lock = auto in the settings, which takes either; userid is for Cyrus 3.4 to 3.10, inbox from 3.12 on',
      },
    ];
  }
  return [{ check: 'lock names', verdict: 'ok', text: `locks of users go by ${userLock}` }];
}

function namesFound(lockPath: string): Set<'userid' | 'inbox'> {
  const found = new Set<'userid' | 'inbox'>();
  let entries = 0;
  const look = (directory: string, depth: number): void => {
    for (const entry of entriesOf(directory)) {
      entries += 1;
      if (entries > MOST_ENTRIES || found.size === 2) return;
      const { name } = entry;
      if (name.startsWith('*U*') && entry.isDirectory()) found.add('inbox');
      // That of shared mailboxes has no name.
      else if (name.startsWith('*U*') && name !== '*U*.lock') found.add('userid');
      // Hashed, or of a domain: `a/`, `domain/e/example.org/`.
      else if (
        entry.isDirectory() &&
        depth > 0 &&
        (name.length === 1 || directory.includes('domain') || name === 'domain')
      ) {
        look(join(directory, name), depth - 1);
      }
    }
  };
  look(lockPath, 3);
  return found;
}

function* entriesOf(path: string): Generator<Dirent> {
  let directory: ReturnType<typeof opendirSync>;
  try {
    directory = opendirSync(path);
  } catch (caught) {
    // What cannot be read is the account's affair.
    if (caught instanceof Error && 'syscall' in caught) return;
    throw caught;
  }
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) yield entry;
  } finally {
    directory.closeSync();
  }
}
