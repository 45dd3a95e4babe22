import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DISAGREEMENTS } from '../../lab/disagreements.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';
import { disagree, startAlike, usersOf } from './disagree.ts';

let pair: Pair;
let sides: Sides;
let run: ToolResult;
let log = '';

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
  await startAlike(sides, DISAGREEMENTS);
  await disagree(sides, DISAGREEMENTS);
  const logFile = join(pair.master.directory, 'syslog');
  run = await syncClient(pair.master, ['-A'], { env: { CASSANDANE_SYSLOG_FNAME: logFile } });
  log = await readFile(logFile, 'utf8');
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('one run brings every mailbox to agreement and exits 0', () => {
  assert.equal(run.code, 0, run.stderr);
});

for (const [index, disagreement] of DISAGREEMENTS.entries()) {
  const { row, what, expected, comments, mailboxComment, uidNext, logs = [] } = disagreement;
  test(`row ${row}: ${what}`, async () => {
    const mailbox = `user/${usersOf(DISAGREEMENTS)[index]}`;
    for (const side of [sides.master, sides.replica]) {
      assert.deepEqual(await side.messages(mailbox), expected, side.server.name);
      assert.equal(await side.uidNext(mailbox), uidNext, side.server.name);
      if (mailboxComment !== undefined) {
        assert.equal(await side.mailboxComment(mailbox), mailboxComment, side.server.name);
      }
      if (comments) assert.deepEqual(await side.comments(mailbox), comments, side.server.name);
    }
    for (const line of logs) {
      const named = new RegExp(line.source.replaceAll('MAILBOX', mailbox.replace('/', '\\.')));
      assert.match(log, named);
    }
  });
}

test('both ends are the same over IMAP', async () => {
  await assertSameMail(pair.master, pair.replica, usersOf(DISAGREEMENTS), { expunged: 'left out' });
});

test('the C client finds nothing left to send', async () => {
  await assertNothingLeft(pair);
});

test('a second run changes nothing', async () => {
  const again = await syncClientOk(pair.master, ['-A', '-v']);
  assert.doesNotMatch(again.stdout, /MAILBOX/);
});
