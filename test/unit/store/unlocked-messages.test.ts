import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { MessageFiles } from '../../../src/store/mailbox/message-files.ts';
import { type LocatedMessage, UnlockedMessages } from '../../../src/store/mailbox/unlocked-messages.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';

const CONTENT = Buffer.from('Subject: x\r\n\r\n');

/** Messages of a mailbox, the place where a message is found again, and how often it was looked for. */
function scene(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'unlocked-'));
  t.after(() => rmSync(root, { recursive: true }));
  const said = (uid: number): IndexRecord =>
    record(uid, 1, { guid: createHash('sha1').update(CONTENT).digest('hex'), size: CONTENT.length });
  const at = (uid: number): string => join(root, `${uid}.`);
  const now: {
    found?: LocatedMessage | undefined;
    searches: string[];
    pathOf: (record: IndexRecord) => string;
  } = {
    searches: [],
    pathOf: ({ uid }) => at(uid),
  };
  const messages = new UnlockedMessages(
    new MessageFiles(),
    'user.a',
    (one) => now.pathOf(one),
    async (uid, guid) => {
      now.searches.push(`${uid} ${guid}`);
      return now.found;
    },
  );
  return { messages, said, at, now };
}

test('a message that is where it should be is not looked for, and goes where there is room for it', async (t) => {
  const { messages, said, at, now } = scene(t);
  writeFileSync(at(1), CONTENT);
  const into = Buffer.alloc(CONTENT.length + 1);
  assert.deepEqual(await messages.readMessage(said(1), into), CONTENT);
  assert.deepEqual(into.subarray(0, -1), CONTENT);
  assert.deepEqual(now.searches, []);
});

test('one that is not is read where it is found by the index, by the record that it has there', async (t) => {
  const { messages, said, at, now } = scene(t);
  now.found = { record: said(2), path: at(2) };
  writeFileSync(at(2), CONTENT);
  const into = Buffer.alloc(CONTENT.length + 1);
  assert.deepEqual(await messages.readMessage(said(1), into), CONTENT);
  assert.deepEqual(into.subarray(0, -1), CONTENT);
  assert.deepEqual(now.searches, [`1 ${said(1).guid}`]);
  unlinkSync(at(2));
  await assert.rejects(messages.readMessage(said(1)), { code: 'MESSAGE_UNREADABLE', message: /\b2\./ });
  now.found = undefined;
  await assert.rejects(messages.readMessage(said(1)), {
    code: 'IMAP_SYNC_CHANGED',
    mailbox: 'user.a',
    retryable: true,
  });
});

test('what concerns more than the message is not looked for again', async (t) => {
  const { messages, said, now } = scene(t);
  now.pathOf = () => {
    throw new SyncError('PARTITION_UNKNOWN', 'no partition-fast in imapd.conf', { phase: 'read' });
  };
  await assert.rejects(messages.readMessage(said(1)), { code: 'PARTITION_UNKNOWN' });
  assert.deepEqual(now.searches, []);
  using kept = messages.keepFiles([said(1)]);
  assert.ok(kept);
});

test('of a file that was kept and is not what its record says the error names the place where it should be', async (t) => {
  const { messages, said, at, now } = scene(t);
  writeFileSync(at(1), 'something else');
  using kept = messages.keepFiles([said(1)]);
  assert.ok(kept);
  now.found = { record: said(1), path: at(1) };
  await assert.rejects(messages.readMessage(said(1)), (error) => {
    assert.ok(error instanceof SyncError);
    assert.equal(error.damage?.path, at(1));
    assert.ok(!error.message.includes('/proc/'));
    return true;
  });
  // What took its place since is read, although the former file is still open.
  writeFileSync(at(2), CONTENT);
  renameSync(at(2), at(1));
  assert.deepEqual(await messages.readMessage(said(1)), CONTENT);
});
