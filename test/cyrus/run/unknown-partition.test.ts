import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/** A master with a partition that the replica lacks, and anna on both. */
async function pairWithAnna(): Promise<Pair> {
  const pair = await startPair({ master: { partitions: ['default', 'elsewhere'] } });
  await using admin = await pair.master.imap();
  for (const mailbox of ['user/anna', 'user/anna/Sent']) {
    await admin.ok(`CREATE ${mailbox}`);
    await admin.ok(`SETACL ${mailbox} admin lrswipkxtecda`);
    await append(admin, mailbox, 2, mailbox, 'anna');
  }
  await syncClientOk(pair.master, ['-A']);
  return pair;
}

/** @returns the run, its log, and whether the replica's process lived on */
async function logged(pair: Pair, args: readonly string[]): Promise<ToolResult & { log: string }> {
  const file = join(pair.master.directory, 'syslog.txt');
  const run = await syncClient(pair.master, args, { env: { CASSANDANE_SYSLOG_FNAME: file } });
  const log = await readFile(file, 'utf8').catch(() => '');
  assert.doesNotMatch(log, /connection to .* lost/, 'the process of the replica died');
  return { ...run, log };
}

test('-p with a partition that the replica lacks is named so for a user who is there already, and harms nothing', async () => {
  await using pair = await pairWithAnna();
  await using admin = await pair.master.imap();
  await append(admin, 'user/anna', 1, 'new', 'anna');
  const run = await logged(pair, ['-u', '-p', 'nopart', 'anna']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.log, /PARTITION_UNKNOWN/);
  assert.match(run.stderr, /^anna: user\/anna.*: .*partition nopart.*\(define partition-nopart /m);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
});

test('a folder that was moved to a partition that the replica lacks is named with it, and the others go on', async () => {
  await using pair = await pairWithAnna();
  await using admin = await pair.master.imap();
  await admin.ok('RENAME user/anna/Sent user/anna/Sent elsewhere');
  await append(admin, 'user/anna/Sent', 1, 'sent', 'anna');
  await append(admin, 'user/anna', 1, 'new', 'anna');
  const run = await logged(pair, ['-u', 'anna']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.log, /PARTITION_UNKNOWN/);
  assert.match(run.stderr, /^anna: user\/anna\/Sent: .*partition elsewhere/m);
  await using there = await pair.replica.imap();
  const [[, , items] = []] = await there.ok('STATUS user/anna (MESSAGES)');
  assert.deepEqual(items, ['MESSAGES', '3'], 'what is on a partition that is there must arrive');
});

test('messages that the replica could copy are not asked for on a partition that it lacks: its process would die', async () => {
  await using pair = await pairWithAnna();
  await using admin = await pair.master.imap();
  // Small ones are sent rather than asked for.
  const large = Buffer.from(`Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(100_000, 'y\r\n'));
  await admin.ok('APPEND user/anna ', large);
  await syncClientOk(pair.master, ['-A']);
  await admin.ok('CREATE user/anna/Copies elsewhere');
  await admin.ok('SETACL user/anna/Copies admin lrswipkxtecda');
  await admin.ok('SELECT user/anna');
  await admin.ok('COPY 1:* user/anna/Copies');
  await admin.ok('UNSELECT');
  const run = await logged(pair, ['-u', 'anna']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.log, /PARTITION_UNKNOWN/);
  assert.match(run.stderr, /^anna: user\/anna\/Copies: .*partition elsewhere/m);
});

test('a partition that is there is not blamed for what the replica refuses for another reason', async () => {
  const partitions = ['default', 'elsewhere'];
  await using pair = await startPair({
    master: { partitions, imapd: { virtdomains: 'userid' } },
    // It takes no mailbox of a domain, and says no more than that.
    replica: { partitions, imapd: { virtdomains: 'off' } },
  });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/dora@x.org elsewhere');
  const run = await logged(pair, ['-u', 'dora@x.org']);
  assert.equal(run.code, 1, run.stderr);
  assert.doesNotMatch(run.log, /PARTITION_UNKNOWN/);
  assert.match(run.stderr, /^dora@x\.org: user\/dora@x\.org: MAILBOX received NO response: /m);
  assert.doesNotMatch(run.stderr, /partition/);
});

test('an empty replica that lacks the partition of the very first mailbox is told so', async () => {
  await using pair = await startPair({ master: { partitions: ['elsewhere'] } });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  const run = await logged(pair, ['-u', 'anna']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.log, /PARTITION_UNKNOWN/);
  assert.match(run.stderr, /^anna: user\/anna: .*partition elsewhere.*\(define partition-elsewhere /m);
});
