import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { assertSettled } from '../../lab/assert-settled.ts';
import { ADMIN, giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
import { append } from '../../lab/populate.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/**
 * The scenarios of Cyrus's own test suite in which a replica has lost what the master believes to be there
 * (algorithm 15), by its names: there the sync cache is what believes it. Here there is none, and every run has to see.
 */
let pair: Pair;
let admin: ImapClient;

/** A user with a folder `sub` below another, alike on both ends, whom the replica then loses. */
async function lostUser(name: string): Promise<string> {
  const user = name.replaceAll('_', '');
  for (const folder of ['', '/deep', '/deep/sub']) {
    await admin.ok(`CREATE user/${user}${folder}`);
    await using imap = await pair.master.imap(user);
    await append(imap, `INBOX${folder}`, 2, folder, user);
    await imap.ok(`SUBSCRIBE INBOX${folder}`);
  }
  await syncClientOk(pair.master, ['-u', user]);
  await using there = await pair.replica.imap();
  await there.ok(`SETACL user/${user} ${ADMIN} lrswipkxtecda`);
  await there.ok(`DELETE user/${user}`);
  assert.deepEqual(await onReplica(user), []);
  await using imap = await pair.master.imap(user);
  await append(imap, 'INBOX/deep/sub', 1, 'after the loss', user);
  return user;
}

async function onReplica(user: string): Promise<string[]> {
  await using there = await pair.replica.imap();
  return (await there.ok(`LIST "" user/${user}*`)).map(([, , , name]) => String(name));
}

/** `-R -f`: what rolling mode makes of these lines. */
async function roll(lines: string): Promise<ToolResult> {
  const file = join(pair.master.directory, 'lines');
  writeFileSync(file, lines);
  giveToCyrus(file);
  return await syncClient(pair.master, ['-R', '-f', file, '--log-to-stderr']);
}

async function assertBack(user: string): Promise<void> {
  // The replica's tombstones have raised FOLDERMODSEQ there. The C client takes that over to the master, as its only
  // change; ours leaves it alone.
  await assertSettled(pair, user);
  await assertSameMailOf(pair.master, pair.replica, [user]);
}

// Deleted at once, or under a new name with the uniqueid that the master has.
for (const mode of ['immediate', 'delayed']) {
  describe(`delete_mode: ${mode}`, () => {
    before(async () => {
      pair = await startPair({ both: { imapd: { delete_mode: mode } } });
      admin = await pair.master.imap();
    });

    after(async () => {
      admin?.destroy();
      await pair?.stop();
    });

    test('mailbox_parent_missing_refused', async () => {
      const user = await lostUser('mailbox_parent_missing_refused');
      const run = await syncClient(pair.master, ['-m', `user/${user}/deep/sub`]);
      assert.deepEqual(await onReplica(user), [], 'a folder without its user');
      assert.equal(run.code, 1);
      assert.match(run.stderr, new RegExp(`user/${user}/deep is missing on the replica \\(.*sync_client -u`));
      await syncClientOk(pair.master, ['-u', user]);
      await assertBack(user);
    });

    test('stale_synccache_replica_user_gone', async () => {
      const user = await lostUser('stale_synccache_replica_user_gone');
      const run = await roll(`MAILBOX user.${user}.deep.sub\n`);
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stderr, new RegExp(`Promoting: MAILBOX user.${user}.deep.sub -> USER ${user}`));
      await assertBack(user);
    });

    test('synccache_rolling_only', async () => {
      const user = await lostUser('synccache_rolling_only');
      await syncClientOk(pair.master, ['-u', user]);
      await assertBack(user);
    });

    test('synccache_skipped_for_user', async () => {
      const user = await lostUser('synccache_skipped_for_user');
      const run = await roll(`USER ${user}\n`);
      assert.equal(run.code, 0, run.stderr);
      await assertBack(user);
    });
  });
}
