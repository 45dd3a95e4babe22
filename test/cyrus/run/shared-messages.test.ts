import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { filesBelow } from '../../lab/files-below.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

const USERS = Array.from({ length: 9 }, (_, index) => `user${index}`);
const LETTERS = 4;
const CONNECTIONS = 6;
const LARGE = 50_000;

function letter(number: number): string {
  const lines = Array.from({ length: LARGE / 50 }, (_, line) =>
    `${line} of letter ${number} `.padEnd(48, '.'),
  );
  return ['From: house@example.com', `Subject: letter ${number}`, '', ...lines, ''].join('\r\n');
}

/** @returns inodes of the large message files */
async function largeFiles(server: CyrusServer): Promise<{ names: number; inodes: number }> {
  const [spool = ''] = Object.values(server.partitions);
  const inodes = new Set<number>();
  let names = 0;
  for (const file of filesBelow(spool)) {
    if (!/\/\d+\.$/.test(file)) continue;
    const { ino, size } = await stat(file);
    if (size < LARGE / 2) continue;
    names += 1;
    inodes.add(ino);
  }
  return { names, inodes: inodes.size };
}

test('messages that all users hold are linked on the replica, whatever connection each user goes over', async () => {
  await using pair = await startPair();
  {
    await using imap = await pair.master.imap();
    for (const [index, user] of USERS.entries()) {
      await imap.ok(`CREATE user/${user}`);
      await imap.ok(`SETACL user/${user} admin lrswipkxtecda`);
      // In another order for each, with mail of their own in between.
      for (let nth = 0; nth < LETTERS; nth++) {
        const own = `Subject: to ${user}, ${nth}\r\n\r\n${'own '.repeat(500)}\r\n`;
        for (const message of [letter((index + nth) % LETTERS), own]) {
          await imap.ok(`APPEND user/${user} `, Buffer.from(message));
        }
      }
    }
  }
  await syncClientOk(pair.master, ['-A', '--workers', String(CONNECTIONS)]);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, USERS);
  const { names, inodes } = await largeFiles(pair.replica);
  assert.equal(names, USERS.length * LETTERS);
  // One each, or a few where two users would have waited for each other, or one waited in vain; not one for each connection.
  assert.ok(inodes <= (LETTERS * CONNECTIONS) / 2, `${inodes} files`);
});
