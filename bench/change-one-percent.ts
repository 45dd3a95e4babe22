import type { CyrusServer } from '../test/lab/cyrus-server.ts';
import { makeMail } from './make-mail.ts';
import { inParallel, type Store } from './stores.ts';

/** Messages of the changes are numbered from here: none of them is in any store. */
const FIRST_NUMBER = 50_000_000;
/** Octets. */
const NEW_SIZE = 5000;
const SESSIONS = 4;

/**
 * One percent of each user's messages: half of it new in the INBOX, half of it other flags there and in a folder.
 * @returns new messages
 */
export async function changeOnePercent(master: CyrusServer, store: Store): Promise<number> {
  const mean = store.messages / store.users.length;
  const arriving = Math.max(1, Math.round(mean / 200));
  const numbered = store.users.map((user, index) => ({ user, index }));
  await inParallel(numbered, SESSIONS, async ({ user, index }) => {
    await using client = await master.imap(user);
    for (let i = 0; i < arriving; i++) {
      await client.ok('APPEND INBOX () ', makeMail(FIRST_NUMBER + index * 1000 + i, NEW_SIZE));
    }
    await client.ok('SELECT INBOX');
    await client.ok(`STORE 1:${Math.max(1, Math.ceil(arriving / 2))} +FLAGS (\\Answered)`);
    await client.ok('SELECT INBOX/Sent');
    await client.ok(`STORE 1:${Math.max(1, Math.ceil(arriving / 2))} +FLAGS (\\Seen)`);
  });
  return arriving * store.users.length;
}
