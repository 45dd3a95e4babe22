import assert from 'node:assert/strict';
import test from 'node:test';
import { annotationCrc, basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type { MailboxState } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, startPair } from '../../lab/cyrus-server.ts';
import { handOverLocks, layoutOf } from '../../lab/layout-of.ts';
import { allRecords } from './all-records.ts';

const STANDSTILL_MS = 10;
const ENOUGH_STATES = 11;
/** A writer that nobody ever reads beside is given up. */
const MAX_MESSAGES = 2000;

test('the sync lock keeps the C client out while it is held, and only for that server and user', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, 'its client knows no such lock')) return;
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

// A user's mailbox is frozen by the lock of the user already, a shared one by that of its index alone.
for (const [whose, name, external] of [
  ['of a user', 'user.anna', 'user/anna'],
  ['that is shared', 'news', 'news'],
] as const) {
  test(`a mailbox ${whose} read while Cyrus changes it is always one consistent state`, async () => {
    await isOneState(name, external);
  });
}

async function isOneState(name: string, external: string): Promise<void> {
  await using pair = await startPair({
    both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } },
  });
  await using admin = await pair.master.imap();
  await admin.ok(`CREATE ${external}`);
  await admin.ok(`SETACL ${external} ${ADMIN} lrswipkxtecdan`);
  const store = openMasterStore(layoutOf(pair.master));
  await store.readMailbox(name, () => undefined);
  handOverLocks(pair.master);
  const message = (i: number): Buffer =>
    Buffer.from(`Subject: ${i}\r\nMessage-ID: <${i}@x>\r\n\r\nbody ${i}\r\n`);
  let busy = true;
  const states = new Set<number>();
  let same = 0;
  // What no lock is known to freeze, as up to 3.4 any user, is opened.
  const isSeenInBothWays = PROGRAMS.isAtLeast(3, 6) && name.startsWith('user.');
  const isEnough = (): boolean => states.size >= ENOUGH_STATES && (same > 0 || !isSeenInBothWays);
  const writing = (async () => {
    await admin.ok(`SELECT ${external}`);
    for (let i = 1; i <= 60 || (i <= MAX_MESSAGES && !isEnough()); i++) {
      await admin.ok(`APPEND ${external} (\\Seen Label${i % 40}) `, message(i));
      await admin.ok(`STORE * ANNOTATION (/comment (value.shared "comment ${i}"))`);
      if (i % 7 === 0) {
        await admin.ok('STORE 1:2 +FLAGS (\\Deleted)');
        await admin.ok('EXPUNGE');
      }
    }
  })().finally(() => {
    busy = false;
  });
  // Otherwise a difference found below would be told as the end of this connection.
  writing.catch(() => {});
  for (let round = 0; busy; round++) {
    const found = await store.readMailbox(name, (mailbox) => {
      const { entry, state, annotations } = mailbox;
      // What is read first and what is read last are of one moment, however long a writer has had in between.
      if (round % 2 === 0) standStill();
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
      assert.deepEqual([lasting(view.state), view.annotations], [lasting(state), annotations]);
      assert.ok((view.state.deletedmodseq ?? 0) >= (state.deletedmodseq ?? 0), 'a clean-up was undone');
      same++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  assert.ok(isEnough(), `${states.size} states were seen, ${same} of them in both ways`);
}

/** All of this thread, for longer than a change takes. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, STANDSTILL_MS);
}

/** Leaves aside what changes with another modseq alone: \Recent flags and the clean-up behind an EXPUNGE are noted without one. */
function lasting(state: MailboxState): MailboxState {
  return { ...state, recentuid: 0, recenttime: 0, deletedmodseq: 0 };
}
