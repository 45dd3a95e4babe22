import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { differences } from '../../lab/differences.ts';
import { dumpServer } from '../../lab/dump-server.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

const NOTICE = /checksum in the index of user\/annette is not that of its records/;

/** Older versions rename no private annotations, so that their checksums stay right. */
const FORGETS = PROGRAMS.isAtLeast(3, 6);

/** Cyrus 3.6.1 renames the private annotations of a renamed user, but not what they add to the stored checksum. */
async function renamedUser(pair: Pair, replicatedBefore: boolean): Promise<void> {
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await admin.ok('SETACL user/anna admin lrswipkxtecda');
  await append(admin, 'user/anna', 2, 'first', 'anna');
  await annotate(pair, 'anna', 'mine');
  if (replicatedBefore) await syncClientOk(pair.master, ['-A']);
  await admin.ok('RENAME user/anna user/annette');
}

async function annotate(pair: Pair, user: string, value: string): Promise<void> {
  await using own = await pair.master.imap(user);
  await own.ok('SELECT INBOX');
  await own.ok(`STORE 1 ANNOTATION (/comment (value.priv "${value}"))`);
  await own.ok('UNSELECT');
}

function ways(pair: Pair): Record<string, string[]> {
  const settings = join(pair.master.directory, 'settings.ini');
  writeFileSync(settings, 'master = none\n', { mode: 0o644 });
  return { '-O': ['-O'], 'master = none': ['--settings', settings] };
}

for (const replicatedBefore of [false, true]) {
  for (const way of ['-O', 'master = none']) {
    const where = replicatedBefore ? 'renamed after the first copy' : 'renamed before the first copy';
    test(`a checksum that the master's index has wrong fails nobody: ${way}, ${where}`, async () => {
      await using pair = await startPair({ both: { imapd: { allowusermoves: 'yes' } } });
      await renamedUser(pair, replicatedBefore);
      const args = [...(ways(pair)[way] ?? []), '-u', 'annette', '--log-to-stderr'];
      for (let round = 1; round <= 2; round++) {
        const run = await syncClient(pair.master, args);
        assert.equal(run.code, 0, `round ${round}: ${run.stderr}`);
        // After a first copy both indexes are wrong in the same way, which is agreement.
        if (!replicatedBefore) assert.equal(NOTICE.test(run.stderr), FORGETS, run.stderr);
      }
      await assertSameButForTheChecksum(pair);
      // New mail and a change of what is there, on top of the wrong one.
      {
        await using admin = await pair.master.imap();
        await admin.ok('SETACL user/annette admin lrswipkxtecda');
        await append(admin, 'user/annette', 1, 'later', 'annette');
        await using own = await pair.master.imap('annette');
        await own.ok('SELECT INBOX');
        await own.ok('STORE 2 +FLAGS (\\Flagged)');
      }
      const run = await syncClient(pair.master, args);
      assert.equal(run.code, 0, run.stderr);
      await assertSameButForTheChecksum(pair);
      // What the notice advises puts an end to it.
      await pair.master.runOk('reconstruct', ['user/annette']);
      const after = await syncClient(pair.master, args);
      assert.equal(after.code, 0, after.stderr);
      assert.doesNotMatch(after.stderr, NOTICE);
      await assertSameMailOf(pair.master, pair.replica, ['annette']);
    });
  }
}

async function assertSameButForTheChecksum({ master, replica }: Pair): Promise<void> {
  const [here, there] = await Promise.all([master, replica].map((server) => dumpServer(server, ['annette'])));
  assert.deepEqual(
    differences(here?.mail, there?.mail).filter((line) => !line.includes('synccrcs')),
    [],
  );
}
