import assert from 'node:assert/strict';
import test from 'node:test';
import { annotationCrc, basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type { MailboxState } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { handOverLocks, layoutOf } from '../../lab/layout-of.ts';
import { allRecords } from './all-records.ts';

test('the sync lock keeps the C client out while it is held, and only for that server and user', async () => {
  // Older clients know no such lock.
  if (!PROGRAMS.isAtLeast(3, 6)) return;
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

test('a mailbox read while Cyrus changes it is always one consistent state', async () => {
  await using pair = await startPair({
    both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } },
  });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  await using anna = await pair.master.imap('anna');
  const store = openMasterStore(layoutOf(pair.master));
  await store.readMailbox('user.anna', () => undefined);
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
    const found = await store.readMailbox('user.anna', (mailbox) => {
      const { entry, state, annotations } = mailbox;
      return { entry, state, annotations, records: allRecords(mailbox) };
    });
    assert.ok(found);
    const { entry, state, annotations, records } = found;
    const { crcBasic, crcAnnotations, indexVersion, highestmodseq } = state;
    assert.deepEqual(
      [basicCrc(records), annotationCrc(records, indexVersion)],
      [crcBasic, crcAnnotations],
      `at modseq ${highestmodseq}`,
    );
    states.add(highestmodseq);
    // One more look without opening: the same state, or a later one that is a state in itself.
    const view = (await store.peek([entry])).get(entry);
    if (view?.state.highestmodseq === highestmodseq) {
      assert.deepEqual([unseen(view.state), view.annotations], [unseen(state), annotations]);
      same++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  assert.ok(states.size > 10, `only ${states.size} states were seen`);
  // Up to 3.4 no lock is known to freeze a user, and each mailbox is opened.
  if (PROGRAMS.isAtLeast(3, 6)) assert.ok(same > 0, 'no state was seen in both ways');
});

/** What is \Recent imapd notes without another modseq. */
function unseen(state: MailboxState): MailboxState {
  return { ...state, recentuid: 0, recenttime: 0 };
}
