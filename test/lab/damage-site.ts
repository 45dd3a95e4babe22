import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CyrusServer, type Pair, startPair } from './cyrus-server.ts';
import { append } from './populate.ts';

/** A pair whose master has users with something of every file that the store reads; the master's services are halted. */
export async function damageSite(users: readonly string[]): Promise<Pair> {
  const pair = await startPair({ both: { imapd: { conversations: 'yes', reverseacls: 'yes' } } });
  try {
    await fill(pair.master, users);
    await pair.master.halt();
    return pair;
  } catch (error) {
    await pair.stop();
    throw error;
  }
}

async function fill(server: CyrusServer, users: readonly string[]): Promise<void> {
  // One connection: imapd processes of 3.6.1 that create mailboxes within a second can give them one uniqueid.
  await using admin = await server.imap();
  for (const user of users) {
    for (const name of [`user/${user}`, `user/${user}/Work`]) {
      await admin.ok(`CREATE ${name}`);
      await admin.ok(`SETACL ${name} admin lrswipkxtecda`);
      await append(admin, name, 2, name, user);
    }
    await admin.ok(`SETMETADATA user/${user} (/shared/comment "of ${user}")`);
    await admin.ok(`SETQUOTA user/${user} (STORAGE 100000)`);
  }
  await admin.ok('CREATE shared');
  await admin.ok('SETACL shared admin lrswipkxtecda');
  await admin.ok('SETACL shared anyone lrs');
  await append(admin, 'shared', 2, 'shared', 'everybody');
  for (const user of users) {
    await using client = await server.imap(user);
    await client.ok(`SUBSCRIBE INBOX`);
    await client.ok('SELECT shared');
    await client.ok('FETCH 1 (BODY[])');
    await client.ok('SELECT INBOX/Work');
    await client.ok('STORE 1 ANNOTATION (/comment (value.shared "noted"))');
    await client.ok('UNSELECT');
  }
}

/** Where the files of one user are. */
export interface UserFiles {
  inbox: string;
  work: string;
  /** `seen`, `sub`, `counters`, `conversations`. */
  personal(file: string): string;
  quota: string;
}

export async function filesOf(server: CyrusServer, user: string): Promise<UserFiles> {
  const pathOf = async (name: string): Promise<string> =>
    (await server.runOk('mbpath', [name])).stdout.trim();
  const inbox = await pathOf(`user/${user}`);
  const [, id] = /uuid\/(.+)$/.exec(inbox) ?? [];
  const users = join(server.configDirectory, 'user');
  const personal = (file: string): string =>
    id === undefined ? join(users, user.charAt(0), `${user}.${file}`) : join(users, 'uuid', id, `${file}.db`);
  const subscriptions = personal('sub');
  if (!existsSync(subscriptions))
    throw new Error(`${subscriptions} is not there: ${readdirSync(server.configDirectory)}`);
  return {
    inbox,
    work: await pathOf(`user/${user}/Work`),
    personal,
    quota: join(server.configDirectory, 'quota', user.charAt(0), `user.${user}`),
  };
}
