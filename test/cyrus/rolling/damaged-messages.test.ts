import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { syncClient } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

test('a message that is damaged here keeps nobody failing: all else arrives, and it comes once it is restored', async () => {
  await using pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  await using sides = await openSides(pair);
  const { master, replica } = sides;
  for (const user of ['anna', 'bert']) await master.create(`user/${user}`, ['one', 'two', 'three']);
  const directory = (await pair.master.runOk('mbpath', ['user/anna'])).stdout.trim();
  const file = join(directory, '2.');
  const content = readFileSync(file);
  rmSync(file);

  const once = await syncClient(pair.master, ['-1']);
  assert.equal(once.code, 1, once.stderr);
  await using client = new RollingClient(pair);
  await client.waitForLog(/'anna' is replicated but for messages that are damaged here: MESSAGE_UNREADABLE/);
  await client.settled();
  assert.doesNotMatch(client.log, /will try 'anna' again|in quarantine/);
  assert.deepEqual(await replica.messages('user/anna'), ['1 one', '3 three']);
  await assertSameMailOf(pair.master, pair.replica, ['bert']);

  writeFileSync(file, content);
  giveToCyrus(file);
  await master.append('user/anna', 'four');
  await client.settled();
  assert.deepEqual((await replica.messages('user/anna')).map((line) => line.split(' ')[1]).sort(), [
    'four',
    'one',
    'three',
    'two',
  ]);
  await assertNothingLeft(pair);
});
