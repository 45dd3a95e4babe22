import assert from 'node:assert/strict';
import test from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { StreamOfChanges } from '../../lab/stream-of-changes.ts';

/** Runs after the last change until one finds nothing that had to wait for another user: names change hands. */
const LAST_RUNS = 3;

test('while users are changed nothing wrong is copied, and afterwards both ends are the same', async () => {
  await using pair = await startPair({ both: { imapd: { allowusermoves: 'yes', conversations: 'yes' } } });
  await using stranger = await openStranger(pair.master, pair.replica);
  await using stream = await StreamOfChanges.start(pair.master, 'remote', 8);
  for (let round = 0; round < 2; round++) {
    const run = await stranger.run(['-A']);
    assert.doesNotMatch(run.stderr, /BUG/);
  }
  await stream.stop();
  let last = await stranger.run(['-A']);
  for (let runs = 1; runs < LAST_RUNS && last.code !== 0; runs++) {
    last = await stranger.run(['-A']);
  }
  assert.equal(last.code, 0, last.stderr);
  // A server that is asked tells of no tombstone: what left nothing but that is removed by who reads the master's files.
  // And users who are gone are reached by no -A; the C client of 3.12 meets them where another user had their name before.
  // A replica of 3.2 keeps the compiled form of a removed script until its user is looked at next.
  await assertNothingLeft(
    pair,
    /^APPLY (UNMAILBOX|RENAME .* NEWMBOXNAME "?DELETED\.|UNSIEVE .* FILENAME .*\.bc"?\)$)/,
  );
  await assertSameMailOf(pair.master, pair.replica, stream.users);
});
