import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { filesBelow } from '../../lab/files-below.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/*
 * Goal: -a has a replica from 3.8 on stage new mail on its archive partition, and any other takes it without. Where a message
 * ends is for its age to say, whichever way it came (Cyrus's own toarchive, toarchive_noarchive).
 */

const CAN_STAGE = PROGRAMS.isAtLeast(3, 8);
const WITHOUT = /cannot stage on its archive partition; going on without/;

for (const archive of [true, false]) {
  for (const service of ['csync', 'imapd'] as const) {
    test(`-a over ${service} to a replica ${archive ? 'with' : 'without'} an archive brings all mail to where its age says`, async () => {
      await using pair = await startPair({ master: { archive: true }, replica: { archive } });
      const { master, replica } = pair;
      if (service === 'imapd') {
        master.configure('sync_port', String(replica.imapPort));
        master.configure('sync_try_imap', 'yes');
        await master.writeConfiguration();
      }
      await using admin = await master.imap();
      await admin.ok('CREATE user/anna');
      await using anna = await master.imap('anna');
      await append(anna, 'INBOX', 4, 'of 2024', 'anna');
      await anna.ok('APPEND INBOX ', Buffer.from('Subject: of today\r\n\r\n'));
      // Newer ones archive what is old when it arrives.
      await master.runOk('cyr_expire', ['-x', '-A', '1d', '-E', '10000']);
      const { stderr } = await syncClientOk(master, ['-a', '-A', '--log-to-stderr']);
      assert.equal(WITHOUT.test(stderr), !(archive && CAN_STAGE), stderr);
      await assertNothingLeft(pair);
      await assertSameMail(master, replica, ['anna']);
      assert.deepEqual(messageFiles(master), { spool: 1, archive: 4 });
      assert.deepEqual(messageFiles(replica), archive ? { spool: 1, archive: 4 } : { spool: 5, archive: 0 });
    });
  }
}

function messageFiles({ directory }: CyrusServer): { spool: number; archive: number } {
  const count = (folder: string): number =>
    filesBelow(join(directory, folder)).filter((file) => /\/\d+\.$/.test(file)).length;
  return { spool: count('spool'), archive: count('archive') };
}
