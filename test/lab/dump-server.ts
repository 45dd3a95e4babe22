import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import type { ImapClient } from './imap-client.ts';
import { expectList, expectText, type ImapValue, quoteImap } from './imap-values.ts';
import { mailboxOf, separator } from './populate.ts';
import { SieveClient, type SieveScript } from './sieve-client.ts';

/** The content of a server, as its own tools and its IMAP and ManageSieve clients see it: plain data. */
export interface ServerDump {
  /** Rows of the mailbox list by internal name, deleted and intermediate ones included. */
  list: Record<string, ListRow>;
  /** Mail of each user and of the shared mailboxes, by the name that its reader uses: `anna INBOX/Work`. */
  mail: Record<string, MailboxDump>;
  /** Message files of mailboxes that no IMAP client may open (deleted mailboxes, scripts, calendars), by admin name. */
  files: Record<string, Record<string, string>>;
  users: Record<string, UserDump>;
}

export interface ListRow {
  uniqueid: string;
  acl: Record<string, string>;
  mbtype: string;
  partition: string;
  uidvalidity: string;
}

export interface MailboxDump {
  uidNext: string;
  highestModseq: string;
  /** Usage is left out: only limits replicate. */
  quota: string[];
  metadata: Record<string, string>;
  /** By UID. */
  messages: Record<string, MessageDump>;
}

export interface MessageDump {
  flags: string;
  internalDate: string;
  size: string;
  modseq: string;
  thread: string;
  /** SHA-1 of the message as sent to an IMAP client, so of the file rather than of the index. */
  digest: string;
  annotations: Record<string, string>;
}

export interface UserDump {
  subscriptions: string[];
  /** UIDs that this user has seen in each mailbox that is not the user's own. */
  seenElsewhere: Record<string, string>;
  scripts: SieveScript[];
}

/** The server's own bookkeeping: when it last touched the index, and how it stores what it computes itself. */
const LOCAL_METADATA = [
  '/shared/vendor/cmu/cyrus-imapd/lastupdate',
  '/shared/vendor/cmu/cyrus-imapd/annotsize',
];

/**
 * Below index versions 15 and 16 a mailbox has no room for these in its records and keeps them as annotations; the
 * replica, of its own version, has them in the record. The C client leaves the same difference.
 */
const RECORD_ANNOTATIONS = ['/vendor/cmu/cyrus-imapd/savedate', '/vendor/cmu/cyrus-imapd/createdmodseq'];

/** Connections at a time: enough to hide the servers' delays, few enough for a small machine. */
const PARALLEL_USERS = 4;

const FETCH_ITEMS =
  'UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ THREADID BODY.PEEK[] ANNOTATION ("/*" ("value.shared" "value.priv"))';

/** Dumps a whole server without changing it (EXAMINE and PEEK throughout). `users`: whose own view is dumped. */
export async function dumpServer(
  server: CyrusServer,
  users: readonly string[],
  options: { scripts: boolean } = { scripts: true },
): Promise<ServerDump> {
  const list = await dumpList(server);
  await using admin = await server.imap();
  const names = await listNames(admin, '*');
  const dump: ServerDump = { list, mail: {}, files: {}, users: {} };
  const divider = separator(server);
  const unopenable = names.filter(
    (name) => name.startsWith(`DELETED${divider}`) || /#(?:sieve|calendars|addressbooks)\b/.test(name),
  );
  dump.files = await dumpFiles(server, unopenable);
  const shared = names.filter((name) => !name.startsWith(`user${divider}`) && !unopenable.includes(name));
  for (const [name, mailbox] of await dumpMailboxes(admin, shared)) {
    // Seen state of the administrator is not replicated with -A: there is no INBOX of that name.
    for (const message of Object.values(mailbox.messages)) {
      message.flags = message.flags
        .split(' ')
        .filter((flag) => flag !== '\\Seen')
        .join(' ');
    }
    dump.mail[`admin ${name}`] = mailbox;
  }
  for (let first = 0; first < users.length; first += PARALLEL_USERS) {
    const batch = users.slice(first, first + PARALLEL_USERS);
    for (const part of await Promise.all(
      batch.map((user) => dumpUser(server, user, names, options.scripts)),
    )) {
      Object.assign(dump.mail, part.mail);
      Object.assign(dump.users, part.users);
    }
  }
  return dump;
}

