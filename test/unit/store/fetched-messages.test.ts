import assert from 'node:assert/strict';
import test from 'node:test';
import type { ByteString } from '../../../src/byte-string.ts';
import type { MasterSession } from '../../../src/protocol/replica-session.ts';
import { nameInText } from '../../../src/report/name-in-text.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord, MailboxMessages, MasterStore } from '../../../src/store/master-store.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';

const INBOX = 'user.anna';

async function served(
  fetchMessage: (session: MasterSession) => MasterSession['fetchMessage'],
  check: (store: MasterStore, scene: EngineScene) => Promise<void>,
): Promise<void> {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna');
  scene.master.append(INBOX, 'second');
  await replicateAll(scene, scene.master);
  const through = (session: MasterSession): MasterSession =>
    inPlaceOf(session, { fetchMessage: fetchMessage(session) });
  const store = storeServedBy(scene, {}, through);
  await check(store, scene);
  store.close();
}

async function firstOf(
  store: MasterStore,
  name: ByteString,
): Promise<{ messages: MailboxMessages; record: IndexRecord }> {
  const found = await store.readMailbox(name, (mailbox) => {
    const [page] = mailbox.pages();
    assert.ok(page);
    return { messages: mailbox.messages, record: page.record(0) };
  });
  assert.ok(found);
  return found;
}

const refuse = (): Promise<never> =>
  Promise.reject(new SyncError('IMAP_MAILBOX_NONEXISTENT', 'no such message', { family: 'refused' }));

test('octets that are not those of the record are damage, whatever the server calls them', async () => {
  const others = (): Promise<Buffer> => Promise.resolve(Buffer.from('to bert'));
  await served(
    () => others,
    async (store) => {
      const { messages, record } = await firstOf(store, INBOX);
      await assert.rejects(messages.readMessage(record), {
        code: 'MESSAGE_UNREADABLE',
        family: 'local',
        damage: { uid: 1, guid: record.guid, path: `${nameInText(INBOX)} 1`, cause: 'content-differs' },
      });
    },
  );
});

test('a message that is listed and refused is missing; one that has been removed meanwhile is to be read again', async () => {
  await served(
    () => refuse,
    async (store, scene) => {
      const { messages, record } = await firstOf(store, INBOX);
      await assert.rejects(messages.readMessage(record), { code: 'MESSAGE_UNREADABLE', retryable: false });
      scene.master.expunge(INBOX, 1);
      await scene.runUser('anna');
      await assert.rejects(messages.readMessage(record), { code: 'IMAP_SYNC_CHANGED', family: 'local' });
      const now = await firstOf(store, INBOX);
      assert.equal(await now.messages.readMessage(now.record), undefined, 'nobody misses an expunged one');
    },
  );
});

test('a question on which a session breaks is asked again on another one', async () => {
  let broken = 0;
  const breakOnce =
    (session: MasterSession): MasterSession['fetchMessage'] =>
    (what) => {
      if (broken++ > 0) return session.fetchMessage(what);
      session.destroy(new SyncError('LINK_BROKEN', 'the server was restarted', { family: 'link' }));
      return session.fetchMessage(what);
    };
  await served(breakOnce, async (store) => {
    const { messages, record } = await firstOf(store, INBOX);
    const content = await messages.readMessage(record);
    assert.equal(String(content), 'to anna');
    assert.equal(broken, 2);
  });
});

test('of what was not asked for nothing is claimed', async () => {
  await served(
    (session) => session.fetchMessage,
    async (store) => {
      assert.throws(() => store.lookup('user.bert'), { code: 'BUG' });
      assert.throws(() => store.mailboxesOf('anna'), { code: 'BUG' });
      assert.throws(() => [...store.enumerate()], { code: 'BUG' });
      await store.refresh({ names: ['user.bert'] });
      assert.equal(store.lookup('user.bert'), undefined);
    },
  );
});

test('other octets of a message that has been removed meanwhile mean to look again, and of an expunged one nothing', async () => {
  const others = (): Promise<Buffer> => Promise.resolve(Buffer.from('to bert'));
  await served(
    () => others,
    async (store, scene) => {
      const { messages, record } = await firstOf(store, INBOX);
      scene.master.expunge(INBOX, 1);
      await scene.runUser('anna');
      await assert.rejects(messages.readMessage(record), { code: 'IMAP_SYNC_CHANGED', retryable: true });
      const now = await firstOf(store, INBOX);
      assert.deepEqual(now.record.flags, ['\\Expunged']);
      assert.equal(await now.messages.readMessage(now.record), undefined);
    },
  );
});

test('a message of another length than its record says differs in size', async () => {
  const longer = (): Promise<Buffer> => Promise.resolve(Buffer.from('to anna and bert'));
  await served(
    () => longer,
    async (store) => {
      const { messages, record } = await firstOf(store, INBOX);
      await assert.rejects(messages.readMessage(record), (error) => {
        assert.ok(error instanceof SyncError);
        assert.equal(error.damage?.cause, 'size-differs');
        assert.match(error.message, /of 16 octets$/);
        return true;
      });
    },
  );
});

test('a message goes where there is room for it, and comes by itself where there is not', async () => {
  await served(
    (session) => session.fetchMessage,
    async (store) => {
      const { messages, record } = await firstOf(store, INBOX);
      for (const room of [record.size, record.size + 1]) {
        const into = Buffer.alloc(room);
        const content = await messages.readMessage(record, into);
        assert.ok(Buffer.isBuffer(content));
        assert.equal(String(content), 'to anna');
        assert.equal(content.buffer, into.buffer, `room for ${room}`);
        assert.equal(content.byteOffset, into.byteOffset);
      }
      const tooSmall = Buffer.alloc(record.size - 1);
      assert.equal(String(await messages.readMessage(record, tooSmall)), 'to anna');
      assert.deepEqual(tooSmall, Buffer.alloc(record.size - 1));
    },
  );
});

test('a link that broke is no answer about the message', async () => {
  const broken = (): Promise<never> =>
    Promise.reject(new SyncError('LINK_BROKEN', 'the server was restarted', { family: 'link' }));
  await served(
    () => broken,
    async (store, scene) => {
      scene.master.expunge(INBOX, 1);
      await scene.runUser('anna');
      const { messages, record } = await firstOf(store, INBOX);
      assert.deepEqual(record.flags, ['\\Expunged']);
      await assert.rejects(messages.readMessage(record), { code: 'LINK_BROKEN' });
    },
  );
});
