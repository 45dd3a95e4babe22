import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CyrusServer, giveToCyrus } from './cyrus-server.ts';
import { Choices, generateMail, imapDate } from './generated-mail.ts';
import type { ImapClient } from './imap-client.ts';
import { mailboxNameFromText, quoteImap } from './imap-values.ts';
import { SieveClient } from './sieve-client.ts';

export interface PopulateOptions {
  /** Users with mail; one more is made that stays empty. Default 20, at least 6. */
  users?: number;
  /** Messages in each folder of an ordinary user. Default 6, at least 6. */
  messagesPerFolder?: number;
}

export interface Population {
  /** All userids, the empty one included. */
  users: string[];
  emptyUser: string;
  /** Folder of each ordinary user, below the INBOX; `[]` is the INBOX itself. Names are in modified UTF-7. */
  folders: string[][];
  /** Admin names. */
  sharedMailboxes: string[];
}

const NAMES = [
  'anna',
  'bob',
  'chiara',
  'dmitri',
  'eva',
  'farid',
  'greta',
  'hana',
  'ivan',
  'jo',
  'kim',
  'lena',
  'mats',
];
/** 2024-01-01 00:00 UTC: dates are fixed, so that a store can be made again alike. */
const EPOCH = 1_704_067_200;
const DAY = 86_400;

/** Connections at a time: enough to hide the servers' delays, few enough for a small machine. */
const PARALLEL_USERS = 4;

/** The folders of an ordinary user: nested, with blanks, `&`, dots, umlauts and another script. */
const FOLDERS: readonly (readonly string[])[] = [
  [],
  ['Work'],
  ['Work', 'Räksmörgås & Söhne'],
  ['Work', 'Projects', '2024'],
  ['日本語'],
  ['Name with blanks'],
];

/**
 * Fills a master with something of everything that replication carries. All mailboxes are made over one connection,
 * because imapd processes of 3.6.1 that create mailboxes within one second can give them the same uniqueid.
 */
export async function populate(server: CyrusServer, options: PopulateOptions = {}): Promise<Population> {
  const wanted = Math.max(options.users ?? 20, 6);
  const messages = Math.max(options.messagesPerFolder ?? 6, 6);
  const folders = FOLDERS.map((parts) => parts.map(mailboxNameFromText));
  if (separator(server) === '/') folders.push(['v1.2.final']);
  const users = userNames(server, wanted);
  const emptyUser = 'empty';
  const shared = ['shared', 'shared/Announcements'].map((name) => name.replaceAll('/', separator(server)));

  await using admin = await server.imap();
  await createMailboxes(server, admin, users, folders);
  await admin.ok(`CREATE ${quoteImap(mailboxOf(server, emptyUser))}`);
  for (const name of shared) {
    await admin.ok(`CREATE ${quoteImap(name)}`);
    await admin.ok(`SETACL ${quoteImap(name)} admin lrswipkxtecda`);
    await admin.ok(`SETACL ${quoteImap(name)} anyone lrs`);
    await append(admin, name, messages, `shared ${name}`, 'everybody');
  }
  for (let first = 0; first < users.length; first += PARALLEL_USERS) {
    const batch = users.slice(first, first + PARALLEL_USERS);
    await Promise.all(
      batch.map((user, position) => fillUser(server, admin, user, first + position, folders, messages)),
    );
  }
  for (const [index, user] of users.entries()) if (index % 2 === 0) await fillSieve(server, user, index);
  await assertUniqueids(server);
  return { users: [...users, emptyUser], emptyUser, folders, sharedMailboxes: shared };
}

export function separator(server: CyrusServer): '/' | '.' {
  return server.setting('unixhierarchysep') === 'no' ? '.' : '/';
}

/** Admin name of a mailbox of `userid` (which may have a domain). */
export function mailboxOf(server: CyrusServer, userid: string, folder: readonly string[] = []): string {
  const [local = '', domain] = userid.split('@');
  const name = ['user', local, ...folder].join(separator(server));
  return domain === undefined ? name : `${name}@${domain}`;
}

