import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { recordLayout } from '../../../src/store/mailbox/index-layouts.ts';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { assertSameState } from '../../lab/full-state.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

let pair: Pair;
let sides: Sides;

/** Alone: has an INBOX and nothing else. Folders: the INBOX has others below it, and scripts. */
const USERS = ['alone', 'folders', 'record', 'young', 'own', 'kept', 'source'];

before(async () => {
  pair = await startPair({
    both: { imapd: { conversations: 'yes', reverseacls: 'yes', annotation_allow_undefined: 'yes' } },
  });
  sides = await openSides(pair);
  const { master } = sides;
  for (const user of USERS) {
    // Equal messages would be one file on the replica.
    await master.create(
      `user/${user}`,
      ['one', 'two', 'three', 'gone'].map((name) => `${name}-${user}`),
    );
    await master.flag(`user/${user}`, 2, '\\Flagged', '$Label');
    await master.annotate(`user/${user}`, 2, 'a note');
    await master.expunge(`user/${user}`, 4);
    await master.imap.ok(`SETQUOTA user/${user} (STORAGE 5000)`);
  }
  for (const name of ['Sent', 'Sent/Old'])
    await master.create(`user/folders/${name}`, [`one-${name}`, 'two']);
  await master.imap.ok('SETACL user/folders alone lrs');
  await using reader = await master.server.imap('alone');
  for (const command of ['SELECT user/folders', 'STORE 1 +FLAGS (\\Seen)', 'SUBSCRIBE INBOX']) {
    await reader.ok(command);
  }
  await using sieve = await SieveClient.login(master.server, 'folders');
  await sieve.put('one', 'keep;\r\n');
  await sieve.activate('one');
  await syncClientOk(pair.master, ['-A']);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.[Symbol.asyncDispose]();
});

async function pathOf(server: CyrusServer, mailbox: string, file: string): Promise<string> {
  return join((await server.runOk('mbpath', [mailbox])).stdout.trim(), file);
}

async function lose(server: CyrusServer, mailbox: string): Promise<void> {
  await rm(await pathOf(server, mailbox, '1.'));
}

/** Changes one record of an index, and nothing that tells of it: neither counters nor checksums. */
async function tamper(mailbox: string, change: (record: Buffer) => void): Promise<void> {
  const path = await pathOf(pair.replica, mailbox, 'cyrus.index');
  const index = await readFile(path);
  const [version, start, size] = [index.readUInt32BE(8), index.readUInt32BE(12), index.readUInt32BE(16)];
  const layout = recordLayout(version, size);
  assert.ok(layout?.recordCrc);
  const record = index.subarray(start, start + size);
  change(record);
  record.writeUInt32BE(crc32(record.subarray(0, layout.recordCrc)), layout.recordCrc);
  await writeFile(path, index);
}

async function verify(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return await cyrusSync(pair.master, 'verify', ['-u', ...args]);
}

const FLAGS_OFFSET = 32;
const GUID_OFFSET = 60;
const MODSEQ_OFFSET = 80;
const FLAGGED = 1 << 1;

test('a message file that the replica has lost, or that was altered there, is brought again, and all else is kept', async () => {
  await lose(pair.replica, 'user/alone');
  await lose(pair.replica, 'user/folders');
  const altered = await pathOf(pair.replica, 'user/folders/Sent', '1.');
  await writeFile(altered, (await readFile(altered, 'latin1')).replace('a@example', 'b@example'), 'latin1');
  const run = await verify('alone', 'folders', '--deep', '--repair');
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /^0 of 2 users proven .* 2 differed and are repaired/m);
  const again = await verify('alone', 'folders', '--deep');
  assert.equal(again.code, 0, again.stdout + again.stderr);
  // The replica's server counts the removal of a folder that others are below, and up to 3.4 that of one that others may see.
  const counts = PROGRAMS.isAtLeast(3, 6) ? /foldermodseq$/ : /(?:folder|racl)modseq$/;
  await assertSameState(pair, ['alone', 'folders'], (path) => counts.test(path));
});

test('a record that differs under equal counters and checksums is sent again, whatever its modseq is there', async () => {
  for (const [user, change] of [
    [
      'record',
      (record: Buffer) => record.writeUInt32BE(record.readUInt32BE(FLAGS_OFFSET) ^ FLAGGED, FLAGS_OFFSET),
    ],
    [
      'young',
      (record: Buffer) => record.writeBigUInt64BE(record.readBigUInt64BE(MODSEQ_OFFSET) + 2n, MODSEQ_OFFSET),
    ],
  ] as const) {
    await tamper(`user/${user}`, change);
  }
  const shallow = await verify('record', 'young');
  assert.equal(shallow.code, 0, shallow.stdout);
  const run = await verify('record', 'young', '--deep', '--repair');
  assert.match(run.stdout, /^user\/record, UID 1: flags: none on the master, \\flagged on the replica$/m);
  assert.match(run.stdout, /^user\/young, UID 1: MODSEQ: \d+ on the master, \d+ on the replica$/m);
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const again = await verify('record', 'young', '--deep');
  assert.equal(again.code, 0, again.stdout + again.stderr);
  await assertSameState(pair, ['record', 'young']);
});

test('a message that is damaged here keeps the mailbox on the replica as it is, whatever is said', async () => {
  await lose(pair.replica, 'user/source');
  const ours = await pathOf(pair.master, 'user/source', '2.');
  const content = await readFile(ours);
  await writeFile(ours, 'damaged');
  const kept = await verify('source', '--deep', '--repair', '-O');
  assert.equal(kept.code, 2, kept.stdout + kept.stderr);
  assert.match(
    kept.stdout,
    /^user\/source: not repaired: message 2 is damaged here.*\(restore its file here first\)$/m,
  );
  assert.deepEqual(await readFile(await pathOf(pair.replica, 'user/source', '2.')), content);
  await writeFile(ours, content);
  const run = await cyrusSync(pair.master, 'verify', ['-m', 'user/source', '--deep', '--repair']);
  assert.equal(run.code, 0, run.stdout + run.stderr);
});

test('what the replica alone has of a mailbox is not given up for a lost file, unless -O says so', async () => {
  await sides.master.cleanUp('kept');
  await lose(pair.replica, 'user/kept');
  await tamper('user/own', (record) => record.writeUInt8(record.readUInt8(GUID_OFFSET) ^ 1, GUID_OFFSET));
  const run = await verify('kept', 'own', '--deep', '--repair');
  assert.equal(run.code, 2, run.stdout + run.stderr);
  assert.match(
    run.stdout,
    /^user\/kept: not repaired: the replica still keeps the expunged message 4, .*\(run again when/m,
  );
  assert.match(run.stdout, /^user\/kept, UID 1: a file with the content/m);
  assert.match(run.stdout, /^user\/own: not repaired: the replica has a message 1 of its own/m);
  const forced = await verify('kept', 'own', '--deep', '--repair', '-O');
  assert.equal(forced.code, 0, forced.stdout + forced.stderr);
  await assertNothingLeft(pair);
  await assertSameState(pair, USERS);
  await assertSameMail(pair.master, pair.replica, USERS);
});
