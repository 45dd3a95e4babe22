import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { ADMIN, PASSWORD, type Pair, startPair } from '../../lab/cyrus-server.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
import { append } from '../../lab/populate.ts';
import { settingsFor } from '../../lab/settings.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { logFile } from '../../lab/until.ts';
import { useServices } from '../../lab/use-services.ts';

/** Cyrus 3.6 keeps what a user has besides mail under the INBOX's uniqueid, and a former name still leads to it. */
let pair: Pair;
let admin: ImapClient;

before(async () => {
  pair = await startPair({
    both: { imapd: { allowusermoves: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  admin = await pair.master.imap();
  await createUser('other');
});

after(async () => {
  admin?.destroy();
  await pair?.stop();
});

async function createUser(user: string): Promise<void> {
  await admin.ok(`CREATE user/${user}`);
  await admin.ok(`SETACL user/${user} ${ADMIN} lrswipkxtecda`);
  await admin.ok(`SETACL user/${user} anyone lrs`);
  await using imap = await pair.master.imap(user);
  await append(imap, 'INBOX', 2, user, user);
}

/** A user with subscriptions, seen state and a script, alike on both ends. */
async function createRichUser(user: string): Promise<void> {
  await createUser(user);
  await useServices(pair.master, user);
  await syncClientOk(pair.master, ['-1']);
}

async function assertKept(user: string): Promise<void> {
  await syncClientOk(pair.master, ['-1']);
  await assertSameMail(pair.master, pair.replica, [user, 'other']);
  await assertNothingLeft(pair);
}

test('a former name that is used again and given up between two passes takes nothing from who had it before', async () => {
  await createRichUser('former');
  await admin.ok('RENAME user/former user/now');
  await syncClientOk(pair.master, ['-1']);
  await createUser('former');
  await admin.ok('DELETE user/former');
  await assertKept('now');
});

test('a user who is renamed is renamed on the replica, and nothing is sent again', async () => {
  await createRichUser('before');
  await admin.ok('RENAME user/before user/after');
  const { code, stdout, stderr } = await syncClient(pair.master, ['-v', '-v', '-1']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^RENAME user\.before -> user\.after /m);
  assert.doesNotMatch(stderr, /APPLY MESSAGE|NO IMAP_/);
  await assertKept('after');
});

/** The state after a run that is cut off after its first command. */
async function renameOnReplica(oldName: string, newName: string): Promise<void> {
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${pair.replica.syncPort}`, {
      tryImap: false,
      authname: ADMIN,
      password: PASSWORD,
    }),
  );
  const [there] = await session.getMailboxes([oldName]);
  const { partition = '', uidvalidity = 0 } = there ?? {};
  await session.applyRename({ oldName, newName, partition, uidvalidity, local: false });
  await session.exit();
}

for (const reused of ['not', 'at once', 'later'] as const) {
  const user = `begun${reused.replace(' ', '')}`;
  const again = reused === 'not' ? '' : `, with the name used again ${reused}`;
  test(`a renaming that was cut off right after the INBOX takes nothing from the user${again}`, async () => {
    await createRichUser(user);
    await admin.ok(`RENAME user/${user} user/${user}now`);
    await renameOnReplica(`user.${user}`, `user.${user}now`);
    if (reused === 'later') {
      // All lines that tie the two names have been dealt with, before the last one could be.
      await rm(logFile(pair.master));
      await syncClientOk(pair.master, ['-u', `${user}now`]);
    }
    if (reused !== 'not') {
      await createUser(user);
      await admin.ok(`DELETE user/${user}`);
    }
    await assertKept(`${user}now`);
  });
}
