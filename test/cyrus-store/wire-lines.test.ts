import assert from 'node:assert/strict';
import test from 'node:test';
import type { MasterStore } from '../../src/store/master-store.ts';
import { openMasterStore } from '../../src/store/open-master-store.ts';
import { startPair } from '../support/cyrus-server.ts';
import { populate } from '../support/populate.ts';
import { handOverLocks, layoutOf } from './layout-of.ts';
import { mailboxLine } from './mailbox-line.ts';

test('every APPLY MAILBOX line of a first copy by the C client can be rebuilt from disk, octet for octet', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  const population = await populate(pair.master, { users: 6 });
  const store = openMasterStore(layoutOf(pair.master));
  const lines = await allLines(store);
  handOverLocks(pair.master);
  assert.ok(lines.size > population.users.length * 5, `only ${lines.size} mailboxes found`);

  const run = await pair.master.run('sync_client', ['-v', '-v', '-o', '-A']);
  assert.equal(run.code, 0, run.stderr.slice(-2000));
  const traffic = Buffer.from(run.stderr, 'utf8')
    .toString('latin1')
    .replace(/[<>]\d{9,11}[<>]/g, '');
  const sent = traffic.split('APPLY MAILBOX ').slice(1);
  for (const [name, line] of lines) {
    const found = sent.find((each) => each.includes(` MBOXNAME ${/ MBOXNAME (\S+)/.exec(line)?.[1]} `));
    if (found?.startsWith(line)) continue;
    assert.equal(found?.slice(0, line.length), line, `APPLY MAILBOX of ${name} differs`);
  }
  assert.equal(sent.length, lines.size);
});

async function allLines(store: MasterStore): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  const add = async (name: string) => {
    using mailbox = await store.openMailbox(name);
    if (mailbox !== undefined) lines.set(name, mailboxLine(mailbox));
  };
  for (const each of store.enumerate()) {
    if (each.kind === 'shared') await add(each.name);
    else for (const entry of store.mailboxesOf(each.userid)) await add(entry.name);
  }
  return lines;
}
