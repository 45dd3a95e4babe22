import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CyrusServer, giveToCyrus, CyrusServer as Server } from '../test/lab/cyrus-server.ts';
import { quoteImap } from '../test/lab/imap-values.ts';
import { MEAN_OCTETS, makeMail, Numbers, ordinarySize } from './make-mail.ts';
import { SharedLetters } from './shared-letters.ts';

/** The content that a master store is to have. */
export interface StoreSpec {
  kind: 'filled';
  /** Names the cached store, with the sizes. */
  name: string;
  users: number;
  /** Below the INBOX; the INBOX itself is always there. */
  folders: readonly string[];
  /** Messages of the whole store. */
  messages: number;
  /** Octets of a message; undefined: as ordinary mail has. */
  messageSize: number | undefined;
  /** So many of a hundred octets are of messages that several users hold, each of them once. */
  sharedPercent?: number;
  /** Each user has a quota, larger than the mail. */
  quotas?: boolean;
  /** Each user subscribes to the folders and has seen some messages. */
  userData: boolean;
}

/** A stopped store, in the layout of the test servers. */
export interface Store {
  directory: string;
  users: readonly string[];
  messages: number;
  /** Octets of all messages. */
  octets: number;
  mailboxes: number;
  /** Servers share its message files: it is only for runs that find both ends alike, and change neither. */
  shared?: boolean;
}

/** Mailbox names of one call of a Cyrus tool. */
const NAMES_PER_CALL = 200;
/** Files written at once. */
const FILES_AT_ONCE = 32;
/** IMAP sessions at once. */
const SESSIONS = 4;
const QUOTA_KIB = 10 * 1024 ** 2;
const COMPLETE = 'bench-store.json';

export const ORDINARY_FOLDERS: readonly string[] = [
  'Sent',
  'Drafts',
  'Trash',
  'Lists',
  'Archive',
  'Archive/2023',
  'Archive/2024',
];

/** As many messages of ordinary mail as make so many MB. */
export function messagesOf(megabytes: number): number {
  return Math.round((megabytes * 1e6) / MEAN_OCTETS);
}

/** The store of that name from the cache; made there first if need be. */
export async function masterStore(
  spec: StoreSpec,
  cache: string,
  say: (text: string) => void,
): Promise<Store> {
  const directory = join(cache, `store-${spec.name}-${spec.users}u-${spec.messages}m`);
  const complete = join(directory, COMPLETE);
  if (existsSync(complete)) {
    return { ...(JSON.parse(await readFile(complete, 'utf8')) as Store), directory };
  }
  say(`making the store ${spec.name}: ${spec.users} users, ${spec.messages} messages`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await chmod(cache, 0o755);
  const server = await Server.start('filled');
  try {
    const store = await fill(server, spec);
    await server.halt();
    await writeFile(join(server.directory, COMPLETE), JSON.stringify(store));
    await rename(server.directory, directory);
    return { ...store, directory };
  } finally {
    await server.stop();
  }
}

async function fill(server: CyrusServer, spec: StoreSpec): Promise<Omit<Store, 'directory'>> {
  const users = Array.from({ length: spec.users }, (_, i) => `u${String(i + 1).padStart(5, '0')}`);
  const names = users.flatMap((user) => [
    `user/${user}`,
    ...spec.folders.map((each) => `user/${user}/${each}`),
  ]);
  await createAll(server, names);
  if (spec.quotas) await setQuotas(server, users);
  const directories = await pathsOf(server, names);
  const shares = shareOut(spec.messages, spec.users, spec.folders.length + 1);
  const choices = new Numbers(7);
  const letters = new SharedLetters(spec.users, spec.sharedPercent ?? 0);
  let number = 0;
  let octets = 0;
  let writing: Promise<void>[] = [];
  for (const [index, directory] of directories.entries()) {
    await mkdir(directory, { recursive: true });
    for (let uid = 1; uid <= (shares[index] ?? 0); uid++) {
      number += 1;
      const user = Math.floor(index / (spec.folders.length + 1));
      let bytes = letters.nextOf(user);
      if (bytes === undefined) {
        bytes = makeMail(number, spec.messageSize ?? ordinarySize(choices));
        letters.noteOwn(user, bytes.length);
      }
      octets += bytes.length;
      writing.push(writeFile(join(directory, `${uid}.`), bytes, { mode: 0o600 }));
      if (writing.length < FILES_AT_ONCE) continue;
      await Promise.all(writing);
      writing = [];
    }
  }
  await Promise.all(writing);
  giveToCyrus(server.directory);
  const filled = names.filter((_, index) => (shares[index] ?? 0) > 0);
  const calls: string[][] = [];
  for (let at = 0; at < filled.length; at += NAMES_PER_CALL)
    calls.push(filled.slice(at, at + NAMES_PER_CALL));
  await inParallel(calls, 2, async (some) => {
    await server.runOk('reconstruct', some);
  });
  if (spec.userData) await inParallel(users, SESSIONS, (user) => fillUserData(server, user, spec.folders));
  return { users, messages: number, octets, mailboxes: names.length };
}

/** Over one connection: imapd processes of 3.6.1 can give mailboxes of the same second the same uniqueid. */
async function createAll(server: CyrusServer, names: readonly string[]): Promise<void> {
  await using admin = await server.imap();
  for (let at = 0; at < names.length; at += NAMES_PER_CALL) {
    await Promise.all(
      names.slice(at, at + NAMES_PER_CALL).map((name) => admin.ok(`CREATE ${quoteImap(name)}`)),
    );
  }
}

async function setQuotas(server: CyrusServer, users: readonly string[]): Promise<void> {
  await using admin = await server.imap();
  for (const user of users) await admin.ok(`SETQUOTA user/${user} (STORAGE ${QUOTA_KIB})`);
}

/** Directories of mailboxes with these administrator's names. */
export async function pathsOf(server: CyrusServer, names: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (let at = 0; at < names.length; at += NAMES_PER_CALL) {
    const { stdout } = await server.runOk('mbpath', names.slice(at, at + NAMES_PER_CALL));
    paths.push(...stdout.trim().split('\n'));
  }
  if (paths.length !== names.length || new Set(paths).size !== names.length) {
    throw new Error(`mbpath gave ${new Set(paths).size} directories for ${names.length} mailboxes`);
  }
  return paths;
}

/** Messages of each mailbox, user by user: users of one to five shares, the INBOX with half of its user's. */
function shareOut(messages: number, users: number, mailboxes: number): number[] {
  const weights = Array.from({ length: users * mailboxes }, (_, index) => {
    const user = 1 + (Math.floor(index / mailboxes) % 5);
    if (mailboxes === 1) return user;
    return index % mailboxes === 0 ? user : user / (mailboxes - 1);
  });
  const total = weights.reduce((sum, each) => sum + each, 0);
  let due = 0;
  let given = 0;
  return weights.map((weight) => {
    due += (messages * weight) / total;
    const share = Math.round(due) - given;
    given += share;
    return share;
  });
}

async function fillUserData(server: CyrusServer, user: string, folders: readonly string[]): Promise<void> {
  await using client = await server.imap(user);
  await client.ok('SUBSCRIBE INBOX');
  for (const each of folders) await client.ok(`SUBSCRIBE ${quoteImap(`INBOX/${each}`)}`);
  await client.ok('SELECT INBOX');
  await client.ok('STORE 1:10 +FLAGS (\\Seen)');
  await client.ok('STORE 1:2 +FLAGS (\\Flagged $Label1)');
}

/** Runs `work` on every item, `limit` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const loop = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, loop));
}