/** Name of the same mailbox for the user himself. */
export function ownName(server: CyrusServer, folder: readonly string[]): string {
  return ['INBOX', ...folder].join(separator(server));
}

/** Appends `count` generated messages in one command; flags and dates vary. */
export async function append(
  client: ImapClient,
  mailbox: string,
  count: number,
  seed: string,
  to: string,
  subject?: string,
  references: readonly string[] = [],
): Promise<void> {
  const choices = new Choices(`flags ${seed}`);
  const parts: (string | Buffer)[] = [`APPEND ${quoteImap(mailbox)}`];
  const thread = [...references];
  for (let index = 0; index < count; index += 1) {
    const date = EPOCH + choices.below(300 * DAY);
    const flags = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', '$Label1', 'NonJunk', '$Forwarded'].filter(
      () => choices.below(4) === 0,
    );
    const generated = generateMail({
      seed: `${seed} ${index}`,
      to,
      date,
      ...(subject === undefined ? {} : { subject, references: thread }),
    });
    if (subject !== undefined) thread.push(generated.messageId);
    parts.push(` (${flags.join(' ')}) ${imapDate(date)} `, generated.bytes);
  }
  await client.ok(...parts);
}

/** Throws if two mailboxes of the server have one uniqueid: the store would be damaged by the fixture, not by us. */
export async function assertUniqueids(server: CyrusServer): Promise<void> {
  const { stdout } = await server.runOk('cyr_dbtool', [
    join(server.configDirectory, 'mailboxes.db'),
    'twoskip',
    'show',
    // Rows by name; up to Cyrus 3.4 there are no others.
    ...(server.programs.isAtLeast(3, 6) ? ['N'] : []),
  ]);
  const seen = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [name = '', value = ''] = line.split('\t', 2);
    const uniqueid = /%\((?:[^()]* )?I (\S+)[ )]/.exec(value)?.[1];
    if (uniqueid === undefined || /%\((?:[^()]* )?T \S*d/.test(value)) continue;
    const other = seen.get(uniqueid);
    if (other !== undefined) throw new Error(`mailboxes ${other} and ${name} share the uniqueid ${uniqueid}`);
    seen.set(uniqueid, name);
  }
  if (seen.size === 0)
    throw new Error(`no mailbox with a uniqueid found on ${server.name}:\n${stdout.slice(0, 500)}`);
}

function userNames(server: CyrusServer, count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => {
    const name = NAMES[index % NAMES.length] ?? 'user';
    return index < NAMES.length ? name : `${name}${Math.floor(index / NAMES.length) + 1}`;
  });
  // A dot in a userid is a hierarchy separator, unless the separator is `/`.
  if (separator(server) === '/') names.splice(1, 1, 'bob.smith');
  names.splice(2, 1, 'chiara-b');
  if (server.setting('virtdomains') !== 'off') names.splice(3, 2, 'dmitri@example.com', 'anna@example.org');
  return names;
}

async function createMailboxes(
  server: CyrusServer,
  admin: ImapClient,
  users: readonly string[],
  folders: readonly (readonly string[])[],
): Promise<void> {
  const names = users.flatMap((user) => [
    ...folders.map((folder) => mailboxOf(server, user, folder)),
    mailboxOf(server, user, ['Old stuff']),
  ]);
  await Promise.all(names.map((name) => admin.ok(`CREATE ${quoteImap(name)}`)));
}

