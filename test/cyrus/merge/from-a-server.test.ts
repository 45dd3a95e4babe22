import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DISAGREEMENTS } from '../../lab/disagreements.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';
import { disagree, startAlike, usersOf } from './disagree.ts';

/** A server does not tell up to where it has cleaned up: what might be the replica's own is kept rather than dropped. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  '7a': ['2 base-2', '3 base-3', '5 master-4', '6 replica-4'],
  '8a': ['2 base-2', '3 base-3', '5 replica-4'],
};

let pair: Pair;
let sides: Sides;
let run: ToolResult;

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
  await startAlike(sides, DISAGREEMENTS);
  await disagree(sides, DISAGREEMENTS);
  await using stranger = await openStranger(pair.master, pair.replica);
  run = await stranger.run(['-A']);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('between two servers whose files are out of reach, one run brings every mailbox to agreement and exits 0', () => {
  assert.equal(run.code, 0, run.stderr);
});

for (const [index, { row, what, expected, comments }] of DISAGREEMENTS.entries()) {
  test(`row ${row}: ${what}`, async () => {
    const mailbox = `user/${usersOf(DISAGREEMENTS)[index]}`;
    for (const side of [sides.master, sides.replica]) {
      assert.deepEqual(await side.messages(mailbox), KEPT[row] ?? expected, side.server.name);
      if (comments) assert.deepEqual(await side.comments(mailbox), comments, side.server.name);
    }
  });
}

test('both ends are the same over IMAP, and the C client finds nothing left to send', async () => {
  await assertSameMail(pair.master, pair.replica, usersOf(DISAGREEMENTS), { expunged: 'left out' });
  await assertNothingLeft(pair);
});
