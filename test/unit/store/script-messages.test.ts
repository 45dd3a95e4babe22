import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MasterStore } from '../../../src/store/master-store.ts';
import { listUser } from '../../../src/store/remote/list-user.ts';
import { ReadAhead } from '../../../src/store/remote/read-ahead.ts';
import { parseSieveMessage } from '../../../src/store/user/parse-sieve-message.ts';
import { readSieveMailbox } from '../../../src/store/user/read-sieve-mailbox.ts';
import { entry, lockedMailbox, readerOf, record } from '../../lab/engine-fakes.ts';
import { StreamedOctets } from '../../lab/streamed-octets.ts';

const parsed = (text: string) => {
  const found = parseSieveMessage(Buffer.from(text));
  return found && [found.name, String(found.content)];
};

test('a script is named by the subject of its message, folded or not, and is all behind the header', () => {
  assert.deepEqual(parsed('Subject: vacation\r\n\r\nkeep;\r\n'), ['vacation', 'keep;\r\n']);
  assert.deepEqual(parsed('From: x\r\nSUBJECT:\tmy\r\n  script  \r\nTo: y\r\n\r\n'), ['my  script', '']);
  assert.deepEqual(parsed('Subject: a\r\n\r\nSubject: b\r\n\r\n'), ['a', 'Subject: b\r\n\r\n']);
  for (const text of [
    '',
    'Subject: a\r\n',
    'From: x\r\n\r\nSubject: a\r\n',
    'Subject:  \r\n\r\nkeep;',
    '\r\n\r\nkeep;',
  ])
    assert.equal(parsed(text), undefined, JSON.stringify(text));
});

/** A #sieve whose messages are read as `read` says, and how often it was looked at. */
function sieve(read: (uid: number) => Promise<unknown>, flagged = 2) {
  const records = [
    record(1, 1, { internaldate: 11 }),
    record(2, 2, { internaldate: 12, flags: flagged === 2 ? ['\\Flagged'] : [] }),
    record(3, 3, { flags: ['\\Expunged'] }),
  ];
  let looks = 0;
  const mailbox = () => {
    looks++;
    const messages = {
      keepFiles: () => ({ [Symbol.dispose]: () => {} }),
      readMessage: ({ uid }: { uid: number }) => read(uid),
    };
    return { ...lockedMailbox(entry('user.anna.#sieve'), records), messages } as never;
  };
  const readMailbox: MasterStore['readMailbox'] = readerOf(mailbox);
  return { find: () => readSieveMailbox(readMailbox, 'user.anna.#sieve'), looks: () => looks };
}

const message = (name: string, text: string) => Buffer.from(`Subject: ${name}\r\n\r\n${text}`);

test('the newest message with a name is the script, the flagged one is active, expunged ones are none', async () => {
  const scripts = await sieve(async (uid) => message('one', `text ${uid}`)).find();
  assert.deepEqual(
    scripts?.scripts.map(({ filename, lastUpdate, content }) => [filename, lastUpdate, String(content)]),
    [['one.script', 12, 'text 2']],
  );
  assert.deepEqual([scripts?.source, scripts?.active], ['mailbox', 'one.bc']);
  const none = await sieve(async (uid) => message(`s${uid}`, ''), 0).find();
  assert.deepEqual([none?.scripts.length, none?.active], [2, undefined]);
});

test('messages that are no script are passed over', async () => {
  const large = StreamedOctets.inPieces(Buffer.from('large'), 5);
  const scripts = await sieve(async (uid) => (uid === 1 ? Buffer.from('no header') : large)).find();
  assert.deepEqual(scripts?.scripts, []);
  assert.ok(large.isGivenUp, 'a very large one is a stream, which holds a file open');
});

test('a mailbox that changes while it is read is read again, three times at most; what is damaged is an error at once', async () => {
  const failing = (code: 'IMAP_SYNC_CHANGED' | 'MESSAGE_UNREADABLE', times: number) => {
    let left = times;
    return sieve(async (uid) => {
      if (left-- > 0) throw new SyncError(code, 'no');
      return message(`s${uid}`, '');
    });
  };
  const twice = failing('IMAP_SYNC_CHANGED', 2);
  assert.equal((await twice.find())?.scripts.length, 2);
  assert.equal(twice.looks(), 3);
  const always = failing('IMAP_SYNC_CHANGED', 99);
  await assert.rejects(always.find(), { code: 'IMAP_SYNC_CHANGED' });
  assert.equal(always.looks(), 3);
  const damaged = failing('MESSAGE_UNREADABLE', 1);
  await assert.rejects(damaged.find(), { code: 'MESSAGE_UNREADABLE' });
  assert.equal(damaged.looks(), 1);
});

test('no such mailbox is none', async () => {
  assert.equal(
    await readSieveMailbox(
      readerOf(() => undefined),
      'user.anna.#sieve',
    ),
    undefined,
  );
});

test('mailboxes are asked for ahead, a bounded number of them, and one that failed has to be asked for again', async () => {
  const asked: string[] = [];
  const ahead = new ReadAhead({
    read: async (name: string) => {
      asked.push(name);
      if (name === 'b') throw new Error('refused');
    },
  } as never);
  ahead.expect(['a', 'b', 'c', ...Array.from({ length: 100 }, (_, i) => `m${i}`)]);
  const most = asked.length;
  assert.deepEqual(asked.slice(0, 3), ['a', 'b', 'c']);
  assert.ok(most < 100, `${most} ahead`);
  assert.equal(await ahead.take('a'), true);
  assert.equal(asked.length, most + 1);
  assert.equal(await ahead.take('a'), false, 'it may have changed since');
  assert.equal(await ahead.take('b'), false);
  assert.equal(await ahead.take('never'), false);
  ahead.expect(['x']);
  assert.equal(asked.at(-1), 'x');
  assert.equal(await ahead.take('c'), false, 'no more expected');
});

test('a user’s mailboxes are listed below the INBOX and below DELETED, and nobody else’s are taken', async () => {
  const rules = {
    virtdomains: 'off',
    defaultdomain: '',
    deletedprefix: 'DELETED',
    unixhierarchysep: true,
  } as const;
  const asked: string[] = [];
  const listing = ['user/anna/a', 'DELETED/user/anna/b/5F5E1000', 'user/annabel', 'shared'];
  const list: Parameters<typeof listUser>[0] = async (patterns, take) => {
    for (const pattern of patterns('/')) asked.push(pattern);
    for (const name of listing) take({ name, separator: '/', exists: true });
    return true;
  };
  assert.deepEqual(await listUser(list, rules, 'anna'), [
    'user.anna',
    'user.anna.a',
    'DELETED.user.anna.b.5F5E1000',
  ]);
  assert.deepEqual(asked, ['user/anna/*', 'DELETED/user/anna/*']);
  assert.equal(await listUser(async () => false, rules, 'anna'), undefined);
  asked.length = 0;
  listing.length = 0;
  await listUser(list, { ...rules, virtdomains: 'on' }, 'anna@example.org');
  assert.deepEqual(asked, ['user/anna/*@example.org', 'DELETED/user/anna/*@example.org']);
});
