import assert from 'node:assert/strict';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { quoteImap } from '../../lab/imap-values.ts';
import { append, mailboxOf, type Population, populate } from '../../lab/populate.ts';
import { syncClient } from '../../lab/sync-client.ts';

/** In the middle of the user list: users before and after must both arrive. */
const VICTIM = 'dmitri';

let filled: CyrusServer;
let population: Population;

before(async () => {
  filled = await CyrusServer.start('filled');
  population = await populate(filled, { users: 6 });
  await filled.halt();
});

after(async () => {
  await filled?.stop();
});

/** Runs `-A` after `damage`: the victim must fail with one clear line and a hint, everybody else must arrive. */
async function onlyVictimFails(pair: Pair, victim = VICTIM): Promise<string> {
  const run = await syncClient(pair.master, ['-A']);
  const lines = run.stderr.split('\n').filter((line) => line.startsWith(`${victim}: `));
  assert.equal(lines.length, 1, `expected one line about ${victim}, found:\n${run.stderr}`);
  const [line = ''] = lines;
  assert.match(line, /^\S+: .+ \(.+\)$/, 'expected `user: reason (hint)`');
  assert.doesNotMatch(run.stderr, /^\s+at /m, 'a stack trace is no message');
  assert.equal(run.code, 1, run.stderr);
  await assertSameMailOf(
    pair.master,
    pair.replica,
    population.users.filter((user) => user !== victim),
  );
  return line;
}

async function directoryOf(pair: Pair, folder: readonly string[] = []): Promise<string> {
  const { stdout } = await pair.master.runOk('mbpath', [mailboxOf(pair.master, VICTIM, folder)]);
  return stdout.trim();
}

test('a mailbox whose index is garbage fails its user alone', async () => {
  await using pair = await startPair({ master: { store: filled.directory } });
  await writeFile(join(await directoryOf(pair, ['Work']), 'cyrus.index'), Buffer.alloc(4096, 0xa5));
  assert.match(await onlyVictimFails(pair), /user\.dmitri\.Work|user\/dmitri\/Work|cyrus\.index/);
});

test('a mailbox whose index may not be read fails its user alone', async () => {
  await using pair = await startPair({ master: { store: filled.directory } });
  const index = join(await directoryOf(pair), 'cyrus.index');
  await chmod(index, 0);
  assert.match(await onlyVictimFails(pair), /cyrus\.index|permission|EACCES/i);
});

test('a missing message file fails its user alone', async () => {
  await using pair = await startPair({ master: { store: filled.directory } });
  await rm(join(await directoryOf(pair, ['Work']), '2.'));
  assert.match(await onlyVictimFails(pair), /\b2\b/, 'expected the message to be named');
});

test('a user whom the replica refuses fails alone', async () => {
  await using pair = await startPair({ master: { store: filled.directory } });
  // Another mailbox of that name, with mail in it: the replica must not throw it away.
  await using admin = await pair.replica.imap();
  await admin.ok(`CREATE ${quoteImap(mailboxOf(pair.replica, VICTIM))}`);
  await using client = await pair.replica.imap(VICTIM);
  await append(client, 'INBOX', 1, 'only on the replica', VICTIM);
  await onlyVictimFails(pair);
  const [, , items] = (await client.ok('STATUS INBOX (MESSAGES)'))[0] ?? [];
  assert.deepEqual(items, ['MESSAGES', '1'], 'the message on the replica must survive');
});

test('a user on a partition that the replica lacks fails alone, and the partition is named', async () => {
  await using pair = await startPair({
    master: { store: filled.directory, partitions: ['default', 'elsewhere'] },
  });
  await using admin = await pair.master.imap();
  await admin.ok(`CREATE ${quoteImap(mailboxOf(pair.master, 'stranger'))} elsewhere`);
  await using stranger = await pair.master.imap('stranger');
  // A message for such a partition would be the end of the replica's process.
  await append(stranger, 'INBOX', 1, 'strange', 'stranger');
  assert.match(await onlyVictimFails(pair, 'stranger'), /elsewhere/);
});
