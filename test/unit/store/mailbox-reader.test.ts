import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { KeptDatabases } from '../../../src/store/cyrusdb/kept-database.ts';
import { MailboxReader } from '../../../src/store/mailbox/mailbox-reader.ts';
import { MailboxStates } from '../../../src/store/mailbox/mailbox-states.ts';
import { MailboxList, type RowWithInbox } from '../../../src/store/mailbox-list/mailbox-list.ts';
import { indexBytes } from '../../lab/index-bytes.ts';
import { plainLayout } from '../../lab/plain-layout.ts';

const HEADER = Buffer.concat([
  Buffer.from([0xa1, 0x02, 0x8b, 0x0d]),
  Buffer.from(
    'Cyrus mailbox header\n"The best thing about this system was that it had lots of goals."\n\t--Jim Morris on Andrew\n',
  ),
]);

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, 'latin1');
}

test('a shared mailbox that is moved between lookup and lock is read where it is, not where it was', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mailbox-reader-'));
  t.after(() => rmSync(root, { recursive: true }));
  const layout = plainLayout(root);
  using databases = new KeptDatabases(4);
  for (const [partition, records] of [
    ['spool', [{ uid: 1 }]],
    ['fast', [{ uid: 1 }, { uid: 2 }]],
  ] as const) {
    const at = join(root, partition, 'uuid/s/s/ss01');
    write(join(at, 'cyrus.header'), Buffer.concat([HEADER, Buffer.from('%(T e N news I ss01 A %())\n')]));
    write(join(at, 'cyrus.index'), indexBytes({ version: 17 }, records));
  }
  const put = (partition: string): void => {
    const row = `P ${partition} V 7 C 2 F 3`;
    write(layout.mboxlistPath, `Iss01\t%(T e N news ${row})\nNnews\t%(T e I ss01 ${row})\n`);
  };
  put('default');
  let lookups = 0;
  class MovingList extends MailboxList {
    override lookupWithInbox(name: string): RowWithInbox {
      const found = super.lookupWithInbox(name);
      lookups++;
      put('fast');
      return found;
    }
  }
  const list = new MovingList(layout, databases);
  const reader = new MailboxReader(layout, list, new MailboxStates(layout, list, databases));
  const found = await reader.read('news', ({ entry, state }) => [entry.partition, state.exists]);
  assert.deepEqual(found, ['fast', 2]);
  assert.equal(lookups, 2);
});
