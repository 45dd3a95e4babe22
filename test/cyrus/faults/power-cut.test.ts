import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { startPair } from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { assertInStep } from '../../lab/rolling-client.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { Unflushed } from '../../lab/unflushed.ts';

const ROUNDS = 3;

test('a replica whose power goes after it has said OK has what it said, or the next pass brings it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'power-cut-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const environment: Record<string, string> = {};
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } }, replica: { environment } });
  const disk = new Unflushed(directory, pair.replica);
  Object.assign(environment, disk.environment);
  const { users } = await populate(pair.master, { users: 6 });
  await pair.replica.halt();
  disk.settle();
  await pair.replica.start();
  const losses = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    // The first round is the first copy.
    for (const user of round === 0 ? [] : users.slice(0, 5)) {
      await using client = await pair.master.imap(user);
      await append(client, 'INBOX', 2, `round ${round}`, user);
      await client.ok('SELECT INBOX');
      await client.ok('STORE 1 +FLAGS (\\Flagged)');
      await client.ok('STORE 2 +FLAGS (\\Deleted)');
      await client.ok('EXPUNGE');
    }
    await syncClientOk(pair.master, ['-A']);
    const lost = await disk.powerCut();
    for (const path of lost) {
      const kind = basename(path).replace(/^\d+\.$/, 'a message');
      losses.set(kind, (losses.get(kind) ?? 0) + 1);
    }
    await pair.replica.start();
    await syncClientOk(pair.master, ['-A']);
    // Cyrus flushes no usage of quotas, and its administrator has it counted again.
    await pair.replica.runOk('quota', ['-f']);
    await assertInStep(pair, users);
  }
  assert.ok(losses.size > 0, 'everything was flushed, so that nothing was put to the test');
  t.diagnostic(`${ROUNDS} runs; not on the disk: ${JSON.stringify(Object.fromEntries(losses))}`);
});
