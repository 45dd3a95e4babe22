import assert from 'node:assert/strict';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { quoteImap } from '../../lab/imap-values.ts';
import { append } from '../../lab/populate.ts';
import { syncClient } from '../../lab/sync-client.ts';

async function directoryOf(master: CyrusServer, mailbox: string): Promise<string> {
  const { stdout } = await master.runOk('mbpath', [mailbox]);
  return stdout.trim();
}

/** Two folders of anna, one of bert, each damaged in its own way. */
async function damagedPair(separator: '/' | '.'): Promise<{ pair: Pair; name(...parts: string[]): string }> {
  const unixhierarchysep = separator === '/' ? 'yes' : 'no';
  const pair = await startPair({ both: { imapd: { unixhierarchysep, altnamespace: 'yes' } } });
  const name = (...parts: string[]): string => parts.join(separator);
  const names = [
    name('user', 'anna'),
    name('user', 'anna', 'Sent'),
    name('user', 'anna', 'Old'),
    name('user', 'anna', 'Work'),
    name('user', 'bert'),
    name('shared'),
  ];
  await using admin = await pair.master.imap();
  for (const each of names) {
    await admin.ok(`CREATE ${quoteImap(each)}`);
    await admin.ok(`SETACL ${quoteImap(each)} admin lrswipkxtecda`);
    await append(admin, each, 2, each, 'anybody');
  }
  const at = (...parts: string[]): Promise<string> => directoryOf(pair.master, name(...parts));
  await rm(join(await at('user', 'anna', 'Sent'), '2.'));
  await writeFile(join(await at('user', 'anna', 'Old'), 'cyrus.header'), 'no header');
  await chmod(join(await at('user', 'anna', 'Work'), 'cyrus.index'), 0);
  await writeFile(join(await at('user', 'bert'), 'cyrus.index'), Buffer.alloc(4096, 0xa5));
  await rm(join(await at('shared'), '1.'));
  return { pair, name };
}

for (const separator of ['/', '.'] as const) {
  test(`each failure names the mailbox as its administrator types it, separated by ${separator}`, async () => {
    const { pair, name } = await damagedPair(separator);
    await using _pair = pair;
    const log = join(pair.master.directory, 'syslog.txt');
    const list = join(pair.master.directory, 'failures.txt');
    const run = await syncClient(pair.master, ['-A', '--failures', list], {
      env: { CASSANDANE_SYSLOG_FNAME: log },
    });
    assert.equal(run.code, 1, run.stderr);
    const annas = ['Sent', 'Old', 'Work'].map((folder) => name('user', 'anna', folder));
    const line = run.stderr.split('\n').find((each) => each.startsWith('anna: ')) ?? '';
    for (const mailbox of annas) assert.ok(line.includes(mailbox), `expected ${mailbox} in: ${line}`);
    assert.ok(run.stderr.includes(`bert: ${name('user', 'bert')}: `), run.stderr);
    assert.match(run.stderr, /^shared: /m);
    assert.match(run.stderr, /^3 users failed: /m);
    for (const file of [log, list]) {
      const text = await readFile(file, 'utf8');
      for (const mailbox of [...annas, name('user', 'bert'), 'shared: ']) {
        assert.ok(text.includes(mailbox), `expected ${mailbox} in ${file}:\n${text}`);
      }
    }
  });
}