async function dumpUser(
  server: CyrusServer,
  user: string,
  allNames: readonly string[],
  withScripts: boolean,
): Promise<Pick<ServerDump, 'mail' | 'users'>> {
  await using client = await server.imap(user);
  const divider = separator(server);
  const names = (await listNames(client, '*')).filter((name) => !/#(?:sieve|jmapnotification)$/.test(name));
  const own = names.filter((name) => name === 'INBOX' || name.startsWith(`INBOX${divider}`));
  const foreign = names.filter((name) => !own.includes(name));
  const mail: ServerDump['mail'] = {};
  for (const [name, mailbox] of await dumpMailboxes(client, own)) mail[`${user} ${name}`] = mailbox;
  const seen = await Promise.all(foreign.map(async (name) => [name, await seenUids(client, name)] as const));
  const subscribed = await client.ok('LSUB "" "*"');
  const subscriptions = subscribed.map(([, , , name]) => expectText(name, 'a subscribed name')).sort();
  // A ManageSieve login creates the script mailbox: only those who have one may be asked, where there are such.
  const asked = mailboxOf(server, user, server.programs.keepScriptsInMailbox ? ['#sieve'] : []);
  const scripts = withScripts && allNames.includes(asked) ? await dumpScripts(server, user) : [];
  return { mail, users: { [user]: { subscriptions, seenElsewhere: Object.fromEntries(seen), scripts } } };
}

async function dumpScripts(server: CyrusServer, user: string): Promise<SieveScript[]> {
  await using sieve = await SieveClient.login(server, user);
  return await sieve.scripts();
}

async function dumpList(server: CyrusServer): Promise<Record<string, ListRow>> {
  if (!server.programs.isAtLeast(3, 6)) return await dumpListByName(server);
  const { stdout } = await server.runOk('ctl_mboxlist', ['-d']);
  const rows = JSON.parse(stdout) as Record<string, Partial<ListRow>>;
  const list: Record<string, ListRow> = {};
  for (const [name, row] of Object.entries(rows)) {
    const { uniqueid = '', acl = {}, mbtype = '', partition = '', uidvalidity = '' } = row;
    // A tombstone is the master's memory of a name: a replica has it only if it saw the mailbox alive.
    if (!mbtype.includes('d')) list[name] = { uniqueid, acl, mbtype, partition, uidvalidity };
  }
  return list;
}

/** Up to 3.4 the tool tells no uniqueids: the rows are `NAME TAB %(A %(USER RIGHTS ...) I ID P PARTITION V NUMBER ...)`. */
async function dumpListByName(server: CyrusServer): Promise<Record<string, ListRow>> {
  const database = join(server.configDirectory, 'mailboxes.db');
  const format = server.setting('mboxlist_db') ?? 'twoskip';
  const { stdout } = await server.runOk('cyr_dbtool', [database, format, 'show']);
  const list: Record<string, ListRow> = {};
  for (const line of stdout.split('\n')) {
    const row = /^([^\t]+)\t%\((?:A %\(([^)]*)\))?(.*)\)$/.exec(line);
    if (row === null) continue;
    const [, name = '', rights = '', rest = ''] = row;
    const words = (text: string) =>
      [...text.matchAll(/"((?:[^"\\]|\\.)*)"|[^ ]+/g)].map(([all, quoted]) => quoted ?? all);
    const inPairs = (text: string) =>
      Object.fromEntries(
        words(text).flatMap((word, i, all) => (i % 2 === 0 ? [[word, all[i + 1] ?? '']] : [])),
      );
    const { I: uniqueid = '', P: partition = '', V: uidvalidity = '', T: mbtype = '' } = inPairs(rest);
    // An intermediate is none of the replication's then: each server makes its own.
    if (!/[di]/.test(mbtype)) list[name] = { uniqueid, acl: inPairs(rights), mbtype, partition, uidvalidity };
  }
  return list;
}

async function listNames(client: ImapClient, pattern: string): Promise<string[]> {
  const names: string[] = [];
  for (const [kind, attributes, , name] of await client.ok(`LIST "" "${pattern}"`)) {
    if (kind !== 'LIST') continue;
    const closed = expectList(attributes, 'attributes').some((each) =>
      ['\\noselect', '\\nonexistent'].includes(String(each).toLowerCase()),
    );
    if (!closed) names.push(expectText(name, 'a mailbox name'));
  }
  return names;
}

async function dumpMailboxes(client: ImapClient, names: readonly string[]): Promise<[string, MailboxDump][]> {
  return await Promise.all(
    names.map(async (name) => [name, await dumpMailbox(client, name)] as [string, MailboxDump]),
  );
}

/**
 * Sends all its commands before it awaits any, so that several calls pipeline: a server that waits for each question
 * answers in 40 ms steps (delayed acknowledgements).
 */
