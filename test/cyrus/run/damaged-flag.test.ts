import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { filesBelow } from '../../lab/files-below.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

const FLAG = '$placeholder';
const COMMANDS = `X) INTERNALDATE 1 SIZE 1 GUID ${'0'.repeat(40)})))\r\nAPPLY UNUSER bob\r\nNOOP (`;

/** Gives a keyword of the one mailbox that has it another name, as damage on the disk might. */
async function rename(server: CyrusServer, to: string): Promise<void> {
  const spool = server.partitions.default ?? '';
  for (const file of filesBelow(spool).filter((name) => name.endsWith('cyrus.header'))) {
    const content = await readFile(file, 'latin1');
    if (!content.includes(FLAG)) continue;
    await writeFile(file, content.replace(FLAG, `{${to.length}}\r\n${to}`), 'latin1');
    return;
  }
  throw new Error(`no mailbox has ${FLAG}`);
}

test('a flag of cyrus.header that holds commands fails its mailbox, by name, and commands nobody', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  for (const user of ['anna', 'bob']) await sides.master.create(`user/${user}`, ['one', 'two']);
  await syncClientOk(pair.master, ['-A']);
  await sides.master.flag('user/anna', 1, FLAG);
  await sides.master.append('user/bob', 'three');
  await rename(pair.master, COMMANDS);

  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /user\/anna/);
  assert.match(run.stderr, /UID 1 has a flag/);
  assert.match(run.stderr, /reconstruct/);
  assert.deepEqual(await sides.replica.messages('user/bob'), ['1 one', '2 two', '3 three']);

  await pair.master.runOk('reconstruct', ['user/anna']);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
});
