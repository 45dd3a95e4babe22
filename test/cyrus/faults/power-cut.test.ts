import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CyrusServer, giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { assertInStep } from '../../lab/rolling-client.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { Unflushed } from '../../lab/unflushed.ts';

/** The first copy, and changes to what is there. */
const ROUNDS = 3;

test('a replica whose power goes after it has said OK has new mailboxes and changes, and the next pass finds nothing wrong', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'power-cut-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const environment: Record<string, string> = {};
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } }, replica: { environment } });
  const disk = new Unflushed(directory, pair.replica);
  giveToCyrus(directory);
  Object.assign(environment, disk.environment);
  await pair.replica.halt();
  disk.settle();
  await pair.replica.start();
  const { users } = await populate(pair.master, { users: 6 });
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await change(pair.master, users.slice(0, 5), round);
    await syncClientOk(pair.master, ['-A']);
    // Nobody has flushed this one: it shows that the cut takes away what is not on the disk.
    writeFileSync(join(pair.replica.directory, 'spool', 'unflushed'), 'lost');
    assert.deepEqual(await disk.powerCut(), ['spool/unflushed']);
    await pair.replica.start();
    await syncClientOk(pair.master, ['-A']);
    await assertInStep(pair, users);
  }
  assert.ok(disk.flushes > 0, 'no server has the library loaded');
  t.diagnostic(`${ROUNDS} runs`);
});

async function change(master: CyrusServer, users: readonly string[], round: number): Promise<void> {
  for (const user of users) {
    await using client = await master.imap(user);
    await append(client, 'INBOX', 2, `round ${round}`, user);
    await client.ok('SELECT INBOX');
    await client.ok(`STORE 1 ${round % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`);
    await client.ok('STORE 2 +FLAGS (\\Deleted)');
    await client.ok('EXPUNGE');
    await client.ok(`CREATE "INBOX/of round ${round}"`);
    await append(client, `INBOX/of round ${round}`, 1, `new ${round}`, user);
  }
}
