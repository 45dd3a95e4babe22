import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { assertSameState } from '../../lab/full-state.ts';
import { append, populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** A pair whose mailboxes go over in steps of so many messages. */
async function pairInSteps(messages: number): Promise<Pair> {
  const pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  pair.master.configure('sync_batchsize', String(messages));
  await pair.master.writeConfiguration();
  return pair;
}

/** The answer to a client with QRESYNC that has been away since the beginning. */
async function vanished(server: CyrusServer, user: string): Promise<unknown> {
  await using client = await server.imap(user);
  await client.ok('ENABLE QRESYNC');
  const answers = await client.ok('SELECT INBOX');
  const uidvalidity = /\[UIDVALIDITY (\d+)\]/.exec(JSON.stringify(answers))?.[1];
  await client.ok('UNSELECT');
  const since: unknown[] = [];
  for (let modseq = 1; modseq < 120; modseq += 7) {
    const told = await client.ok(`SELECT INBOX (QRESYNC (${uidvalidity} ${modseq}))`);
    since.push([modseq, ...told.filter(([kind]) => kind === 'VANISHED')]);
    await client.ok('UNSELECT');
  }
  return since;
}

test('messages that were expunged before a copy in steps are gone from the same modseq on at both ends', async () => {
  await using pair = await pairInSteps(10);
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using client = await pair.master.imap('anna');
  await append(client, 'INBOX', 35, 'in steps', 'anna');
  await client.ok('SELECT INBOX');
  await client.ok('STORE 3 ANNOTATION (/comment (value.shared "third"))');
  await client.ok('STORE 2,9,17,33 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok('UID STORE 4,12,30 +FLAGS (\\Flagged late)');
  await client.ok('UID STORE 8,20 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok('UID STORE 35 +FLAGS (\\Answered)');
  await client.ok('UNSELECT');
  await client.ok('SETMETADATA INBOX (/shared/comment "in steps")');
  await admin.ok('SETQUOTA user/anna (STORAGE 100000)');
  const log = await syncClientOk(pair.master, ['-v', '-v', '-A']);
  const steps = log.stderr.match(/APPLY MAILBOX/g)?.length ?? 0;
  // One makes the mailbox, and none is sent again: the replica stands where each of them left it.
  assert.equal(steps, 1 + 4);
  await assertNothingLeft(pair);
  await assertSameMailOf(pair.master, pair.replica, ['anna']);
  await assertSameState(pair, ['anna']);
  assert.deepEqual(await vanished(pair.replica, 'anna'), await vanished(pair.master, 'anna'));
});

test('a mailbox from which cyr_expire has removed mail is copied in steps, and not compared record by record', async () => {
  await using pair = await pairInSteps(10);
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using client = await pair.master.imap('anna');
  await append(client, 'INBOX', 35, 'in steps', 'anna');
  await client.ok('SELECT INBOX');
  await client.ok('STORE 2,9,17,33 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok('UNSELECT');
  await pair.master.runOk('cyr_expire', ['-E', '0', '-X', '0', '-u', 'anna']);
  const log = await syncClientOk(pair.master, ['-v', '-v', '-A', '--log-to-stderr']);
  assert.ok((log.stderr.match(/APPLY MAILBOX/g)?.length ?? 0) > 3);
  assert.doesNotMatch(log.stderr, /NO IMAP|GET FULLMAILBOX|full update|changed on both sides/);
  await assertNothingLeft(pair);
  await assertSameMailOf(pair.master, pair.replica, ['anna']);
  await assertSameState(pair, ['anna']);
});

test('a mailbox that the replica has already is added to in steps, without a word of changes on the replica', async () => {
  await using pair = await pairInSteps(3);
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using client = await pair.master.imap('anna');
  await append(client, 'INBOX', 2, 'there already', 'anna');
  await syncClientOk(pair.master, ['-A']);
  await append(client, 'INBOX', 13, 'in steps', 'anna');
  const log = await syncClientOk(pair.master, ['-v', '-v', '-A', '--log-to-stderr']);
  assert.equal(log.stderr.match(/APPLY MAILBOX/g)?.length, 5);
  assert.doesNotMatch(log.stderr, /NO IMAP|GET FULLMAILBOX|full update|changed on both sides/);
  await assertNothingLeft(pair);
  await assertSameMailOf(pair.master, pair.replica, ['anna']);
  await assertSameState(pair, ['anna']);
});

test('everything of a store that goes in steps of two messages is the same at both ends, in every field', async () => {
  await using pair = await pairInSteps(2);
  const population = await populate(pair.master, { users: 6 });
  await syncClientOk(pair.master, ['-A']);
  await assertSameState(pair, population.users);
  const changed = await changeRound(pair.master, population, 1);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameState(pair, changed.users);
});
