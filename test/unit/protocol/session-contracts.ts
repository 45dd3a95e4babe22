import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { ByteString } from '../../../src/byte-string.ts';
import type {
  MessageUpload,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { wireMailbox } from '../../lab/wire-mailbox.ts';

export interface OpenSession extends AsyncDisposable {
  readonly session: ReplicaSession;
}

const USER = 'anna';
const INBOX = 'user.anna';
const PARTITION = 'default';

/** The contract for the beginning and end of every session, whatever it answers. */
export function sessionEnds(who: string, open: () => Promise<OpenSession>): void {
  test(`${who}: a session is up until it is destroyed, and fails every command after that`, async () => {
    await using opened = await open();
    const { session } = opened;
    assert.equal(session.broken, false);
    assert.ok(session.info.server.length > 0);
    assert.ok(session.servedMs >= 0);
    session.destroy();
    assert.equal(session.broken, true);
    await rejectsAs(session.noop(), 'link');
    await rejectsAs(session.getUser(USER), 'link');
    session.destroy();
    await session.exit();
  });

  test(`${who}: commands fail with the reason for which their session was destroyed`, async () => {
    await using opened = await open();
    const { session } = opened;
    const reason = new SyncError('CANCELLED', 'enough', { family: 'link' });
    session.destroy(reason);
    assert.equal((await rejectsAs(session.noop(), 'link')).code, 'CANCELLED');
  });

  test(`${who}: nobody has to wait for leave to be taken twice`, async () => {
    await using opened = await open();
    const { session } = opened;
    await Promise.all([session.exit(), session.exit()]);
    await session.exit();
  });
}

/** The contract of every session whose replica has nothing at first: what is written can be read. */
export function sessionAnswers(who: string, open: () => Promise<OpenSession>): void {
  const contract = contractOf(who, open);

  contract('what is not there is an empty answer', async (session) => {
    const nothing = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve: [] };
    assert.deepEqual(await session.getUser(USER), nothing);
    assert.deepEqual(await session.getMeta(USER), nothing);
    assert.deepEqual(await session.getMailboxes([INBOX]), []);
    assert.deepEqual(await session.getUniqueids(['none']), []);
    assert.deepEqual(await session.getAnnotation(''), []);
    assert.deepEqual(await session.getMailboxes([]), []);
    assert.deepEqual(await session.getUniqueids([]), []);
    assert.deepEqual(await session.applyReserve(PARTITION, [], []), new Set());
    await session.applyMessages([]);
    await session.window();
  });

  contract('what is not there is removed without a word', async (session) => {
    await session.applyUnmailbox(INBOX);
    await session.applyUnuser(USER);
    await session.applyUnquota(INBOX);
  });

  contract('a refusal fails its own command', async (session) => {
    const before = session.applySub(USER, INBOX);
    const refused = session.getFullMailbox('user.nobody', () => assert.fail('a record of nothing'));
    const after = session.getMeta(USER);
    await before;
    assert.equal((await rejectsAs(refused, 'refused')).code, 'IMAP_MAILBOX_NONEXISTENT');
    assert.deepEqual((await after).subscriptions, [INBOX]);
    assert.equal(session.broken, false);
  });

  contract('a mailbox is read back as it was written', async (session) => {
    const [first, second] = [message('first'), message('second')];
    const guids = [first.guid, second.guid];
    assert.deepEqual(await session.applyReserve(PARTITION, [], guids), new Set(guids));
    const records = [record(1, first), record(3, second)];
    const written = [session.applyMessages([first, second]), session.applyMailbox(mailbox(INBOX), records)];
    await Promise.all(written);
    const [byName] = await session.getMailboxes([INBOX]);
    const [byId] = await session.getUniqueids([idOf(INBOX)]);
    const [ofUser] = (await session.getUser(USER)).mailboxes;
    for (const found of [byName, byId, ofUser]) {
      const { name, uniqueid, lastUid, highestmodseq, acl, options, uidvalidity } = mailbox(INBOX);
      assert.ok(found);
      assert.deepEqual(
        [
          found.name,
          found.uniqueid,
          found.lastUid,
          found.highestmodseq,
          found.acl,
          found.options,
          found.uidvalidity,
        ],
        [name, uniqueid, lastUid, highestmodseq, acl, options, uidvalidity],
      );
    }
  });

  contract('a mailbox that is renamed or removed is where and what it was said to be', async (session) => {
    await session.applyMailbox({ ...mailbox(INBOX), lastUid: 0 }, []);
    await session.applyMailbox({ ...mailbox(`${INBOX}.a`), lastUid: 0 }, []);
    const rename = { oldName: `${INBOX}.a`, newName: `${INBOX}.b`, partition: PARTITION };
    await session.applyRename({ ...rename, uidvalidity: 7, local: false });
    assert.deepEqual(
      (await session.getUser(USER)).mailboxes.map(({ name }) => name),
      [INBOX, `${INBOX}.b`],
    );
    assert.deepEqual(await session.getMailboxes([`${INBOX}.a`]), []);
    await session.applyUnmailbox(`${INBOX}.b`);
    assert.deepEqual(await session.getMailboxes([`${INBOX}.b`]), []);
  });

  contract('what a user has beside mail is read back as it was written', async (session) => {
    await session.applyMailbox({ ...mailbox(INBOX), lastUid: 0, quotaroot: INBOX }, []);
    const seen = { uniqueid: 'another', lastread: 5, lastuid: 4, lastchange: 3, seenuids: '1:2,4' };
    const quota = { root: INBOX, storage: 500, messages: -1, annotationStorage: -1, folders: 3 };
    await Promise.all([
      session.applySub(USER, `${INBOX}.a b`),
      session.applySub(USER, INBOX),
      session.applySeen(USER, seen),
      session.applyQuota(quota, 7),
      session.applyUnsub(USER, INBOX),
    ]);
    const user = await session.getUser(USER);
    assert.deepEqual(user.subscriptions, [`${INBOX}.a b`]);
    assert.deepEqual(user.seen, [seen]);
    assert.deepEqual(user.quotas, [quota]);
    await session.applyUnquota(INBOX);
    assert.deepEqual((await session.getUser(USER)).quotas, []);
  });
}

