import assert from 'node:assert/strict';
import test from 'node:test';
import type { MailboxState } from '../../src/store/master-store.ts';
import { openMasterStore } from '../../src/store/open-master-store.ts';
import { annotationCrc, basicCrc } from '../../src/store/sync-crc.ts';
import { startPair } from '../support/cyrus-server.ts';
import { handOverLocks, layoutOf } from './layout-of.ts';
import { allRecords } from './records.ts';

test('the sync lock keeps the C client out while it is held, and only for that server and user', async () => {
  await using pair = await startPair();
  await using admin = await pair.master.imap();
  for (const user of ['anna', 'bob.smith']) await admin.ok(`CREATE user/${user}`);
  const store = openMasterStore(layoutOf(pair.master));
  for (const user of ['anna', 'bob.smith']) {
    const lock = store.trySyncLock('127.0.0.1', user);
    assert.ok(lock);
    assert.equal(store.trySyncLock('127.0.0.1', user), undefined, 'a second holder in one process');
    handOverLocks(pair.master);
    assert.notEqual(
      (await pair.master.run('sync_client', ['-N', '-u', user])).code,
      0,
      `${user} was not locked`,
    );
    assert.equal((await pair.master.run('sync_client', ['-N', '-u', 'other'])).code, 0);
    lock[Symbol.dispose]();
    assert.equal((await pair.master.run('sync_client', ['-N', '-u', user])).code, 0, `${user} stayed locked`);
  }
});

test('an open mailbox holds up its removal by Cyrus until it is disposed of', async () => {
  await using pair = await startPair({ both: { imapd: { delete_mode: 'immediate' } } });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await admin.ok('CREATE user/anna/Work');
  await admin.ok('SETACL user/anna/Work admin lrswipkxtecda');
  const store = openMasterStore(layoutOf(pair.master));
  using mailbox = await store.openMailbox('user.anna.Work');
  assert.ok(mailbox);
  handOverLocks(pair.master);
  let removed = false;
  const removal = admin.command('DELETE user/anna/Work').then((answer) => {
    removed = true;
    return answer;
  });
  // Cyrus answers other people meanwhile, and so has had the time to do it.
  await using other = await pair.master.imap();
  for (let round = 0; round < 20; round++) await other.ok('LIST "" *');
  assert.equal(removed, false, 'removed under our lock');
  mailbox.releaseIndex();
  for (let round = 0; round < 20; round++) await other.ok('NOOP');
  assert.equal(removed, false, 'removed although message files were still wanted');
  mailbox[Symbol.dispose]();
  assert.equal((await removal).status, 'OK');
  assert.equal(await store.openMailbox('user.anna.Work'), undefined);
});

test('a mailbox read while Cyrus changes it is always one consistent state', async () => {
  await using pair = await startPair({
    both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } },
  });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using anna = await pair.master.imap('anna');
  const store = openMasterStore(layoutOf(pair.master));
  (await store.openMailbox('user.anna'))?.[Symbol.dispose]();
  handOverLocks(pair.master);
  const message = (i: number): Buffer =>
    Buffer.from(`Subject: ${i}\r\nMessage-ID: <${i}@x>\r\n\r\nbody ${i}\r\n`);
  let busy = true;
  const states = new Set<number>();
  let same = 0;
  const writing = (async () => {
    await anna.ok('SELECT INBOX');
    for (let i = 1; i <= 60; i++) {
      await anna.ok(`APPEND INBOX (\\Seen Label${i % 40}) `, message(i));
      await anna.ok(`STORE * ANNOTATION (/comment (value.shared "comment ${i}"))`);
      if (i % 7 === 0) {
        await anna.ok('STORE 1:2 +FLAGS (\\Deleted)');
        await anna.ok('EXPUNGE');
      }
    }
    busy = false;
  })();
  // Otherwise a difference found below would be told as the end of this connection.
  writing.catch(() => {});
  while (busy) {
    using mailbox = await store.openMailbox('user.anna');
    assert.ok(mailbox);
    const records = allRecords(mailbox);
    const { crcBasic, crcAnnotations, indexVersion, highestmodseq } = mailbox.state;
    assert.deepEqual(
      [basicCrc(records), annotationCrc(records, indexVersion)],
      [crcBasic, crcAnnotations],
      `at modseq ${highestmodseq}`,
    );
    states.add(highestmodseq);
    mailbox.releaseIndex();
    // One more look without opening: the same state, or a later one that is a state in itself.
    const view = (await store.peek([mailbox.entry])).get(mailbox.entry);
    if (view?.state.highestmodseq === highestmodseq) {
      assert.deepEqual([unseen(view.state), view.annotations], [unseen(mailbox.state), mailbox.annotations]);
      same++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  assert.ok(states.size > 10, `only ${states.size} states were seen`);
  assert.ok(same > 0, 'no state was seen in both ways');
});

/** What is \Recent imapd notes without another modseq. */
function unseen(state: MailboxState): MailboxState {
  return { ...state, recentuid: 0, recenttime: 0 };
}
