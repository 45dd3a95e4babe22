import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { programThatCannotStart, programThatDies } from '../../lab/dying-programs.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

/* One user has diverged, the other has only new mail: the master's own server is needed for the first alone. */

let pair: Pair;
let sides: Sides;

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
  for (const user of ['anna', 'bob']) await sides.master.create(`user/${user}`, ['one']);
  await syncClientOk(pair.master, ['-A']);
  await sides.replica.append('user/anna', 'only on the replica');
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

for (const [what, make, expected] of [
  ['cannot start', programThatCannotStart, /cannot be reached: it ended with exit code 75: cannot open/],
  ['dies in the middle', programThatDies, /was lost: it ended with SIGKILL/],
] as const) {
  test(`a server of the master that ${what} fails its one user by name, and the replica is not blamed`, async () => {
    const program = await make(pair.master.directory);
    const settings = join(pair.master.directory, 'settings.ini');
    await writeFile(settings, `sync_server = ${program}\n`);
    await sides.master.append('user/bob', what);
    const run = await syncClient(pair.master, ['--settings', settings, '--log-to-stderr', '-A']);
    assert.equal(run.code, 1, run.stderr);
    assert.match(run.stderr, expected);
    assert.ok(run.stderr.includes(`(${program})`), run.stderr);
    assert.doesNotMatch(run.stderr, /connection to '[^']*' lost|Can not connect/);
    await assertSameMailOf(pair.master, pair.replica, ['bob'], { expunged: 'left out' });
  });
}

test('with the real server everything is merged afterwards', async () => {
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna', 'bob'], { expunged: 'left out' });
});
