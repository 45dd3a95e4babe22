import type { CyrusServer } from './cyrus-server.ts';
import { SieveClient } from './sieve-client.ts';

/** Gives a user subscriptions, seen state of the INBOX of the user `other`, and an active script. */
export async function useServices(server: CyrusServer, user: string): Promise<void> {
  await using imap = await server.imap(user);
  await imap.ok('SUBSCRIBE INBOX');
  await imap.ok('SUBSCRIBE user/other');
  await imap.ok('SELECT user/other');
  await imap.ok('STORE 1 +FLAGS (\\Seen)');
  await using sieve = await SieveClient.login(server, user);
  await sieve.put('rules', 'keep;\r\n');
  await sieve.activate('rules');
}
