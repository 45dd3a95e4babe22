import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { type Pair, type ServerOptions, startPair } from '../../lab/cyrus-server.ts';
import { mailboxOf, populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** Small stores, one for each way in which imapd.conf changes what lies where. */
const LAYOUTS: Record<string, ServerOptions> = {
  'hierarchy separator /': { imapd: { unixhierarchysep: 'yes' } },
  'hierarchy separator .': { imapd: { unixhierarchysep: 'no' } },
  'users of several domains': { imapd: { virtdomains: 'userid', defaultdomain: 'example.net' } },
  'hashed spool and full directory hash': { imapd: { hashimapspool: 'yes', fulldirhash: 'yes' } },
  'directories by mailbox name': { imapd: { mailbox_legacy_dirs: 'yes' } },
  'directories by name, hashed, with domains': {
    imapd: {
      mailbox_legacy_dirs: 'yes',
      hashimapspool: 'yes',
      fulldirhash: 'yes',
      virtdomains: 'userid',
      defaultdomain: 'example.net',
    },
  },
  'conversations on': { imapd: { conversations: 'yes' } },
  'meta files on a partition of their own': { metapartitionFiles: 'header index cache expunge annotations' },
  'an archive partition': { archive: true },
  'shared rights by reverse lookup': { imapd: { reverseacls: 'yes' } },
  'keys in the order of mailboxes': {
    imapd: { improved_mboxlist_sort: 'yes', quota_db: 'twoskip' },
  },
  'expunge at once': { imapd: { expunge_mode: 'immediate', delete_mode: 'immediate' } },
};

for (const [name, options] of Object.entries(LAYOUTS)) {
  test(`first copy and changes of a store with ${name}`, async () => {
    await using pair = await startPair({ both: options });
    await copyAndChange(pair);
  });
}

for (const version of [13, 16]) {
  test(`first copy and changes of mailboxes with index version ${version}`, async () => {
    await using pair = await startPair();
    await copyAndChange(pair, async (users) => {
      const inboxes = users.map((user) => mailboxOf(pair.master, user));
      await pair.master.runOk('reconstruct', ['-r', '-V', String(version), ...inboxes]);
    });
  });
}

async function copyAndChange(
  pair: Pair,
  prepare: (users: readonly string[]) => Promise<void> = async () => undefined,
): Promise<void> {
  const population = await populate(pair.master, { users: 6 });
  await prepare(population.users);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, population.users);
  const changed = await changeRound(pair.master, population);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, changed.users);
}