/** The contract of every session that really writes, where others note what they would have written. */
export function sessionWrites(who: string, open: () => Promise<OpenSession>): void {
  const contract = contractOf(who, open);

  contract('answers come in the order of the calls', async (session) => {
    const order: number[] = [];
    const calls = [
      session.noop(),
      session.applySub(USER, INBOX),
      session.getMailboxes([INBOX]),
      session.applyUnsub(USER, INBOX),
      session.noop(),
    ];
    await Promise.all(calls.map((call, i) => call.then(() => order.push(i))));
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
  });

  contract('records come back in the order of their UIDs, and messages octet for octet', async (session) => {
    const [first, second] = [message('first'), message('second')];
    const records = [record(1, first), record(3, second)];
    const written = [session.applyMessages([first, second]), session.applyMailbox(mailbox(INBOX), records)];
    await Promise.all(written);
    const found: WireRecord[] = [];
    const full = await session.getFullMailbox(INBOX, (each) => void found.push(each));
    assert.deepEqual(found, records);
    assert.equal(full.name, INBOX);
    const address = { mailbox: INBOX, partition: PARTITION, uniqueid: idOf(INBOX) };
    assert.deepEqual(await session.fetchMessage({ ...address, guid: second.guid, uid: 3 }), second.content);
    assert.deepEqual(await session.applyReserve(PARTITION, [INBOX], [first.guid]), new Set());
  });
}

type Contract = (name: string, run: (session: ReplicaSession) => Promise<void>) => void;

function contractOf(who: string, open: () => Promise<OpenSession>): Contract {
  return (name, run) => {
    test(`${who}: ${name}`, async () => {
      await using opened = await open();
      await run(opened.session);
    });
  };
}

async function rejectsAs(work: Promise<unknown>, family: SyncError['family']): Promise<SyncError> {
  const caught = await work.then(
    () => assert.fail('the command was answered'),
    (error: unknown) => error,
  );
  assert.ok(caught instanceof SyncError, String(caught));
  assert.equal(caught.family, family);
  return caught;
}

function message(text: string): MessageUpload {
  const content = Buffer.from(`Subject: ${text}\r\n\r\n`);
  const guid = createHash('sha1').update(content).digest('hex');
  return { partition: PARTITION, guid, size: content.length, content };
}

function record(uid: number, { guid, size }: MessageUpload): WireRecord {
  const then = 1_600_000_000;
  return {
    uid,
    modseq: uid + 1,
    lastUpdated: then,
    flags: [],
    internaldate: then,
    size,
    guid,
    annotations: [],
  };
}

function mailbox(name: ByteString): WireMailbox {
  const counters = { lastUid: 3, highestmodseq: 5, uidvalidity: 7, foldermodseq: 2 };
  return wireMailbox(name, { ...counters, uniqueid: idOf(name), partition: PARTITION, acl: 'anna\tlrs\t' });
}

function idOf(name: ByteString): ByteString {
  return `id-${name.replaceAll('.', '-')}`;
}
