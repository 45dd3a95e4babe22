import type { CyrusServer } from './cyrus-server.ts';
import { quoteImap } from './imap-values.ts';
import { append, assertUniqueids, mailboxOf, ownName, type Population } from './populate.ts';
import { SieveClient } from './sieve-client.ts';
import { nextSecond } from './two-sides.ts';

/**
 * One round of everyday changes on a populated master: flags, new mail, expunges, copies, annotations, rights,
 * subscriptions, scripts, quota, renamed, new and deleted folders, and a new user. Each kind falls on another user, so
 * that some users stay as they are. Returns the population with the new user.
 */
export async function changeRound(
  server: CyrusServer,
  population: Population,
  round = 1,
): Promise<Population> {
  const newUser = `newcomer${round}`;
  await using admin = await server.imap();
  await admin.ok(`CREATE ${quoteImap(mailboxOf(server, newUser))}`);
  await admin.ok(`CREATE ${quoteImap(mailboxOf(server, newUser, ['Sent']))}`);
  const ordinary = population.users.filter(
    (user) => user !== population.emptyUser && !user.startsWith('newcomer'),
  );
  const [flags, mail, expunge, copy, annotations, rights] = ordinary;
  const second = population.folders[1] ?? [];
  const last = population.folders.at(-1) ?? [];

  await asUser(server, flags, async (client) => {
    await client.ok('STORE 1:3 +FLAGS (\\Seen \\Answered)');
    await client.ok(`STORE 2 FLAGS (New-Keyword-${round})`);
    await client.ok('STORE 4 -FLAGS (\\Flagged \\Seen)');
  });
  await asUser(server, mail, async (client, user) => {
    await append(client, ownName(server, []), 3, `${user} round ${round}`, user, `Plans of ${user}`);
    await append(client, ownName(server, last), 1, `${user} last ${round}`, user);
  });
  await asUser(server, expunge, async (client) => {
    await client.ok('STORE 1,3 +FLAGS (\\Deleted)');
    await client.ok('EXPUNGE');
  });
  await asUser(server, copy, async (client) => {
    await client.ok(`COPY 1:2 ${quoteImap(ownName(server, last))}`);
    await client.ok(`MOVE 3 ${quoteImap(ownName(server, second))}`);
  });
  await asUser(server, annotations, async (client) => {
    await client.ok(`STORE 1 ANNOTATION (/comment (value.shared "changed ${round}" value.priv NIL))`);
    await client.ok(`STORE 2 ANNOTATION (/altsubject (value.priv "mine ${round}"))`);
    await client.ok(`SETMETADATA INBOX (/shared/comment "round ${round}" /private/comment NIL)`);
  });
  await asUser(server, rights, async (client, user) => {
    await admin.ok(`SETACL ${quoteImap(mailboxOf(server, user, second))} anyone l`);
    await client.ok(`UNSUBSCRIBE ${quoteImap(ownName(server, []))}`);
    await client.ok(`SUBSCRIBE ${quoteImap(ownName(server, population.folders[2] ?? []))}`);
    const made = ownName(server, [`New ${round}`, 'Deep']);
    // Two processes of 3.6.1 that make mailboxes within one second may give both the same id.
    await nextSecond();
    await client.ok(`CREATE ${quoteImap(made)}`);
    await append(client, made, 2, `${user} new ${round}`, user);
    const renamed = ownName(server, [`Renamed ${round}`]);
    const from = round === 1 ? ['Name with blanks'] : [`Renamed ${round - 1}`];
    await client.ok(`RENAME ${quoteImap(ownName(server, from))} ${quoteImap(renamed)}`);
    if (round === 1) await client.ok(`DELETE ${quoteImap(ownName(server, population.folders[4] ?? []))}`);
  });
  // Users of even index have scripts, those of index 0, 4, 8 an active one.
  const [, , edited, , deactivated] = ordinary;
  await withSieve(server, edited, async (sieve) => {
    await sieve.put('vacation', `keep; # round ${round}\r\n`);
    await sieve.put(`round ${round}`, 'discard;\r\n');
    await sieve.activate(`round ${round}`);
  });
  await withSieve(server, deactivated, (sieve) => sieve.activate(''));
  if (edited !== undefined) {
    await admin.ok(`SETQUOTA ${quoteImap(mailboxOf(server, edited))} (STORAGE ${200_000 + round})`);
  }
  const shared = population.sharedMailboxes[0];
  if (shared !== undefined) await append(admin, shared, 1, `shared round ${round}`, 'everybody');
  await asUser(server, newUser, async (client, user) => {
    await append(client, ownName(server, ['Sent']), 2, `${user} sent`, user);
    await client.ok(`SUBSCRIBE ${quoteImap(ownName(server, ['Sent']))}`);
  });
  await assertUniqueids(server);
  return { ...population, users: [...population.users, newUser] };
}

type ImapClientOf = Awaited<ReturnType<CyrusServer['imap']>>;

async function asUser(
  server: CyrusServer,
  user: string | undefined,
  change: (client: ImapClientOf, user: string) => Promise<void>,
): Promise<void> {
  if (user === undefined) throw new Error('the population has too few users for a round of changes');
  await using client = await server.imap(user);
  await client.ok('SELECT INBOX');
  await change(client, user);
}

async function withSieve(
  server: CyrusServer,
  user: string | undefined,
  change: (sieve: SieveClient) => Promise<void>,
): Promise<void> {
  if (user === undefined) throw new Error('the population has too few users for a round of changes');
  await using sieve = await SieveClient.login(server, user);
  await change(sieve);
}
