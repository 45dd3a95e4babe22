import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaUser } from '../../../src/protocol/replica-session.ts';
import { ADMIN, PASSWORD, type Pair, startPair } from '../../lab/cyrus-server.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
import { append } from '../../lab/populate.ts';
import { settingsFor } from '../../lab/settings.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { useServices } from '../../lab/use-services.ts';

/** A deletion leaves mailboxes in DELETED, and must leave nothing else to whoever gets the name next. */
let pair: Pair;
let admin: ImapClient;

before(async () => {
  pair = await startPair({
    both: { imapd: { allowusermoves: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  admin = await pair.master.imap();
  await admin.ok('CREATE user/other');
  for (const who of ['anyone', ADMIN]) await admin.ok(`SETACL user/other ${who} lrswi`);
  await append(admin, 'user/other', 2, 'other', 'other');
});

after(async () => {
  admin?.destroy();
  await pair?.stop();
});

/** Makes a user who has something of everything that goes by the user's name, alike on both ends. */
async function makeRichUser(user: string): Promise<void> {
  for (const folder of ['', '/Work']) await admin.ok(`CREATE user/${user}${folder}`);
  await admin.ok(`SETACL user/${user} ${ADMIN} lrswipkxtecda`);
  await admin.ok(`SETQUOTA user/${user} (STORAGE 1000)`);
  // A server ends the connections of a user who is deleted.
  await useServices(pair.master, user);
  await syncClientOk(pair.master, ['-1']);
}

async function deleteRichUser(user: string): Promise<void> {
  await makeRichUser(user);
  await admin.ok(`DELETE user/${user}`);
}

async function tellsOf(user: string): Promise<ReplicaUser> {
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${pair.replica.syncPort}`, {
      tryImap: false,
      authname: ADMIN,
      password: PASSWORD,
    }),
  );
  const told = await session.getUser(user);
  await session.exit();
  return told;
}

async function assertOnlyDeletedAreLeft(user: string): Promise<void> {
  const { mailboxes, quotas, subscriptions, sieve, seen } = await tellsOf(user);
  for (const { name } of mailboxes) assert.match(name, /^DELETED\.user\./);
  assert.ok(mailboxes.length >= 2, 'what was deleted is there until it expires');
  assert.deepEqual({ quotas, subscriptions, sieve }, { quotas: [], subscriptions: [], sieve: [] });
  // Newer servers tell of the former user's until the name is used again.
  if (!pair.replica.programs.isAtLeast(3, 4)) assert.equal(seen.map(({ seenuids }) => seenuids).join(), '');
  await using there = await pair.replica.imap();
  assert.equal((await there.command(`GETQUOTA user/${user}`)).status, 'NO');
}

test('rolling mode leaves nothing of a deleted user but the deleted mailboxes', async () => {
  await deleteRichUser('rolled');
  await syncClientOk(pair.master, ['-1']);
  await assertOnlyDeletedAreLeft('rolled');
});

test('rolling mode leaves no quota of a deleted user who had nothing else', async () => {
  await admin.ok('CREATE user/plain');
  await admin.ok('SETQUOTA user/plain (STORAGE 1000)');
  await syncClientOk(pair.master, ['-1']);
  await admin.ok(`SETACL user/plain ${ADMIN} lrswipkxtecda`);
  await admin.ok('DELETE user/plain');
  await syncClientOk(pair.master, ['-1']);
  await using there = await pair.replica.imap();
  assert.equal((await there.command('GETQUOTA user/plain')).status, 'NO');
});

test('a run of a deleted user leaves nothing but the deleted mailboxes', async () => {
  await deleteRichUser('named');
  await syncClientOk(pair.master, ['-u', 'named']);
  await assertOnlyDeletedAreLeft('named');
});

test('a run removes what another client has left of a deleted user whose mailboxes went before', async () => {
  await deleteRichUser('before');
  const deleted = (await admin.ok('LIST "" DELETED/user/before/*')).map(([, , , name]) => String(name));
  await syncClientOk(pair.master, ['-m', ...deleted]);
  await syncClientOk(pair.master, ['-u', 'before']);
  await assertOnlyDeletedAreLeft('before');
});

async function assertHasNothingOfFormer(user: string): Promise<void> {
  await using there = await pair.replica.imap();
  assert.equal((await there.command(`GETQUOTA user/${user}`)).status, 'NO');
  const { subscriptions, sieve, seen } = await tellsOf(user);
  assert.deepEqual(subscriptions, []);
  assert.equal(seen.map(({ seenuids }) => seenuids).join(), '');
  // What an older server had compiled of a script goes at the next look.
  assert.deepEqual(
    sieve.filter(({ filename, active }) => active || filename.endsWith('.script')),
    [],
  );
}

test('who gets the name of a deleted user between two passes has no quota, subscriptions, seen state and scripts of that user', async () => {
  await deleteRichUser('again');
  await admin.ok('CREATE user/again');
  await syncClientOk(pair.master, ['-1']);
  await assertHasNothingOfFormer('again');
});

test('who gets the name of a deleted user between two runs has none of that either', async () => {
  await deleteRichUser('anew');
  await admin.ok('CREATE user/anew');
  await syncClientOk(pair.master, ['-u', 'anew']);
  await assertHasNothingOfFormer('anew');
});

test('who gets the name of a renamed user between two passes has none of that either', async () => {
  await makeRichUser('left');
  await admin.ok('RENAME user/left user/elsewhere');
  await admin.ok('CREATE user/left');
  await syncClientOk(pair.master, ['-1']);
  await assertHasNothingOfFormer('left');
  const { subscriptions, seen } = await tellsOf('elsewhere');
  assert.deepEqual([subscriptions.length, seen.length], [2, 1]);
});
