import { changeCalendars, fillCalendars } from './calendars.ts';
import type { CyrusServer } from './cyrus-server.ts';
import { quoteImap } from './imap-values.ts';
import { assertUniqueids, mailboxOf, ownName, type Population, separator } from './populate.ts';
import { nextSecond } from './two-sides.ts';

/** More keywords than one word of a record's flags holds. */
const KEYWORDS = Array.from({ length: 70 }, (_, i) => `Keyword${i}`);
const SPECIAL_USES = ['Sent', 'Drafts', 'Trash', 'Junk', 'Archive'];

/**
 * Adds to a population what many stores do not have, and a migration has to carry all the same: calendars and address books,
 * many keywords, special uses, rights that are taken away, and what users have with mailboxes that are not their own.
 */
export async function addRarities(server: CyrusServer, population: Population): Promise<void> {
  const [first = '', second = '', third = ''] = population.users;
  const own = (folder: readonly string[]) => quoteImap(ownName(server, folder));
  await using client = await server.imap(first);
  await client.ok('SELECT INBOX');
  await client.ok(`STORE 1:* +FLAGS (${KEYWORDS.join(' ')})`);
  for (const use of SPECIAL_USES) await client.ok(`CREATE ${own([use])} (USE (\\${use}))`);
  await client.ok(`SETACL ${own(['Sent'])} ${third} lrswipkxten`);
  await client.ok(`SETACL ${own(['Sent'])} -${third} xt`);
  await client.ok(`SETACL ${own(['Trash'])} -anyone w`);
  await client.ok(`SETACL ${own([])} ${third} lrsn`);
  await workWithMailboxesOfOthers(server, third, [mailboxOf(server, first), ...population.sharedMailboxes]);
  await workWithMailboxesOfOthers(server, second, population.sharedMailboxes.slice(1));
  // Cyrus 3.6.1 can give mailboxes of one second the same uniqueid, if processes of it make them side by side.
  await nextSecond();
  await fillCalendars(
    server,
    population.users.filter((_user, index) => index % 2 === 0),
  );
  await assertUniqueids(server);
}

/** Changes some of it. */
export async function changeRarities(
  server: CyrusServer,
  population: Population,
  round: number,
): Promise<void> {
  const [first = '', , third = ''] = population.users;
  await using client = await server.imap(first);
  // A special use can go to another mailbox.
  const uses = ['\\Junk', '\\Archive'].map((use) => `(/private/specialuse "${use}")`);
  const [junk = '', archive = ''] = ['Junk', 'Archive'].map((each) => quoteImap(ownName(server, [each])));
  for (const each of [junk, archive]) await client.ok(`SETMETADATA ${each} (/private/specialuse NIL)`);
  await client.ok(`SETMETADATA ${junk} ${uses[round % 2]}`);
  await client.ok(`SETMETADATA ${archive} ${uses[(round + 1) % 2]}`);
  await using reader = await server.imap(third);
  for (const name of [mailboxOf(server, first), ...population.sharedMailboxes.slice(0, 1)]) {
    await reader.ok(`SELECT ${quoteImap(name)}`);
    await reader.ok(`STORE ${3 + round} +FLAGS (\\Seen)`);
    await reader.ok(`STORE 2 ANNOTATION (/comment (value.priv "round ${round}"))`);
    await reader.ok(`${round % 2 === 0 ? 'SUBSCRIBE' : 'UNSUBSCRIBE'} ${quoteImap(name)}`);
  }
  await changeCalendars(server, [first, third], round);
}

/** Seen state, subscriptions and private annotations, which are the reader's and not the owner's. */
async function workWithMailboxesOfOthers(
  server: CyrusServer,
  reader: string,
  names: readonly string[],
): Promise<void> {
  await using admin = await server.imap();
  await using client = await server.imap(reader);
  for (const name of names) {
    const quoted = quoteImap(name);
    const hasOwner = name.startsWith(`user${separator(server)}`);
    if (!hasOwner) await admin.ok(`SETACL ${quoted} ${reader} lrsn`);
    await client.ok(`SUBSCRIBE ${quoted}`);
    await client.ok(`SELECT ${quoted}`);
    await client.ok('STORE 1,3 +FLAGS (\\Seen)');
    await client.ok('STORE 1:2 ANNOTATION (/comment (value.priv "of somebody else"))');
    // At one that is nobody's the process of 3.6.1 ends.
    if (hasOwner) await client.ok(`SETMETADATA ${quoted} (/private/comment "private words of ${reader}")`);
  }
}
