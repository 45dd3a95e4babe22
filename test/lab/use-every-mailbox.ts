import type { Side } from './two-sides.ts';

/** Folders of whoever's mailboxes are used so, beside the INBOX. */
export const FOLDERS = ['A', 'B', 'C'];

/** Does what people do who take the lock of the user and then that of a mailbox exclusively, in every mailbox of this one. */
export async function useEveryMailbox(master: Side, user: string): Promise<void> {
  await using session = await master.server.imap(user);
  for (const folder of ['INBOX', ...FOLDERS.map((name) => `INBOX/${name}`)]) {
    await session.ok(`SELECT ${folder}`);
    await session.ok('STORE 1 +FLAGS (\\Deleted)');
    await session.ok('EXPUNGE');
    await session.ok('UNSELECT');
  }
  await master.append(`user/${user}`, 'delivered');
  await master.cleanUp(user);
  await master.imap.ok(`SETMETADATA user/${user}/B (/shared/comment "${user}")`);
  await master.imap.ok(`RENAME user/${user}/C user/${user}/D`);
}
