import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, type PairOptions, startPair } from '../../lab/cyrus-server.ts';
import { filesOf } from '../../lab/damage-site.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** Octets at the beginning of a database, which tell its kind. */
const MAGIC_OCTETS = 64;
const TOLD =
  /^2 the same on both sides, but that the replica counts none of their conversations.*: user\/anna, user\/anna\/Work\n$/;

async function startSite(options: PairOptions): Promise<Pair> {
  const pair = await startPair(options);
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using anna = await pair.master.imap('anna');
  await anna.ok('SUBSCRIBE INBOX');
  await anna.ok('CREATE INBOX/Work');
  for (const mailbox of ['INBOX', 'INBOX/Work'])
    await anna.ok(`APPEND ${mailbox} `, Buffer.from(`Message-ID: <${mailbox}@x>\r\n\r\nbody\r\n`));
  return pair;
}

/** @returns what a run has to remark */
async function remarksOf(pair: Pair): Promise<string> {
  return (await syncClientOk(pair.master, ['-A'])).stderr;
}

/** Keys of what a database holds; how large its file is depends on chance. */
async function rowsOf({ replica }: Pair, path: string): Promise<string[]> {
  const { stdout } = await replica.runOk('cyr_dbtool', [path, 'twoskip', 'show']);
  const keys = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
  return keys.filter((key) => key !== '').sort();
}

test('a replica that counts no conversations of a user, because the database is damaged, is told of at each run until that is mended', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, 'its databases are called otherwise')) return;
  await using pair = await startSite({ both: { imapd: { conversations: 'yes' } } });
  assert.equal(await remarksOf(pair), '');
  assert.equal(await remarksOf(pair), '');
  const path = (await filesOf(pair.replica, 'anna')).personal('conversations');
  const rows = await rowsOf(pair, path);
  assert.ok(rows.length > 2, rows.join());
  const octets = readFileSync(path);
  await pair.replica.halt();
  writeFileSync(path, Buffer.from(octets).fill('Z', 0, MAGIC_OCTETS));
  await pair.replica.start();
  assert.match(await remarksOf(pair), TOLD);
  assert.match(await remarksOf(pair), TOLD);
  await pair.replica.halt();
  rmSync(path);
  await pair.replica.runOk('ctl_conversationsdb', ['-R', 'anna']);
  await pair.replica.start();
  assert.equal(await remarksOf(pair), '');
  await assertNothingLeft(pair);
  assert.deepEqual(await rowsOf(pair, path), rows, 'the threads of the messages are counted too');
});

test('a replica whose conversations are off is told of as well, if those of the master are on', async () => {
  await using pair = await startSite({
    master: { imapd: { conversations: 'yes' } },
    replica: { imapd: { conversations: 'no' } },
  });
  assert.equal(await remarksOf(pair), '', 'a first copy has nothing to compare');
  assert.match(await remarksOf(pair), TOLD);
});
