import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sentCommands } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { FIXTURE_DIRECTORY, FIXTURE_SETTINGS, unpackFixture } from '../../lab/unpack-fixture.ts';

test('the fixture store is still what its recorded first copy says', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, 'the fixture is a store of 3.6, which older versions do not read')) return;
  await using fixture = await unpackFixture();
  await using pair = await startPair({
    both: { imapd: { ...FIXTURE_SETTINGS } },
    master: { store: fixture.directory },
  });
  const recorded = gunzipSync(await readFile(join(FIXTURE_DIRECTORY, 'first-copy.txt.gz'))).toString();
  const run = await pair.master.runOk('sync_client', ['-v', '-v', '-o', '-A']);
  // What is asked beside that is the version's.
  const changes = (log: string): string[] => sentCommands(log).filter((line) => line.startsWith('APPLY '));
  const sent = changes(run.stderr).filter((line) => !line.startsWith('APPLY MESSAGE '));
  assert.deepEqual(sent, changes(recorded));
  assert.ok(sent.length > 300, `only ${sent.length} commands`);
});
