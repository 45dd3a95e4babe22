import assert from 'node:assert/strict';
import test from 'node:test';
import type { MessageUpload } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Slabs } from '../../../src/replicate/connection/slabs.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { upload } from '../../../src/replicate/connection/upload.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord, MailboxMessages } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';

const PARTITION = 'default';
const MIB = 1024 * 1024;

/** Uploads messages whose content is their UID over and over, read into their place where they have one. @returns what is sent, command by command */
async function sent(
  records: readonly IndexRecord[],
  stage = new Stage({} as never),
): Promise<{ commands: [uid: number | undefined, octets: number][][]; octets: number }> {
  const commands: [uid: number | undefined, octets: number][][] = [];
  const session = {
    window: async () => {},
    applyMessages: async (messages: readonly MessageUpload[]) => {
      commands.push(
        messages.map(({ content, size }) => {
          assert.ok(Buffer.isBuffer(content) && content.length === size);
          const [first] = content;
          assert.ok(content.every((octet) => octet === first));
          return [first, size];
        }),
      );
    },
  };
  const messages: Pick<MailboxMessages, 'readMessage'> = {
    readMessage: async ({ uid, size }, into) => {
      // Room for one octet more, by which a file that is too long shows.
      if (into) assert.equal(into.length, size + 1);
      return (into ?? Buffer.alloc(size)).fill(uid).subarray(0, size);
    },
  };
  const context = { session, stage } as unknown as EngineContext;
  const { octets } = await upload(
    context,
    { uploadTurn: stage.uploadTurns('') },
    messages as MailboxMessages,
    PARTITION,
    records,
    () => {},
    () => false,
  );
  return { commands, octets };
}

test('messages of one command have each their own place in its memory, as large as they are', async () => {
  const list = [record(1, 1, { size: 10 }), record(2, 1, { size: 300 }), record(3, 1, { size: 7 })];
  assert.deepEqual(await sent(list), {
    commands: [
      [
        [1, 10],
        [2, 300],
        [3, 7],
      ],
    ],
    octets: 317,
  });
});

test('a command has a MiB of messages at most, or one that is larger, and no more than 256', async () => {
  const large = [MIB - 10, 10, 1, 2 * MIB, 5].map((size, i) => record(i + 1, 1, { size }));
  const { commands } = await sent(large);
  assert.deepEqual(
    commands.map((each) => each.map(([uid]) => uid)),
    [[1, 2], [3], [4], [5]],
  );
  const many = Array.from({ length: 300 }, (_, i) => record(i + 1, 1, { size: 1 }));
  assert.deepEqual(
    (await sent(many)).commands.map(({ length }) => length),
    [256, 44],
  );
});

test('what is on the stage, or twice among the messages, is sent once', async () => {
  const stage = new Stage({} as never);
  const list = [record(1, 1), record(2, 1), { ...record(3, 1), guid: record(1, 1).guid }];
  stage.add(PARTITION, [record(2, 1).guid]);
  assert.deepEqual((await sent(list, stage)).commands, [[[1, 100]]]);
  assert.deepEqual((await sent(list, stage)).commands, []);
});

test('a message that cannot be read for another reason than its own file ends it, once all that was sent is answered', async () => {
  const context = {
    session: { window: async () => {}, applyMessages: async () => {} },
    stage: new Stage({} as never),
  } as unknown as EngineContext;
  const messages = {
    readMessage: async () => {
      throw new SyncError('IO', 'EIO');
    },
  } as unknown as MailboxMessages;
  const never = (): boolean => false;
  await assert.rejects(
    upload(
      context,
      { uploadTurn: context.stage.uploadTurns('') },
      messages,
      PARTITION,
      [record(1, 1)],
      () => {},
      never,
    ),
    { code: 'IO' },
  );
});

test('memory for messages that turn out to be damaged is used again, as is that of those that were sent', async () => {
  const stage = new Stage({} as never, undefined, new Slabs());
  const { slabs } = stage;
  const given: Buffer[] = [];
  const take = slabs.take.bind(slabs);
  slabs.take = (octets) => {
    const slab = take(octets);
    given.push(slab);
    return slab;
  };
  const damagedOf = ({ uid, guid }: IndexRecord): SyncError =>
    new SyncError('MESSAGE_UNREADABLE', 'missing', { damage: { uid, guid, path: '/', cause: 'missing' } });
  const context = {
    session: { window: async () => {}, applyMessages: async () => {} },
    stage,
  } as unknown as EngineContext;
  for (const isDamaged of [true, false, true]) {
    const messages = {
      readMessage: async (one: IndexRecord, into?: Buffer) => {
        if (isDamaged) throw damagedOf(one);
        return into?.subarray(0, one.size);
      },
    } as unknown as MailboxMessages;
    const records = [record(given.length * 2 + 1, 1), record(given.length * 2 + 2, 1)];
    const { damaged } = await upload(
      context,
      { uploadTurn: stage.uploadTurns('') },
      messages,
      PARTITION,
      records,
      () => {},
      () => false,
    );
    assert.deepEqual(
      damaged.map((one) => one.record.uid),
      isDamaged ? records.map(({ uid }) => uid) : [],
    );
  }
  assert.equal(given.length, 3);
  assert.equal(new Set(given).size, 1);
});
