import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { MessageStream } from '../../../src/protocol/replica-session.ts';
import { type MessageDamage, SyncError } from '../../../src/report/sync-error.ts';
import { checkMessage } from '../../../src/store/check-message.ts';
import { MessageFiles } from '../../../src/store/mailbox/message-files.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';
import { openBelow } from '../../lab/open-below.ts';
import { until } from '../../lab/until.ts';

const ways = ['one by one', 'several at once'] as const;

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'message-files-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

function message(uid: number, content: Buffer, fields: Partial<IndexRecord> = {}): IndexRecord {
  const guid = createHash('sha1').update(content).digest('hex');
  return record(uid, 1, { guid, size: content.length, ...fields });
}

for (const way of ways) {
  const open = (): MessageFiles => new MessageFiles({ next: () => way, didOne: () => {} });

  test(`${way}: many messages, each in the place that was given for it`, async (t) => {
    const files = open();
    const root = directory(t);
    const room = Buffer.alloc(200 * 1001);
    const read = Array.from({ length: 200 }, (_, i) => {
      const content = Buffer.alloc(1000 - i, i);
      writeFileSync(join(root, `${i}.`), content);
      const place = room.subarray(i * 1001, i * 1001 + content.length + 1);
      return files.read(join(root, `${i}.`), message(i, content), 'user.a', place);
    });
    for (const [i, content] of (await Promise.all(read)).entries()) {
      assert.deepEqual(content, Buffer.alloc(1000 - i, i));
      assert.deepEqual(content, room.subarray(i * 1001, i * 1001 + 1000 - i));
    }
  });

  test(`${way}: what is not what the record says is not handed out`, async (t) => {
    const files = open();
    const root = directory(t);
    const path = join(root, '7.');
    const said = message(7, Buffer.from('what it was'));
    const read = (): Promise<unknown> => files.read(path, said, 'user.a');
    const unreadable = (why: RegExp, cause: MessageDamage['cause']) => (error: unknown) =>
      error instanceof SyncError &&
      error.code === 'MESSAGE_UNREADABLE' &&
      error.message.includes(path) &&
      error.damage?.path === path &&
      error.damage.cause === cause &&
      why.test(error.message);
    await assert.rejects(read, unreadable(/no such file/, 'missing'));
    for (const octets of ['what it', 'what it was once']) {
      writeFileSync(path, octets);
      await assert.rejects(read, unreadable(/octets, the index says 11/, 'size-differs'));
    }
    writeFileSync(path, 'what it is!');
    await assert.rejects(read, unreadable(/SHA-1/, 'content-differs'));
    rmSync(path);
    execFileSync('mkfifo', [path]);
    await assert.rejects(read, unreadable(/a FIFO, not a regular file/, 'no-regular-file'));
    const large = message(7, Buffer.alloc(17 * 1024 * 1024));
    await assert.rejects(
      files.read(path, large, 'user.a'),
      unreadable(/a FIFO, not a regular file/, 'no-regular-file'),
    );
    rmSync(path);
    writeFileSync(path, Buffer.alloc(17 * 1024 * 1024, 1));
    await assert.rejects(files.read(path, large, 'user.a'), unreadable(/SHA-1/, 'content-differs'));
    assert.deepEqual(openBelow(root), []);
  });

  test(`${way}: a very large message that is removed once it was checked is still sent whole`, async (t) => {
    const root = directory(t);
    const path = join(root, '1.');
    const content = Buffer.alloc(17 * 1024 * 1024, 'large');
    writeFileSync(path, content);
    const stream = await open().read(path, message(1, content), 'user.a');
    unlinkSync(path);
    assert.ok(stream && !Buffer.isBuffer(stream));
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece);
    assert.deepEqual(Buffer.concat(pieces), content);
    await until('the file is closed', () => openBelow(root).length === 0);
  });

  test(`${way}: a very large message that is not read, or not to its end, is closed when it is given up`, async (t) => {
    const root = directory(t);
    const path = join(root, '1.');
    const content = Buffer.alloc(17 * 1024 * 1024, 'large');
    writeFileSync(path, content);
    const files = open();
    const read = async (): Promise<MessageStream> => {
      const stream = await files.read(path, message(1, content), 'user.a');
      assert.ok(stream && !Buffer.isBuffer(stream));
      return stream;
    };
    await checkMessage({ readMessage: (record) => files.read(path, record, 'user.a') }, message(1, content));
    const [unread, begun, left, ended] = [await read(), await read(), await read(), await read()];
    const reading = begun[Symbol.asyncIterator]();
    assert.equal((await reading.next()).done, false);
    for await (const _ of left) break;
    for await (const _ of ended);
    for (const stream of [unread, begun, left, ended]) {
      stream[Symbol.dispose]();
      stream[Symbol.dispose]();
    }
    await until('all are closed', () => openBelow(root).length === 0);
  });

  test(`${way}: a directory that is not there is no damage of the message`, async (t) => {
    const said = message(7, Buffer.from('what it was'));
    await assert.rejects(open().read(join(directory(t), 'gone', '7.'), said, 'user.a'), {
      code: 'MESSAGE_UNREADABLE',
      damage: undefined,
    });
  });

  test(`${way}: an expunged message may be gone, with its directory as well, or be damaged`, async (t) => {
    const expunged = message(1, Buffer.from('x'), { flags: ['\\Expunged'] });
    const root = directory(t);
    assert.equal(await open().read(join(root, '1.'), expunged, 'user.a'), undefined);
    assert.equal(await open().read(join(root, 'gone', '1.'), expunged, 'user.a'), undefined);
    writeFileSync(join(root, '1.'), 'something else');
    assert.equal(await open().read(join(root, '1.'), expunged, 'user.a'), undefined);
  });
}

test('the pace is told of each file that was read by itself whether it was waited for, and nothing of the others', async (t) => {
  const root = directory(t);
  const told: boolean[] = [];
  const pace = ['one by one', 'several at once', 'one by one'] as const;
  let asked = 0;
  // The thread waits for the first file alone.
  const waits = [3, 4, 9, 9];
  const files = new MessageFiles(
    {
      next: () => pace[asked++] ?? 'one by one',
      didOne: (hasWaited) => void told.push(hasWaited),
    },
    () => waits.shift() ?? 0,
  );
  for (const [i, each] of ['a', 'bb', 'ccc'].entries()) {
    const content = Buffer.from(each);
    writeFileSync(join(root, `${i}.`), content);
    assert.deepEqual(await files.read(join(root, `${i}.`), message(i, content), 'user.a'), content);
  }
  assert.deepEqual(told, [true, false]);
});

test('a file that may not be read is no damage of its message, expunged or not', async (t) => {
  const path = join(directory(t), '1.');
  // A link to itself: its directory is there, and what it leads to cannot be told.
  symlinkSync(path, path);
  for (const flags of [[], ['\\Expunged']]) {
    for (const way of ways) {
      const files = new MessageFiles({ next: () => way, didOne: () => {} });
      const said = message(1, Buffer.from('x'), { flags });
      await assert.rejects(files.read(path, said, 'user.a'), {
        code: 'MESSAGE_UNREADABLE',
        damage: undefined,
      });
    }
  }
});