async function dumpMailbox(client: ImapClient, name: string): Promise<MailboxDump> {
  const quoted = quoteImap(name);
  const [examined, fetched, metadataAnswers, quotaAnswers] = await Promise.all([
    client.ok(`EXAMINE ${quoted}`),
    client.ok(`UID FETCH 1:* (${FETCH_ITEMS})`),
    client.ok(`GETMETADATA (DEPTH infinity) ${quoted} (/shared /private)`),
    client.ok(`GETQUOTAROOT ${quoted}`),
  ]);
  const messages: Record<string, MessageDump> = {};
  for (const [, kind, items] of fetched) {
    if (kind !== 'FETCH') continue;
    const values = new Map(pairs(expectList(items, 'FETCH items')));
    messages[expectText(values.get('UID'), 'a UID')] = messageDump(values);
  }
  const metadata: Record<string, string> = {};
  for (const answer of metadataAnswers) {
    if (answer[0] !== 'METADATA') continue;
    for (const [entry, value] of pairs(expectList(answer[2], 'metadata'))) {
      if (typeof value === 'string' && !LOCAL_METADATA.includes(entry)) metadata[entry] = value;
    }
  }
  const quota: string[] = [];
  for (const answer of quotaAnswers) {
    if (answer[0] !== 'QUOTA') continue;
    const resources = expectList(answer[2], 'quota resources');
    for (let index = 0; index < resources.length; index += 3) {
      quota.push(`${answer[1]} ${resources[index]} ${resources[index + 2]}`);
    }
  }
  return { ...statusCodes(examined), quota, metadata, messages };
}

function messageDump(values: Map<string, ImapValue>): MessageDump {
  const flags = expectList(values.get('FLAGS'), 'flags').map(String);
  const annotations: Record<string, string> = {};
  // An entry comes twice when it has a shared value but no private one or the other way round.
  for (const [entry, attributes] of pairs(expectList(values.get('ANNOTATION'), 'annotations'))) {
    if (RECORD_ANNOTATIONS.includes(entry)) continue;
    for (const [attribute, value] of pairs(expectList(attributes, 'annotation values'))) {
      if (typeof value === 'string') annotations[`${entry} ${attribute}`] = value;
    }
  }
  const body = expectText(values.get('BODY[]'), 'a message');
  return {
    // \Recent is a matter of who looked first.
    flags: flags
      .filter((flag) => flag !== '\\Recent')
      .sort()
      .join(' '),
    internalDate: expectText(values.get('INTERNALDATE'), 'a date'),
    size: expectText(values.get('RFC822.SIZE'), 'a size'),
    modseq: JSON.stringify(values.get('MODSEQ')),
    thread: JSON.stringify(values.get('THREADID')),
    digest: createHash('sha1').update(Buffer.from(body, 'latin1')).digest('hex'),
    annotations,
  };
}

function statusCodes(answers: readonly ImapValue[][]): { uidNext: string; highestModseq: string } {
  let uidNext = '';
  let highestModseq = '';
  for (const answer of answers) {
    const text = String(answer[1] ?? '');
    uidNext = /^\[UIDNEXT (\d+)\]/.exec(text)?.[1] ?? uidNext;
    highestModseq = /^\[HIGHESTMODSEQ (\d+)\]/.exec(text)?.[1] ?? highestModseq;
  }
  return { uidNext, highestModseq };
}

async function seenUids(client: ImapClient, name: string): Promise<string> {
  const [examined, found] = await Promise.all([
    client.command(`EXAMINE ${quoteImap(name)}`),
    client.command('UID SEARCH SEEN'),
  ]);
  // A mailbox may be listed without being readable; that must then be so at both ends.
  if (examined.status !== 'OK') return `${examined.status} ${examined.text}`;
  return found.untagged.map(([, ...uids]) => uids.join(' ')).join();
}

async function dumpFiles(
  server: CyrusServer,
  names: readonly string[],
): Promise<Record<string, Record<string, string>>> {
  if (names.length === 0) return {};
  // Since 3.10 it would take them for UTF-8.
  const spelling = server.programs.isAtLeast(3, 10) ? ['-7'] : [];
  const { stdout, stderr } = await server.runOk('mbpath', [...spelling, ...names]);
  const directories = stdout.trim().split('\n');
  if (directories.length !== names.length)
    throw new Error(`mbpath of ${names.length} mailboxes gave:\n${stdout}${stderr}\nfor ${names.join(', ')}`);
  const dump: Record<string, Record<string, string>> = {};
  for (const [index, name] of names.entries()) {
    const spool = directories[index] ?? '';
    const files: Record<string, string> = {};
    const archive = spool.replace(join(server.directory, 'spool'), join(server.directory, 'archive'));
    for (const directory of [spool, archive].filter((each) => existsSync(each))) {
      for (const file of await readdir(directory)) {
        if (!/^\d+\.$/.test(file)) continue;
        files[file] = createHash('sha1')
          .update(await readFile(join(directory, file)))
          .digest('hex');
      }
    }
    dump[name] = files;
  }
  return dump;
}

/** Not a map: names may repeat. */
function pairs(list: readonly ImapValue[]): [string, ImapValue][] {
  const found: [string, ImapValue][] = [];
  for (let index = 0; index + 1 < list.length; index += 2) {
    found.push([expectText(list[index], 'a name'), list[index + 1] ?? null]);
  }
  return found;
}
