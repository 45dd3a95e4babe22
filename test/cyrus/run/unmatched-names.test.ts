import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { syncClient } from '../../lab/sync-client.ts';

const NAME_UNMATCHED = 67;

let pair: Pair;

before(async () => {
  pair = await startPair({ both: { imapd: { virtdomains: 'userid', defaultdomain: 'home.example' } } });
  await using admin = await pair.master.imap();
  for (const name of ['user/anna', 'user/anna/Sent', 'user/bert', 'user/dora@x.org', 'user/emil']) {
    await admin.ok(`CREATE "${name}"`);
  }
  // Deleted by a name that the replica never had.
  await admin.ok('SETACL user/emil admin x');
  await admin.ok('DELETE user/emil');
});

after(async () => {
  await pair?.stop();
});

/** The run succeeds as the C client's does, says so on stderr, and with extended codes has one of its own. */
async function assertUnmatched(args: readonly string[], line: RegExp, options = {}): Promise<void> {
  const classic = await syncClient(pair.master, args, options);
  assert.match(classic.stderr, line, args.join(' '));
  assert.equal(classic.code, 0, classic.stderr);
  const extended = await syncClient(pair.master, [...args, '--exit-codes', 'extended'], options);
  assert.equal(extended.code, NAME_UNMATCHED, extended.stderr);
}

test('a user whom nothing here is called is named, with what was probably meant', async () => {
  await assertUnmatched(['-u', 'nobody'], /^nobody: no such user here$/m);
  await assertUnmatched(
    ['-u', 'Anna', 'bert'],
    /^Anna: no such user here \(did you mean anna\? Capitals count\)$/m,
  );
  await assertUnmatched(['-u', 'user.anna'], /^user\.anna: .*did you mean anna\?/m);
  await assertUnmatched(['-u', 'anna@elsewhere.org'], /^anna@elsewhere\.org: .*did you mean anna\?/m);
  await assertUnmatched(['-u', 'dora'], /^dora: .*did you mean dora@x\.org\?/m);
  await assertUnmatched(['-u', 'ann*'], /^ann\*: .*taken as they stand/m);
  await assertUnmatched(['-s', 'nobody'], /^nobody: no such user here$/m);
});

test('a mailbox or prefix that nothing here is called is named, with what was probably meant', async () => {
  await assertUnmatched(
    ['-m', 'user/anna/Snet'],
    /^user\/anna\/Snet: no such mailbox here \(did you mean user\/anna\/Sent\?\)$/m,
  );
  await assertUnmatched(
    ['-m', 'user.anna.Sent', 'user/bert'],
    /^user\.anna\.Sent: .*did you mean user\/anna\/Sent\?/m,
  );
  await assertUnmatched(
    ['-A', 'anna'],
    /^anna: no mailbox name here begins so \(did you mean user\.anna\?\)$/m,
  );
  await assertUnmatched(['-A', 'user/an'], /^user\/an: .*did you mean user\.an\?/m);
});

test('a run that is given no names says so', async () => {
  const list = join(pair.master.directory, 'empty.txt');
  await writeFile(list, '# nobody today\r\n\r\n');
  await assertUnmatched(['-u', '-f', list], /no name was given/);
  await assertUnmatched(['-m'], /no name was given/);
});

test('names of a list match although an editor has put a mark, blanks and carriage returns around them', async () => {
  const list = join(pair.master.directory, 'windows.txt');
  await writeFile(list, '\ufeffanna \r\n\tbert\r\n');
  const run = await syncClient(pair.master, ['-v', '-u', '-f', list, '--exit-codes', 'extended']);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /^connections=<\d+> \([^\n]*\)\n$/);
  assert.match(run.stdout, /^USER anna$/m);
  assert.match(run.stdout, /^USER bert$/m);
});

test('a user who was deleted here is no name that matches nothing', async () => {
  const run = await syncClient(pair.master, ['-u', 'emil', '--exit-codes', 'extended']);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stderr, '');
});
