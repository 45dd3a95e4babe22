import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { after, before } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../../src/protocol/connection-settings.ts';
import type { MessageUpload, ReplicaSession, WireRecord } from '../../../src/protocol/replica-session.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, CyrusServer, PASSWORD } from '../../lab/cyrus-server.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { StreamedOctets } from '../../lab/streamed-octets.ts';
import { wireMailbox, wireRecord } from '../../lab/wire-mailbox.ts';

/* Contract: each command does on a real replica what it says, in both flavours, compressed and not. */

let server: CyrusServer;

before(async () => {
  server = await CyrusServer.start('commands', { imapd: { conversations: 'no' } });
});

after(async () => {
  await server?.stop();
});

/** A replica of 3.2 has no annotations of no mailbox, and makes intermediates by itself. */
const IS_OLD = !PROGRAMS.isAtLeast(3, 4);

const LINKS = ['csync', 'csync compressed', 'imap'] as const;

function open(
  link: (typeof LINKS)[number],
  changes: Partial<ConnectionSettings> = {},
): Promise<ReplicaSession> {
  const port = link === 'imap' ? server.imapPort : server.syncPort;
  const mode = link === 'csync compressed' ? 'required' : 'off';
  return connectReplica(
    settingsFor(`127.0.0.1:${port}`, {
      authname: ADMIN,
      password: PASSWORD,
      connectTimeoutMs: 20_000,
      answerTimeoutMs: 60_000,
      compression: { mode, level: undefined },
      ...changes,
    }),
  );
}

function message(text: string, padding = 0): MessageUpload {
  const content = Buffer.from(
    `From: a@example.com\r\nSubject: ${text}\r\n\r\n${'0123456789abcde\r\n'.repeat(padding)}body\r\n`,
  );
  const guid = createHash('sha1').update(content).digest('hex');
  return { partition: 'default', guid, size: content.length, content };
}

