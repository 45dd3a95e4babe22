import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides } from '../../lab/two-sides.ts';

/*
 * Contract: options in one word, values with and without a blank, operands wherever they stand: what the C client of the
 * version does with a line, ours does too, and says the same of it.
 */

/** @param list a file that names a user */
function lines(list: string): string[][] {
  return [
    ['-Av'],
    ['-vA'],
    ['-vlA'],
    ['-vAS127.0.0.1'],
    ['-vlS', '127.0.0.1', '-A'],
    ['-vnoffsite', '-A'],
    ['-Avn', 'offsite'],
    ['-uv', 'anna', 'bob'],
    ['anna', '-uv', 'bob'],
    ['-uv', '--', 'anna'],
    [`-vuf${list}`],
    ['-vuf', list],
    ['-vupdefault', 'anna'],
    ['-mv', 'user/anna', 'user/bob'],
    ['-vs', 'anna'],
    ['-vLw0u', 'bob'],
    ...(PROGRAMS.isAtLeast(3, 4) ? [['-R1v']] : []),
    ...(PROGRAMS.isAtLeast(3, 6) ? [['-AvN'], ['-vNu', 'anna']] : []),
    // These are no lines.
    ['-vA!'],
    ['-An'],
  ];
}

test('clusters of options mean what they mean to the C client of the version', async () => {
  await using pair = await startPair();
  const { master } = pair;
  for (const option of ['host', 'port', 'authname', 'password', 'try_imap']) {
    master.configure(`offsite_sync_${option}`, master.setting(`sync_${option}`));
  }
  await master.writeConfiguration();
  {
    await using sides = await openSides(pair);
    for (const user of ['anna', 'bob']) await sides.master.create(`user/${user}`, BASE);
  }
  await syncClientOk(master, ['-A']);
  const list = join(master.directory, 'users');
  writeFileSync(list, 'anna\n');
  for (const line of lines(list)) {
    const [expected, mine] = [await master.run('sync_client', line), await syncClient(master, line)];
    assert.deepEqual(said(mine), said(expected), line.join(' '));
  }
});

/** The words on standard output, in any order: users are at work at the same time. 3.12 says more of what it asks. */
function said({ code, stdout }: ToolResult): unknown {
  const asks = PROGRAMS.isAtLeast(3, 12) ? /^MAILBOXES / : /^$/;
  const words = stdout.split('\n').filter((line) => !asks.test(line));
  return { code, stdout: words.sort() };
}