async function fillUser(
  server: CyrusServer,
  admin: ImapClient,
  user: string,
  index: number,
  folders: readonly (readonly string[])[],
  messages: number,
): Promise<void> {
  await using client = await server.imap(user);
  const inbox = quoteImap(ownName(server, []));
  for (const [position, folder] of folders.entries()) {
    const name = ownName(server, folder);
    // Two folders continue one thread, so that its conversation spans them.
    const subject = position < 2 ? `Plans of ${user}` : undefined;
    await append(client, name, messages, `${user} ${position}`, user, subject);
    if ((position + index) % 2 === 0) await client.ok(`SUBSCRIBE ${quoteImap(name)}`);
  }
  await client.ok(`SELECT ${inbox}`);
  await client.ok('STORE 1 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok(`COPY 2:3 ${quoteImap(ownName(server, folders[1] ?? []))}`);
  await client.ok('STORE 2 +FLAGS (\\Flagged $MDNSent Project-X)');
  const comment = Buffer.from(`Anmerkung für ${user}\r\n"zwei" Zeilen`);
  await client.ok('STORE 1 ANNOTATION (/comment (value.shared ', comment, ' value.priv "only mine"))');
  await client.ok('STORE 3:4 ANNOTATION (/altsubject (value.shared "Other subject"))');
  await client.ok(`SETMETADATA ${inbox} (/shared/comment `, comment, ' /private/comment "private words")');
  await client.ok(
    `SETMETADATA ${quoteImap(ownName(server, folders[1] ?? []))} (/shared/vendor/cmu/cyrus-imapd/expire "30")`,
  );
  await client.ok('UNSELECT');
  await append(client, ownName(server, ['Old stuff']), 2, `${user} old`, user);
  await client.ok(`DELETE ${quoteImap(ownName(server, ['Old stuff']))}`);
  if (index % 2 === 0) {
    await admin.ok(
      `SETQUOTA ${quoteImap(mailboxOf(server, user))} (STORAGE ${100_000 + index} MESSAGE 5000)`,
    );
  }
  // A colleague may read the work folder, and has read a message there: per-user seen state.
  const colleague = index === 0 ? 'kim' : 'anna';
  const work = mailboxOf(server, user, folders[1]);
  await admin.ok(`SETACL ${quoteImap(work)} ${colleague} lrs`);
  await admin.ok(`SETACL ${quoteImap(work)} -mallory lr`);
  if (index % 5 === 1) {
    await using reader = await server.imap(colleague);
    const [seenBy] = await reader.ok(`LIST "" ${quoteImap(`*${folders[1]?.join(separator(server))}`)}`);
    if (seenBy === undefined) throw new Error(`${colleague} sees no work folder of a colleague`);
    await reader.ok(`SELECT ${quoteImap(work)}`);
    await reader.ok('STORE 1:2 +FLAGS (\\Seen)');
  }
}

async function fillSieve(server: CyrusServer, user: string, index: number): Promise<void> {
  await using sieve = await SieveClient.login(server, user);
  await sieve.put(
    'vacation',
    `require ["vacation"];\r\nvacation :days 7 "Ich bin im Urlaub, Grüße, ${user}";\r\n`,
  );
  await sieve.put(
    'Räume und Listen',
    `require ["fileinto"];\r\nif header :contains "Subject" "Räksmörgås" { keep; }\r\n`,
  );
  if (index % 4 === 0) await sieve.activate('vacation');
}

/** One more user with `count` messages in the INBOX: files in the spool and a reconstruct, as APPEND takes minutes. */
export async function addBigUser(server: CyrusServer, user: string, count: number): Promise<void> {
  await using admin = await server.imap();
  await admin.ok(`CREATE ${quoteImap(mailboxOf(server, user))}`);
  const { stdout } = await server.runOk('mbpath', [mailboxOf(server, user)]);
  const directory = stdout.trim();
  await mkdir(directory, { recursive: true });
  const batch = 500;
  for (let first = 1; first <= count; first += batch) {
    const uids = Array.from({ length: Math.min(batch, count - first + 1) }, (_, index) => first + index);
    await Promise.all(
      uids.map((uid) => {
        const { bytes } = generateMail({ seed: `${user} ${uid}`, to: user, date: EPOCH + uid * 60 });
        return writeFile(join(directory, `${uid}.`), bytes, { mode: 0o600 });
      }),
    );
  }
  giveToCyrus(directory);
  await server.runOk('reconstruct', [mailboxOf(server, user)]);
  await using client = await server.imap(user);
  const [, , items] = (await client.ok(`STATUS ${quoteImap(ownName(server, []))} (MESSAGES)`))[0] ?? [];
  if (JSON.stringify(items) !== JSON.stringify(['MESSAGES', String(count)])) {
    throw new Error(
      `the big user has ${JSON.stringify(items)} after reconstruct, expected ${count} messages`,
    );
  }
}
