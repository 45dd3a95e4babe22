import { join } from 'node:path';
import type { CyrusServer } from '../../test/lab/cyrus-server.ts';
import { ORDINARY_FOLDERS, pathsOf } from '../stores.ts';
import type { LoadMailbox } from './load-messages.ts';

/** All INBOXes, then all of the first folder, and so on, with where the replica has them. */
export async function watchedMailboxes(
  master: CyrusServer,
  replicaSpool: string,
  users: readonly string[],
): Promise<LoadMailbox[]> {
  const all = ['', ...ORDINARY_FOLDERS.map((folder) => `/${folder}`)].flatMap((below) =>
    users.map((user) => ({ user, below })),
  );
  const paths = await pathsOf(
    master,
    all.map(({ user, below }) => `user/${user}${below}`),
  );
  // Directories are named by uniqueids, which replica and master share.
  const spool = join(master.directory, 'spool');
  return all.map(({ user, below }, at) => {
    const directory = join(replicaSpool, (paths[at] ?? '').slice(spool.length));
    return { user, name: `INBOX${below}`, index: join(directory, 'cyrus.index') };
  });
}