for (const link of LINKS) {
  const user = `u${link.replace(/ /g, '')}`;
  const inbox = `user.${user}`;

  test(`${link}: messages and a mailbox arrive, and are read back the same`, async () => {
    const session = await open(link);
    const uploads = [message(`${user} 1`), message(`${user} 2`, 20_000), message(`${user} 3`)];
    const annotations = [
      { entry: '/comment', userid: '', modseq: 2, value: 'plain' },
      { entry: '/comment', userid: user, modseq: 2, value: 'a % literal\r\nof two lines' },
    ];
    const records = [
      wireRecord(1, uploads[0] ?? message(''), { flags: ['\\Flagged', '\\Seen', '$Label1'] }),
      wireRecord(2, uploads[1] ?? message(''), { annotations }),
      wireRecord(3, uploads[2] ?? message('')),
    ];
    const box = wireMailbox(inbox, {
      lastUid: 3,
      highestmodseq: 5,
      annotations: [{ entry: '/comment', userid: '', modseq: 0, value: 'hello world 100% of (x)' }],
    });
    const streamed = { ...(uploads[1] ?? message('')), content: inPieces(uploads[1]?.content) };
    const sent = [
      session.applyMessages([uploads[0] ?? message(''), uploads[2] ?? message('')]),
      session.applyMessages([streamed]),
      session.applyMailbox(box, records),
    ];
    const received: WireRecord[] = [];
    const full = session.getFullMailbox(inbox, (each) => received.push(each));
    await Promise.all(sent);
    const there = await full;
    assert.deepEqual(received, records);
    assert.deepEqual(
      [there.uniqueid, there.name, there.lastUid, there.highestmodseq, there.acl, there.options],
      [box.uniqueid, inbox, 3, 5, 'anyone\tlrs\t', 'P'],
    );
    assert.deepEqual(there.annotations, box.annotations);
    assert.deepEqual(
      (await session.getUser(user)).mailboxes.map(({ name }) => name),
      [inbox],
    );
    const address = { mailbox: inbox, partition: 'default', uniqueid: box.uniqueid };
    for (const [i, upload] of uploads.entries()) {
      const fetched = session.fetchMessage({ ...address, guid: upload.guid, uid: i + 1 });
      assert.deepEqual(await fetched, upload.content);
    }
    await session.exit();
  });

  test(`${link}: reserve finds what is there and names what is not`, async () => {
    const session = await open(link);
    const known = message(`${user} 1`);
    const unknown = message(`${user} never sent`);
    const missing = await session.applyReserve('default', [inbox], [known.guid, unknown.guid]);
    assert.deepEqual([...missing], [unknown.guid]);
    const folder = wireMailbox(`${inbox}.a b`, { lastUid: 1, highestmodseq: 2 });
    await session.applyMailbox(folder, [wireRecord(1, known)]);
    await session.exit();
  });

  test(`${link}: refusals among pipelined commands`, async () => {
    const session = await open(link);
    const wrong = wireMailbox(inbox, { lastUid: 3, highestmodseq: 5, uniqueid: 'x'.repeat(24) });
    const first = session.applySub(user, inbox);
    const moved = session.applyMailbox(wrong, []);
    const nowhere = session.getFullMailbox(`${inbox}.nowhere`, () => {});
    const last = session.getMeta(user);
    await first;
    const error = await rejectsWith(moved, 'IMAP_MAILBOX_MOVED');
    assert.equal(
      error.message,
      'MAILBOX received NO response: IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid',
    );
    await rejectsWith(nowhere, 'IMAP_MAILBOX_NONEXISTENT', /^FULLMAILBOX received NO response/);
    assert.deepEqual((await last).subscriptions, [inbox]);
    await session.exit();
  });

  test(`${link}: subscriptions, seen state, quota and annotations are set and read back`, async () => {
    const session = await open(link);
    const seen = { uniqueid: 'someone-elses', lastread: 5, lastuid: 4, lastchange: 3, seenuids: '1:2,4' };
    const quota = { root: inbox, storage: 50_000, messages: 10, annotationStorage: -1, folders: -1 };
    const annotation = { entry: '/comment', userid: '', modseq: 0, value: '100% new' };
    await Promise.all([
      session.applySub(user, `${inbox}.a b`),
      session.applySeen(user, seen),
      session.applyQuota(quota, 7),
      session.applyAnnotation(inbox, annotation),
    ]);
    const ofServer = session.applyAnnotation('', annotation);
    if (IS_OLD) await rejectsWith(ofServer, 'IMAP_MAILBOX_NONEXISTENT');
    else await ofServer;
    const there = await session.getUser(user);
    assert.deepEqual(there.seen, [seen]);
    assert.deepEqual([...there.subscriptions].sort(), [inbox, `${inbox}.a b`]);
    assert.deepEqual(there.quotas, [quota]);
    // On 3.6 GET ANNOTATION finds server annotations only; a mailbox's come with its MAILBOX line.
    assert.deepEqual(await session.getAnnotation(''), IS_OLD ? [] : [annotation]);
    const [box] = await session.getMailboxes([inbox]);
    assert.deepEqual(box?.annotations, [annotation]);
    await Promise.all([
      session.applyUnsub(user, inbox),
      session.applyUnquota(inbox),
      session.applyUnannotation(inbox, '/comment', ''),
      ...(IS_OLD ? [] : [session.applyUnannotation('', '/comment', '')]),
    ]);
    assert.deepEqual((await session.getUser(user)).quotas, []);
    assert.deepEqual(await session.getAnnotation(''), []);
    assert.deepEqual((await session.getMailboxes([inbox]))[0]?.annotations, []);
    assert.deepEqual((await session.getMeta(user)).subscriptions, [`${inbox}.a b`]);
    await session.exit();
  });

  test(`${link}: rename, intermediate, removal, and removing what is gone`, async () => {
    const session = await open(link);
    const rename = { oldName: `${inbox}.a b`, newName: `${inbox}.c.d`, partition: 'default' };
    await session.applyRename({ ...rename, uidvalidity: 1795479544, local: false });
    const between = wireMailbox(`${inbox}.mid`, {
      type: 'i',
      intermediate: true,
      foldermodseq: 9,
      createdmodseq: 9,
    });
    await session.applyMailbox(between, []);
    const names = (await session.getUser(user)).mailboxes.map(({ name, type }) => `${name} ${type}`);
    assert.ok(names.includes(`${inbox}.c.d `), names.join());
    // 3.6 prints the letter of plain mail as well, here and for tombstones.
    assert.equal(names.includes(`${inbox}.mid ei`), !IS_OLD, names.join());
    await session.applyUnmailbox(`${inbox}.c.d`);
    await session.applyUnmailbox(`${inbox}.c.d`);
    await session.applyUnuser(user);
    await session.applyUnuser(user);
    assert.deepEqual(await session.getMailboxes([inbox, `${inbox}.c.d`]), []);
    await rejectsWith(
      session.getFullMailbox(inbox, () => {}),
      'IMAP_MAILBOX_NONEXISTENT',
    );
    await session.exit();
  });
}

test('a message for a partition that the replica lacks: its process dies, and the error says what to do', async () => {
  const session = await open('csync');
  const error = await rejectsWith(
    session.applyMessages([{ ...message('lost'), partition: 'nopart' }]),
    'LINK_BROKEN',
    /assertion failed/,
  );
  assert.match(error.hint ?? '', /partition/);
  assert.equal(session.broken, true);
});

test('a hundred thousand records in one command, read back in order', async () => {
  const session = await open('csync');
  const name = 'user.giant';
  const count = 100_000;
  // Expunged records need no message on the replica.
  const guids = (uid: number): string => uid.toString(16).padStart(40, 'e');
  function* records(): Generator<WireRecord> {
    for (let uid = 1; uid <= count; uid++) {
      yield wireRecord(uid, { ...message('x'), guid: guids(uid) }, { flags: ['\\Expunged'], modseq: 2 });
    }
  }
  await session.applyMailbox(wireMailbox(name, { lastUid: count, highestmodseq: 2 }), records());
  let next = 1;
  const there = await session.getFullMailbox(name, ({ uid, guid }) => {
    assert.equal(uid, next++);
    assert.equal(guid, guids(uid));
  });
  assert.equal(next, count + 1);
  assert.equal(there.lastUid, count);
  await session.exit();
});

function inPieces(content: MessageUpload['content'] | undefined): StreamedOctets {
  if (!Buffer.isBuffer(content)) throw new Error('a whole message was expected');
  return StreamedOctets.inPieces(content, 10_000);
}
