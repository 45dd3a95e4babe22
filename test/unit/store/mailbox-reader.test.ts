import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SyncError } from '../../../src/report/sync-error.ts';
import { KeptDatabases } from '../../../src/store/cyrusdb/kept-database.ts';
import { MailboxReader } from '../../../src/store/mailbox/mailbox-reader.ts';
import { MailboxStates } from '../../../src/store/mailbox/mailbox-states.ts';
import { MailboxList, type RowWithInbox } from '../../../src/store/mailbox-list/mailbox-list.ts';
import { indexBytes } from '../../lab/index-bytes.ts';
import { lockInThread } from '../../lab/lock-holders.ts';
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

test('a mailbox that is moved whenever it is looked up is said to be changed all the time, and may be tried again', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mailbox-reader-'));
  t.after(() => rmSync(root, { recursive: true }));
  const layout = plainLayout(root);
  using databases = new KeptDatabases(4);
  for (const partition of ['spool', 'fast']) {
    const at = join(root, partition, 'uuid/s/s/ss01');
    write(join(at, 'cyrus.header'), Buffer.concat([HEADER, Buffer.from('%(T e N news I ss01 A %())\n')]));
    write(join(at, 'cyrus.index'), indexBytes({ version: 17 }, []));
  }
  let moves = 0;
  const move = (): void => {
    const row = `P ${moves++ % 2 === 0 ? 'default' : 'fast'} V 7 C 2 F 3`;
    write(layout.mboxlistPath, `Iss01\t%(T e N news ${row})\nNnews\t%(T e I ss01 ${row})\n`);
  };
  move();
  class RestlessList extends MailboxList {
    override lookupWithInbox(name: string): RowWithInbox {
      const found = super.lookupWithInbox(name);
      move();
      return found;
    }
  }
  const list = new RestlessList(layout, databases);
  const reader = new MailboxReader(layout, list, new MailboxStates(layout, list, databases));
  await assert.rejects(
    reader.read('news', () => undefined),
    { code: 'IMAP_MAILBOX_LOCKED', retryable: true },
  );
});

test('in a store of Cyrus up to 3.4 no index is locked while conversations are waited for', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mailbox-reader-'));
  t.after(() => rmSync(root, { recursive: true }));
  const layout = plainLayout(root, { conversations: true });
  using databases = new KeptDatabases(4);
  write(layout.mboxlistPath, 'user.anna\t%(A %(anna lrs) I aa11 P default V 7 C 2 F 3)\n');
  const conversations = join(root, 'conf/user/a/anna.conversations');
  write(conversations, '');
  const list = new MailboxList(layout, databases);
  const reader = new MailboxReader(layout, list, new MailboxStates(layout, list, databases));
  const holder = await lockInThread({ path: conversations, kind: 'exclusive' });
  t.after(holder.release);
  assert.ok(holder.got);
  // There is no index, which whoever gets as far says at once.
  const endings: SyncError[] = [];
  const reading = reader.read('user.anna', () => undefined).catch((caught) => endings.push(caught));
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  assert.deepEqual(endings, []);
  holder.release();
  await holder.gone;
  await reading;
  assert.deepEqual(
    endings.map(({ code }) => code),
    ['MAILBOX_DAMAGED'],
  );
});

test('a mailbox of mail that waits to be sent, known by its type or its name, has no conversations, as in Cyrus', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mailbox-reader-'));
  t.after(() => rmSync(root, { recursive: true }));
  const layout = plainLayout(root, { conversations: true });
  using databases = new KeptDatabases(4);
  const mailboxes = [
    ['user\x1fanna', 'e', 'aa01'],
    ['user\x1fanna\x1fWaiting', 's', 'aa02'],
    ['user\x1fanna\x1f#jmapsubmission', 'e', 'aa03'],
  ] as const;
  const rest = 'P default V 7 C 2 F 3';
  const rows = mailboxes.flatMap(([name, type, id]) => [
    `I${id}\t%(T ${type} N ${name} ${rest})\n`,
    `N${name}\t%(T ${type} I ${id} ${rest})\n`,
  ]);
  write(layout.mboxlistPath, rows.sort().join(''));
  for (const [name, type, id] of mailboxes) {
    const at = join(root, 'spool/uuid/a/a', id);
    write(
      join(at, 'cyrus.header'),
      Buffer.concat([HEADER, Buffer.from(`%(T ${type} N ${name} I ${id} A %())\n`)]),
    );
    write(join(at, 'cyrus.index'), indexBytes({ version: 20 }, []));
  }
  // Early releases of 3.1 counted them, and whoever is told of short ids there has no conversations to note it in.
  const counted = mailboxes.map(([, , id]) => `F${id}\t0 (6 0 0)\n`).join('');
  write(join(root, 'conf/user/uuid/a/a/aa01/conversations.db'), `$COMPACT_EMAILIDS\t1\n${counted}`);
  const list = new MailboxList(layout, databases);
  const reader = new MailboxReader(layout, list, new MailboxStates(layout, list, databases));
  const told = mailboxes.map(([name]) =>
    reader.read(name.replaceAll('\x1f', '.'), ({ state }) => [state.xconvmodseq, state.compactEmailids]),
  );
  assert.deepEqual(await Promise.all(told), [
    [6, true],
    [0, undefined],
    [0, undefined],
  ]);
});
