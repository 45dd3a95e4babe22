import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { differences } from '../../lab/differences.ts';
import { dumpServer } from '../../lab/dump-server.ts';
import { append } from '../../lab/populate.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { syncClient } from '../../lab/sync-client.ts';

/** The replica's server dies of a script in `#sieve` that it cannot compile; from 3.12 on it refuses the mailbox. */
const WHY = PROGRAMS.isAtLeast(3, 12)
  ? 'MAILBOX received NO response: IMAP_SYNC_BADSIEVE'
  : 'the connection breaks each time';
const KEEPS_IT = 'where scripts are files a replica keeps one that it cannot compile, and refuses it once';
let pair: Pair;

before(async () => {
  pair = await startPair({
    master: { imapd: { sync_log: 'yes' } },
    replica: { imapd: { sieve_extensions: 'fileinto' } },
  });
  await using admin = await pair.master.imap();
  for (const mailbox of ['anna', 'anna/Work', 'bob']) {
    await admin.ok(`CREATE user/${mailbox}`);
    await admin.ok(`SETACL user/${mailbox} admin lrswipkxtecda`);
    await append(admin, `user/${mailbox}`, 3, mailbox, mailbox);
  }
  await admin.ok('SETQUOTA user/anna (STORAGE 5000)');
  await using anna = await pair.master.imap('anna');
  await anna.ok('SUBSCRIBE INBOX/Work');
  await using sieve = await SieveClient.login(pair.master, 'anna');
  await sieve.put('away', 'require "vacation";\r\nvacation "gone";\r\n');
});

after(async () => {
  await pair?.stop();
});

async function assertOnlyTheScriptIsMissing(): Promise<void> {
  const users = ['anna', 'bob'];
  const [here, there] = await Promise.all([dumpServer(pair.master, users), dumpServer(pair.replica, users)]);
  const found = differences(here, there);
  assert.ok(found.length > 0, 'the script has arrived, so that nothing is tried here');
  // A script counts towards the quota.
  assert.deepEqual(
    found.filter((line) => !/^users > anna > scripts|^\S+ > user\S+#sieve|\/userrawquota: /.test(line)),
    [],
  );
  await using admin = await pair.replica.imap();
  assert.match(JSON.stringify(await admin.ok('GETQUOTA user/anna')), /STORAGE.*5000/);
  await using anna = await pair.replica.imap('anna');
  assert.match(JSON.stringify(await anna.ok('LSUB "" "*"')), /Work/);
}

test('a mailbox that kills the server is named, and everything else of its user is replicated', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, KEEPS_IT)) return;
  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, new RegExp(`^anna: user/anna/#sieve: ${WHY}`, 'm'));
  await assertOnlyTheScriptIsMissing();
});

test('the same in rolling mode', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, KEEPS_IT)) return;
  await using admin = await pair.master.imap();
  await append(admin, 'user/anna/Work', 2, 'more', 'anna');
  await admin.ok('SETQUOTA user/anna (STORAGE 5000)');
  await using sieve = await SieveClient.login(pair.master, 'anna');
  await sieve.put('also', 'require "vacation";\r\nvacation "still gone";\r\n');
  const run = await syncClient(pair.master, ['-1']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, new RegExp(`^anna: user/anna/#sieve: ${WHY}`, 'm'));
  await assertOnlyTheScriptIsMissing();
});
