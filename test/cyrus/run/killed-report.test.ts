import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { startSyncClient } from '../../lab/sync-client.ts';

test('a run that is killed leaves a report that can be read, and says that it is not complete', async () => {
  await using pair = await startPair();
  {
    await using admin = await pair.master.imap();
    await admin.ok('CREATE user/anna');
  }
  await pair.replica.halt();
  const path = join(pair.master.directory, 'report.json');
  const run = startSyncClient(pair.master, ['-A', '--report', path]);
  await run.waitForOutput((_stdout, stderr) => stderr.includes('retrying'));
  run.kill('SIGKILL');
  await run.result;
  const report = JSON.parse(readFileSync(path, 'utf8'));
  assert.deepEqual([report.schema, report.users, report.run.complete], ['cyrus-sync-report', [], false]);
});
