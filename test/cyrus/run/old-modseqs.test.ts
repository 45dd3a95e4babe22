import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { setModseqs } from '../../lab/set-modseqs.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

/*
 * Cyrus 2.4 gave modseq 0 to all mail of an index that it upgraded, and Cyrus 2.3 modseq 1 without CONDSTORE. Real servers take
 * such mail at a first copy and above the LAST_UID of an empty mailbox, whatever that one's HIGHESTMODSEQ.
 */

async function indexOf(server: CyrusServer, mailbox: string): Promise<string> {
  return join((await server.runOk('mbpath', [mailbox])).stdout.trim(), 'cyrus.index');
}

for (const isThere of [false, true]) {
  const where = isThere ? 'to mailboxes that are there, empty' : 'to a replica without the users';
  test(`mail of modseq 0 or 1 is copied as it is, ${where}, and the master stays as it was`, async () => {
    await using pair = await startPair();
    // The last of these users alone has mail that can go in steps.
    pair.master.configure('sync_batchsize', '2');
    await pair.master.writeConfiguration();
    await using sides = await openSides(pair);
    const settings = join(pair.master.directory, 'settings.ini');
    writeFileSync(settings, 'master = none\n', { mode: 0o644 });
    const args = ['--settings', settings, '-A'];
    const subjects = ['one', 'two', 'three', 'four'];
    const mailboxes = {
      'user/anna': [0, 0, 0],
      'user/bob': [1, 1, 1, 1],
      'user/carl': [0, 0, 0, 0],
      'user/dora': [0, 0],
    };
    for (const mailbox of Object.keys(mailboxes)) await sides.master.create(mailbox);
    if (isThere) await syncClientOk(pair.master, args);
    for (const [mailbox, modseqs] of Object.entries(mailboxes)) {
      for (const subject of subjects) await sides.master.append(mailbox, subject);
      setModseqs(await indexOf(pair.master, mailbox), modseqs);
    }
    const before = await sides.master.messages('user/anna');

    const run = await syncClientOk(pair.master, ['-v', '-v', ...args]);
    assert.equal(run.stderr.match(/APPLY MAILBOX .*MBOXNAME user\.dora .*RECORD \(%/g)?.length, 2);
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, ['anna', 'bob', 'carl', 'dora']);
    assert.deepEqual(await sides.master.messages('user/anna'), before);

    for (const mailbox of Object.keys(mailboxes)) {
      await sides.master.append(mailbox, 'five');
      await sides.master.flag(mailbox, 2, '\\Flagged');
      await sides.master.expunge(mailbox, 3);
    }
    await syncClientOk(pair.master, args);
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, ['anna', 'bob', 'carl', 'dora']);
  });
}
