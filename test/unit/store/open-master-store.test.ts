import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { tryLock } from '../../../src/native/locks.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { FLAG_EXPUNGED, FLAG_UNLINKED } from '../../../src/store/mailbox/record-flags.ts';
import type { Enumerated, MasterStore } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import type { StoreLayout } from '../../../src/store/paths/store-layout.ts';
import { type FakeHeader, type FakeRecord, indexBytes } from '../../lab/index-bytes.ts';
import { lockInThread } from '../../lab/lock-holders.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';
import { openBelow } from '../../lab/open-below.ts';
import { plainLayout } from '../../lab/plain-layout.ts';
import { writeTwoskip } from './cyrusdb/write-twoskip.ts';
import { HEADER_MAGIC } from './header-magic.ts';

const base = mkdtempSync(join(tmpdir(), 'master-store-'));
test.after(() => rmSync(base, { recursive: true }));
let stores = 0;

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, 'latin1');
}

/** A store whose mailboxes.db is a flat file: rows sorted as such files are. */
function makeStore(
  rows: Record<string, string>,
  changes: Partial<StoreLayout> = {},
): { root: string; store: MasterStore; layout: StoreLayout } {
  const root = join(base, String(stores++));
  const layout = plainLayout(root, changes);
  const lines = Object.entries(rows).map(([key, value]) => `${key}\t${value}\n`);
  write(layout.mboxlistPath, lines.sort().join(''));
  return { root, layout, store: openMasterStore(layout) };
}

function fill(path: string, header: string, index: FakeHeader, records: readonly FakeRecord[]): void {
  write(join(path, 'cyrus.header'), Buffer.concat([HEADER_MAGIC, Buffer.from(header, 'latin1')]));
  write(join(path, 'cyrus.index'), indexBytes(index, records));
}

const LIVE = 'P default V 7 C 2 F 3';

function modernRows(): Record<string, string> {
  const rows: Record<string, string> = {};
  const add = (dbname: string, id: string, type: string, rest: string) => {
    rows[`N${dbname}`] = `%(T ${type} I ${id} ${rest})`;
    rows[`I${id}`] = `%(T ${type} N ${dbname} ${rest} H ())`;
  };
  add('user\x1fal', 'aa01', 'e', `${LIVE} A %(al lrs)`);
  add('user\x1fal\x1fBox', 'aa02', 'e', LIVE);
  add('user\x1fal\x1fBox\x1fSub', 'aa03', 'e', LIVE);
  add('user\x1fal\x1fMiddle', 'aa04', 'ei', 'V 1 C 2 F 3');
  add('user\x1fal\x1fGone', 'aa05', 'ed', 'V 1 C 2 F 9');
  add('user\x1fal-b', 'bb01', 'e', LIVE);
  add('user\x1fdead', 'dd01', 'ed', 'V 1');
  add('DELETED\x1fuser\x1fal\x1fOld\x1f6B04D978', 'aa06', 'e', LIVE);
  add('DELETED\x1fshared\x1f6B04D978', 'ss02', 'e', LIVE);
  add('shared\x1fnews', 'ss01', 'e', LIVE);
  rows.I0101 = '%(T e N user\x1fal\x1fVanished P default)';
  return rows;
}

function labels(found: Iterable<Enumerated>): string[] {
  return Array.from(found, (each) => {
    if (each.kind === 'busy') return 'busy';
    return each.kind === 'user' ? `user ${each.userid}` : each.name;
  });
}

test('users and shared mailboxes are enumerated once, in stored order, without what is not there', () => {
  const { store } = makeStore(modernRows());
  assert.deepEqual(labels(store.enumerate()), [
    'DELETED.shared.6B04D978',
    'shared.news',
    'user al',
    'user al-b',
  ]);
  assert.deepEqual(labels(store.enumerate('user.al.')), ['user al']);
  assert.deepEqual(labels(store.enumerate('user.z')), []);
});

test('a user has INBOX first, then folders with intermediates, DELETED ones last, tombstones never', () => {
  const { store } = makeStore(modernRows());
  assert.deepEqual(
    store.mailboxesOf('al').map(({ name, intermediate }) => [name, intermediate]),
    [
      ['user.al', false],
      ['user.al.Box', false],
      ['user.al.Box.Sub', false],
      ['user.al.Middle', true],
      ['DELETED.user.al.Old.6B04D978', false],
    ],
  );
  assert.deepEqual(store.mailboxesOf('dead'), []);
});

test('by uniqueid only what the N record confirms', () => {
  const { store } = makeStore(modernRows());
  assert.equal(store.lookupUniqueid('aa02')?.name, 'user.al.Box');
  assert.equal(store.lookupUniqueid('0101'), undefined);
  assert.equal(store.lookup('user.al.Gone')?.deleted, true);
});

/** Cyrus 3.2 writes rows like these: a renamed mailbox leaves a tombstone with its uniqueid. */
function rowsByName(): Record<string, string> {
  return {
    'user.al': `%(A %(al lrs I bb01) I aa01 P default V 7 C 2 F 3)`,
    'user.al.Gone': '%(I aa02 T d V 7 C 1 F 4 M 5)',
    'user.al.Moved': '%(I aa03 T d V 7 C 1 F 4 M 5)',
    'user.bo': `%(A %(bo lrs) I bb01 P default V 7 C 2 F 3)`,
    'user.bo.FromAl': `%(A %(I lrs) I aa03 P default V 7 C 2 F 3)`,
    'user.cy': '0 default cy\tlrs\t',
    'user.di': '(specialuse x uniqueid dd01) 0 default di\tlrs\t',
  };
}

test('a list by names alone tells where a mailbox is by its uniqueid: live rather than as a tombstone', async () => {
  const { store } = makeStore(rowsByName());
  const job = store.forJob();
  await job.refresh({ uniqueids: ['aa01', 'aa02', 'aa03', 'bb01', 'dd01', 'nowhere'] });
  const told = ['aa01', 'aa02', 'aa03', 'bb01', 'dd01', 'nowhere'].map((uniqueid) => {
    const entry = job.lookupUniqueid(uniqueid);
    return entry && [entry.name, entry.deleted];
  });
  assert.deepEqual(told, [
    ['user.al', false],
    ['user.al.Gone', true],
    ['user.bo.FromAl', false],
    ['user.bo', false],
    ['user.di', false],
    undefined,
  ]);
});

test('a list by names alone in the order of mailboxes, a dot before all else, is read as one in that of octets', async () => {
  const rowOf = (name: string) =>
    `%(I id-${name.replaceAll(/[^a-z]/g, '')} T e P default V 7 C 2 F 3 A %(a lrs))`;
  const octets = [
    'user.a',
    'user.a b',
    'user.a-b',
    'user.a-b.z',
    'user.a.x',
    'user.a.x-y',
    'user.a.x.y',
    'user.b',
  ];
  const mailboxes = [
    'user.a',
    'user.a.x',
    'user.a.x.y',
    'user.a.x-y',
    'user.a b',
    'user.a-b',
    'user.a-b.z',
    'user.b',
  ];
  const [plain, improved] = [octets, mailboxes].map((keys, i) => {
    const layout = plainLayout(join(base, String(stores++)), { improvedMailboxSort: i === 1 });
    write(
      layout.mboxlistPath,
      writeTwoskip(keys.map((key, n) => ({ key, value: rowOf(key), level: 1 + (n % 3) }))),
    );
    return openMasterStore(layout);
  });
  assert.ok(plain && improved);
  for (const name of octets) assert.deepEqual(improved.lookup(name), plain.lookup(name), name);
  assert.equal(improved.lookup('user.a.w'), undefined);
  for (const user of ['a', 'a b', 'a-b', 'b']) {
    assert.deepEqual(improved.mailboxesOf(user), plain.mailboxesOf(user), user);
  }
  assert.deepEqual(labels(improved.enumerate()).sort(), labels(plain.enumerate()).sort());
  assert.deepEqual([...improved.names('user.a.x')].sort(), [...plain.names('user.a.x')].sort());
  for (const store of [plain, improved]) {
    await store.refresh({ uniqueids: ['id-userabz'] });
    assert.equal(store.lookupUniqueid('id-userabz')?.name, 'user.a-b.z');
  }
});

test('what a list by names alone said of a uniqueid is what it says at the next refresh, for each job by itself', async () => {
  const { store, layout } = makeStore(rowsByName());
  const [first, second] = [store.forJob(), store.forJob()];
  await Promise.all([
    first.refresh({ uniqueids: ['aa03'] }),
    second.refresh({ uniqueids: ['aa02'] }),
    first.refresh({ uniqueids: ['aa01'] }),
  ]);
  assert.equal(first.lookupUniqueid('aa03')?.name, 'user.bo.FromAl');
  assert.equal(first.lookupUniqueid('aa01')?.name, 'user.al');
  assert.equal(second.lookupUniqueid('aa02')?.name, 'user.al.Gone');
  assert.equal(second.lookupUniqueid('aa03'), undefined, 'never asked for');
  const { 'user.bo.FromAl': moved, 'user.al.Gone': _gone, ...others } = rowsByName();
  const lines = Object.entries({ ...others, 'user.al.Back': moved ?? '' }).map(
    (row) => `${row.join('\t')}\n`,
  );
  write(layout.mboxlistPath, lines.sort().join(''));
  await Promise.all([first.refresh({ uniqueids: ['aa03'] }), second.refresh({ uniqueids: ['aa02'] })]);
  assert.equal(first.lookupUniqueid('aa03')?.name, 'user.al.Back');
  assert.equal(second.lookupUniqueid('aa02'), undefined);
});

test('a row by name alone that cannot be read keeps back who asks for its uniqueid, and nobody else', async () => {
  const { store } = makeStore({ ...rowsByName(), 'user.ed': '%(T ? I ee01 P default)' });
  await store.refresh({ uniqueids: ['aa03'] });
  assert.equal(store.lookupUniqueid('aa03')?.name, 'user.bo.FromAl');
  const isDamage = (error: unknown) => error instanceof SyncError && error.code === 'DATABASE_DAMAGED';
  await assert.rejects(store.refresh({ uniqueids: ['ee01'] }), isDamage);
});

test('more rows than are read at once: nobody is lost or named twice', () => {
  const rows: Record<string, string> = { Ix: '%(T e N user\x1fx P default)' };
  const users = Array.from({ length: 1500 }, (_, i) => `u${String(i).padStart(5, '0')}`);
  for (const user of users) {
    rows[`Nuser\x1f${user}`] = `%(T e I x ${LIVE})`;
    rows[`Nuser\x1f${user}\x1fSent`] = `%(T e I x ${LIVE})`;
  }
  const { store } = makeStore(rows);
  assert.deepEqual(
    labels(store.enumerate()),
    users.map((user) => `user ${user}`),
  );
});

test('a list is read a page at a time, free for its writers in between, who may put another in its place', () => {
  const layout = plainLayout(join(base, String(stores++)));
  const put = (users: readonly string[]): void => {
    const rows = [
      { key: 'Ix', value: '%(T e N user\x1fx P default)', level: 1 },
      ...users.map((user) => ({ key: `Nuser\x1f${user}`, value: `%(T e I x ${LIVE})`, level: 1 })),
    ];
    write(`${layout.mboxlistPath}.NEW`, writeTwoskip(rows));
    renameSync(`${layout.mboxlistPath}.NEW`, layout.mboxlistPath);
  };
  const users = Array.from({ length: 1_500 }, (_, i) => `u${String(i).padStart(5, '0')}`);
  put(users);
  const store = openMasterStore(layout);
  const found = store.enumerate();
  const first = found.next().value;
  assert.ok(first);
  assert.ok(isFree(layout.mboxlistPath));
  put([...users.slice(0, 1_200), 'zoe']);
  const all = [...labels([first]), ...labels(found)];
  assert.deepEqual(
    all,
    [...users.slice(0, 1_200), 'zoe'].map((user) => `user ${user}`),
  );
  store.close();
});

test('a row that cannot be read fails its own user, and nobody else', () => {
  const { store } = makeStore({ ...modernRows(), 'Nuser\x1fbad': 'rubbish' });
  assert.ok(labels(store.enumerate()).includes('user bad'));
  assert.equal(store.mailboxesOf('al').length, 5);
  assert.throws(
    () => store.mailboxesOf('bad'),
    (error) =>
      error instanceof SyncError && error.code === 'DATABASE_DAMAGED' && /user\.bad/.test(error.message),
  );
});

test('a row by name alone that cannot be read says nothing of how the list is keyed', () => {
  const { store } = makeStore({ ...rowsByName(), Ideas: '%(A %(al lrs) I' });
  assert.equal(store.mailboxesOf('bo').length, 2);
  assert.ok(labels(store.enumerate()).includes('Ideas'));
});

test('a mailbox list that somebody has locked is said to be, and goes on where it was when it is free', async () => {
  const root = join(base, String(stores++));
  const layout = plainLayout(root, {});
  const keys = Object.entries(modernRows()).sort(([a], [b]) => (a < b ? -1 : 1));
  write(layout.mboxlistPath, writeTwoskip(keys.map(([key, value]) => ({ key, value, level: 1 }))));
  const found = openMasterStore(layout).enumerate();
  const other = await lockInThread({ path: layout.mboxlistPath, kind: 'exclusive' });
  assert.equal(other.got, true);
  assert.deepEqual(found.next().value, { kind: 'busy' });
  other.release();
  await other.gone;
  const free = labels(found).filter((label) => label !== 'busy');
  assert.deepEqual(free, ['DELETED.shared.6B04D978', 'shared.news', 'user al', 'user al-b']);
});

test('a user is in the groups that the list of mailboxes has rows of, and in none only where groups are kept there', async () => {
  const row = `%(T e I aa01 ${LIVE})`;
  const rows = {
    Iaa01: `%(T e N user\x1fal ${LIVE})`,
    'Nuser\x1fal': row,
    'UGal\x1egroup:staff': '',
    'UGal\x1egroup:team lead': '',
    'UGalbert\x1egroup:others': '',
    'UGgroup:staff\x1eal': '',
  };
  const unlisted = { Iaa01: rows.Iaa01, 'Nuser\x1fal': row, 'UGalbert\x1egroup:others': '' };
  const groupsOf = async (of: Record<string, string>, mboxgroups: boolean) => {
    const { store, root } = makeStore(of, { mboxgroups });
    fill(join(root, 'spool/uuid/a/a/aa01'), '%(I aa01)', { version: 17, lastUid: 0 }, []);
    const read = await store.readMailbox('user.al', ({ state }) => state.groups ?? 'nothing told');
    const [entry] = store.mailboxesOf('al');
    assert.ok(entry);
    const peeked = (await store.peek([entry])).get(entry)?.state.groups ?? 'nothing told';
    assert.equal(peeked, read);
    return read;
  };
  assert.equal(await groupsOf(rows, false), 'group:staff\tgroup:team lead');
  assert.equal(await groupsOf(rows, true), 'group:staff\tgroup:team lead');
  assert.equal(await groupsOf(unlisted, true), '');
  assert.equal(await groupsOf(unlisted, false), 'nothing told');
});

test('a store without mailboxes.db says so', () => {
  const store = openMasterStore(plainLayout(join(base, 'nowhere')));
  assert.throws(
    () => [...store.enumerate()],
    (error) => error instanceof SyncError && /mailboxes\.db/.test(error.message),
  );
});

test('a mailbox of Cyrus 2.x: text rows, header in lines, version 10 index, directories and locks by name', async () => {
  const { store, root } = makeStore({
    'user.a': '0 default a\tlrs\t',
    'user.a-b': '0 default a-b\tlrs\t',
    'user.a.x': '0 default a\tlrs\t',
    'Info.desk': '0 default anyone\tlrs\t',
  });
  fill(
    join(root, 'spool/user/a/x'),
    'user.a\t4e1b7a0c\nImportant  $Third \na\tlrs\t\n',
    { version: 10, lastUid: 3 },
    [{ uid: 3, userFlags: [0, 1, 2] }],
  );
  assert.deepEqual(labels(store.enumerate()), ['Info.desk', 'user a', 'user a-b']);
  assert.deepEqual(
    store.mailboxesOf('a').map(({ uniqueid }) => uniqueid),
    ['', '4e1b7a0c'],
  );
  assert.equal(store.lookup('user.a.x')?.uniqueid, '4e1b7a0c');
  const found = await store.readMailbox('user.a.x', (mailbox) => {
    const [page] = mailbox.pages();
    return {
      entry: mailbox.entry,
      state: mailbox.state,
      messages: mailbox.messages,
      record: page?.record(0),
    };
  });
  assert.ok(found?.record);
  assert.equal(found.entry.uniqueid, '4e1b7a0c');
  assert.deepEqual([found.state.quotaroot, found.state.exists], ['user.a', 1]);
  assert.deepEqual(found.record.flags, ['Important', '$Third']);
  const path = join(root, 'spool/user/a/x/3.');
  await assert.rejects(found.messages.readMessage(found.record), (error: Error) =>
    error.message.includes(path),
  );
  assert.ok(statSync(join(root, 'conf/lock/user/a/x.lock')).isFile());
  assert.equal(statSync(join(root, 'conf/lock/*U*a.lock'), { throwIfNoEntry: false }), undefined);
});

test('what is marked deleted, moving, reserved, elsewhere or intermediate does not open', async () => {
  const row = (type: string) => `%(T ${type} I bb01 ${LIVE})`;
  const { store, root } = makeStore({
    Iaa01: `%(T e N user\x1fa ${LIVE})`,
    'Nuser\x1fa': `%(T e I aa01 ${LIVE})`,
    'Nuser\x1fb': row('e'),
    'Nuser\x1fm': row('em'),
    'Nuser\x1fz': row('ez'),
    'Nuser\x1fr': row('er'),
    'Nuser\x1fi': row('ei'),
    'Nuser\x1fd': row('ed'),
    'Nuser\x1fp': '%(T e I bb01 V 1)',
  });
  fill(
    join(root, 'spool/uuid/a/a/aa01'),
    '%(T e N user.a I aa01 A %())\n',
    { version: 17, options: 0x80000000 },
    [],
  );
  fill(join(root, 'spool/uuid/b/b/bb01'), '%(T e N user.b I bb01 A %())\n', { version: 17 }, []);
  for (const user of ['a', 'm', 'z', 'r', 'i', 'd', 'p', 'none']) {
    assert.equal(await store.readMailbox(`user.${user}`, () => 'there'), undefined, user);
  }
  const sound = await store.readMailbox('user.b', ({ state, annotations }) => ({ state, annotations }));
  assert.ok(sound);
  for (const user of ['a', 'm', 'z', 'r', 'i', 'd', 'p']) {
    const listed = store.lookup(`user.${user}`);
    assert.ok(listed);
    assert.equal((await store.peek([listed])).size, 0, user);
  }
  const listed = store.lookup('user.b');
  assert.ok(listed);
  const view = (await store.peek([listed])).get(listed);
  assert.deepEqual([view?.state, view?.annotations], [sound.state, sound.annotations]);
});

test('missing and damaged files are named, and the locks are free afterwards', async () => {
  const rows = { Iaa01: `%(T e N user\x1fa ${LIVE})`, 'Nuser\x1fa': `%(T e I aa01 ${LIVE})` };
  const { store, root } = makeStore(rows);
  write(join(root, 'conf/lock/*U*a.lock'), '');
  const spool = join(root, 'spool/uuid/a/a/aa01');
  const refuses = (code: string, pattern: RegExp) =>
    assert.rejects(
      store.readMailbox('user.a', () => 'there'),
      (error) => error instanceof SyncError && error.code === code && pattern.test(error.message),
    );
  await refuses('MAILBOX_DAMAGED', /cyrus\.index: no such file/);
  write(join(spool, 'cyrus.index'), indexBytes({ version: 17 }, []));
  await refuses('MAILBOX_DAMAGED', /cyrus\.header: no such file/);
  write(join(spool, 'cyrus.header'), 'something else');
  await refuses('MAILBOX_DAMAGED', /cyrus\.header: expected the magic/);
  write(join(spool, 'cyrus.index'), indexBytes({ version: 17 }, []).fill(0xff, 30, 40));
  await refuses('MAILBOX_DAMAGED', /cyrus\.index: expected header CRC/);
  const old = Buffer.alloc(96);
  old.writeUInt32BE(9, 8);
  write(join(spool, 'cyrus.index'), old);
  await refuses('IMAP_MAILBOX_NOTSUPPORTED', /version 9/);
  const listed = store.lookup('user.a');
  assert.ok(listed);
  assert.equal((await store.peek([listed])).size, 0, 'to be opened, which says why not');
  fill(spool, '%(T e N user.a I aa01 A %())\n', { version: 17 }, [{ uid: 1 }]);
  assert.equal(await store.readMailbox('user.a', ({ state }) => state.exists), 1);
  for (const path of ['conf/lock/*U*a.lock', 'conf/lock/aa01.lock', 'spool/uuid/a/a/aa01/cyrus.index']) {
    assert.equal(isFree(join(root, path)), true, path);
  }
});

test('records cannot be read once the locks are given back', async () => {
  const { store } = oneMailbox();
  const mailbox = await store.readMailbox('user.a', (locked) => locked);
  const page = await store.readMailbox('user.a', (locked) => locked.pages().next().value);
  assert.ok(mailbox && page);
  const isBug = (error: unknown) => error instanceof SyncError && error.code === 'BUG';
  assert.throws(() => [...mailbox.pages()], isBug);
  assert.throws(() => page.record(0), isBug);
});

test('a mailbox is read under the user, the name and the index lock, and all are free before anything else runs', async () => {
  const { store, locks } = oneMailbox();
  const held = await store.readMailbox('user.a', () => locks.map(isFree));
  assert.deepEqual(held, [false, false, false]);
  assert.deepEqual(locks.map(isFree), [true, true, true]);
});

for (const which of [0, 1, 2]) {
  test(`whoever waits for a lock of a mailbox holds none, and has it when it comes: ${['user', 'name', 'index'][which]}`, async () => {
    const { store, locks } = oneMailbox();
    const [wanted = ''] = locks.splice(which, 1);
    const fd = openSync(wanted, 'r+');
    assert.ok(tryLock(fd, 'exclusive'));
    const reading = store.readMailbox('user.a', ({ state }) => state.exists);
    for (let turn = 0; turn < 20; turn++) {
      assert.deepEqual(locks.map(isFree), [true, true]);
      await setImmediate();
    }
    closeSync(fd);
    assert.equal(await reading, 1);
  });
}

test('a database that stays locked holds up nobody who wants what its reader has', async () => {
  const { store, root, locks } = oneMailbox();
  const annotations = join(root, 'conf/annotations.db');
  write(annotations, writeTwoskip([]));
  const fd = openSync(annotations, 'r+');
  assert.ok(tryLock(fd, 'exclusive'));
  let calls = 0;
  const reading = store.readMailbox('user.a', () => ++calls);
  for (let turn = 0; turn < 20; turn++) {
    assert.deepEqual(locks.map(isFree), [true, true, true]);
    await setImmediate();
  }
  closeSync(fd);
  assert.equal(await reading, 1);
});

test('a lock that is never given back is an error of the mailbox in the end', async (t) => {
  const { store, locks } = oneMailbox();
  const [, , index = ''] = locks;
  const holder = await lockInThread({ path: index, kind: 'exclusive' });
  assert.ok(holder.got);
  t.after(holder.release);
  let now = 0;
  mockNowMs(t.mock, () => (now += 7_000));
  await assert.rejects(
    store.readMailbox('user.a', () => 'there'),
    { code: 'LOCK_TIMEOUT', mailbox: 'user.a', retryable: true },
  );
  assert.ok(now > 60_000, 'it was not given up before its time');
});

test('nothing that has to be awaited leaves a lock', async () => {
  const { store, locks } = oneMailbox();
  const isBug = (error: unknown) => error instanceof SyncError && error.code === 'BUG';
  const awaits = async (): Promise<number> => 1;
  // @ts-expect-error: the compiler says so first.
  const reading = store.readMailbox('user.a', awaits);
  await assert.rejects(reading, isBug);
  assert.deepEqual(locks.map(isFree), [true, true, true]);
});

test('a message that was removed since its record was read means to look again, one that should be there is damage', async () => {
  const content = Buffer.from('Subject: x\r\n\r\n');
  const guid = createHash('sha1').update(content).digest('hex');
  const { store, root } = oneMailbox({ uid: 1, guid, size: content.length });
  const directory = join(root, 'spool/uuid/a/a/aa01');
  const found = await store.readMailbox('user.a', (mailbox) => ({
    messages: mailbox.messages,
    record: mailbox.pages().next().value?.record(0),
  }));
  assert.ok(found?.record);
  const { messages, record } = found;
  const code = (expected: string) => (error: unknown) =>
    error instanceof SyncError && error.code === expected && error.hint !== undefined;
  await assert.rejects(messages.readMessage(record), code('MESSAGE_UNREADABLE'));
  write(join(directory, '1.'), content);
  assert.deepEqual(await messages.readMessage(record), content);
  unlinkSync(join(directory, '1.'));
  for (const records of [
    [],
    [{ uid: 1, guid, size: content.length, flags: FLAG_EXPUNGED }],
    [{ uid: 1, guid, size: content.length, flags: FLAG_UNLINKED }],
    [{ uid: 1, guid: 'cd'.repeat(20), size: content.length }],
    [{ uid: 2, guid, size: content.length }],
  ]) {
    write(join(directory, 'cyrus.index'), indexBytes({ version: 17 }, records));
    await assert.rejects(messages.readMessage(record), code('IMAP_SYNC_CHANGED'));
  }
});

test('a message whose file was kept is read although it was removed, until it is given up; none is left open', async () => {
  const content = Buffer.from('Subject: x\r\n\r\n');
  const guid = createHash('sha1').update(content).digest('hex');
  const { store, root } = oneMailbox({ uid: 1, guid, size: content.length });
  const path = join(root, 'spool/uuid/a/a/aa01/1.');
  write(path, content);
  const found = await store.readMailbox('user.a', (mailbox) => {
    const record = mailbox.pages().next().value?.record(0);
    assert.ok(record);
    const missing = { ...record, uid: 2 };
    return { messages: mailbox.messages, record, kept: mailbox.messages.keepFiles([missing, record]) };
  });
  assert.ok(found);
  unlinkSync(path);
  write(join(root, 'spool/uuid/a/a/aa01/cyrus.index'), indexBytes({ version: 17 }, []));
  assert.deepEqual(await found.messages.readMessage(found.record), content);
  found.kept[Symbol.dispose]();
  await assert.rejects(found.messages.readMessage(found.record), { code: 'IMAP_SYNC_CHANGED' });
  assert.deepEqual(
    openBelow(root).filter((file) => file.startsWith(path)),
    [],
  );
});

test('of many messages the files of the last are kept, so that there are not too many', async () => {
  const { store, root } = oneMailbox();
  const spool = join(root, 'spool/uuid/a/a/aa01');
  const records = Array.from({ length: 40 }, (_, i) => ({ uid: i + 1 }));
  write(join(spool, 'cyrus.index'), indexBytes({ version: 17 }, records));
  for (const { uid } of records) write(join(spool, `${uid}.`), 'x');
  const messages = (): string[] => openBelow(spool).filter((file) => /\/\d+\.$/.test(file));
  const kept = await store.readMailbox('user.a', (mailbox) => {
    const [page] = mailbox.pages();
    return mailbox.messages.keepFiles(records.flatMap((_, i) => page?.record(i) ?? []));
  });
  assert.deepEqual(
    messages().sort(),
    records
      .slice(8)
      .map(({ uid }) => join(spool, `${uid}.`))
      .sort(),
  );
  kept?.[Symbol.dispose]();
  assert.deepEqual(messages(), []);
});

test('a message of a mailbox that was renamed to other directories meanwhile is read where it is now', async () => {
  const content = Buffer.from('Subject: x\r\n\r\n');
  const guid = createHash('sha1').update(content).digest('hex');
  const rowOf = (name: string) => ({
    Iaa01: `%(T le N ${name} ${LIVE})`,
    [`N${name}`]: `%(T le I aa01 ${LIVE})`,
  });
  const { store, root, layout } = makeStore(rowOf('user\x1fa\x1fOld'));
  const bring = (to: string): void => {
    fill(join(root, 'spool/user/a', to), '%(T e N user.a I aa01 A %())\n', { version: 17, lastUid: 7 }, [
      { uid: 3 },
      { uid: 4, guid, size: content.length },
      { uid: 7 },
    ]);
    write(join(root, 'spool/user/a', to, '4.'), content);
  };
  bring('Old');
  const found = await store.readMailbox('user.a.Old', (mailbox) => ({
    messages: mailbox.messages,
    record: mailbox.pages().next().value?.record(1),
  }));
  assert.ok(found?.record);
  rmSync(join(root, 'spool/user/a/Old'), { recursive: true });
  bring('New');
  const rows = Object.entries(rowOf('user\x1fa\x1fNew')).map(([key, value]) => `${key}\t${value}\n`);
  write(layout.mboxlistPath, rows.sort().join(''));
  assert.deepEqual(await found.messages.readMessage(found.record), content);
});

/** A user with an INBOX of one message, and the files of its locks in the order of Cyrus. */
function oneMailbox(record: FakeRecord = { uid: 1 }) {
  const rows = { Iaa01: `%(T e N user\x1fa ${LIVE})`, 'Nuser\x1fa': `%(T e I aa01 ${LIVE})` };
  const made = makeStore(rows);
  const at = (path: string): string => join(made.root, path);
  fill(at('spool/uuid/a/a/aa01'), '%(T e N user.a I aa01 A %())\n', { version: 17 }, [record]);
  const locks = [at('conf/lock/*U*a.lock'), at('conf/lock/aa01.lock'), at('spool/uuid/a/a/aa01/cyrus.index')];
  for (const lock of locks.slice(0, 2)) write(lock, '');
  return { ...made, locks };
}

/** Tells whether a writer of Cyrus would get the lock now. */
function isFree(path: string): boolean {
  const fd = openSync(path, 'r+');
  try {
    return tryLock(fd, 'exclusive');
  } finally {
    closeSync(fd);
  }
}

test('the sync lock: one holder at a time, per server and user', () => {
  const { store } = makeStore(modernRows());
  using held = store.trySyncLock('replica.example:2005', 'al');
  assert.ok(held);
  assert.equal(store.trySyncLock('replica.example:2005', 'al'), undefined);
  using other = store.trySyncLock('replica.example:2005', 'al-b');
  using elsewhere = store.trySyncLock('replica2.example:2005', 'al');
  assert.ok(other && elsewhere);
  held[Symbol.dispose]();
  using again = store.trySyncLock('replica.example:2005', 'al');
  assert.ok(again);
});

test('scripts still in the sieve directory are found where the user has no #sieve', async () => {
  const { store, root } = makeStore(modernRows());
  write(join(root, 'sieve/uuid/a/a/aa01/main.script'), 'keep;');
  const state = await store.sieve('al');
  assert.deepEqual([state.source, state.scripts.length], ['directory', 1]);
  assert.equal((await store.sieve('nobody')).source, 'none');
});

test('an estimate comes from the size of the index alone', () => {
  const { store, root } = makeStore(modernRows());
  const records = Array.from({ length: 30 }, (_, i) => ({ uid: i + 1 }));
  write(join(root, 'spool/uuid/a/a/aa02/cyrus.index'), indexBytes({ version: 17 }, records));
  assert.deepEqual(store.estimate('al'), { mailboxes: 5, messages: 30 });
  const box = store.lookup('user.al.Box');
  assert.ok(box);
  assert.deepEqual(store.estimateMailbox(box), { mailboxes: 1, messages: 30 });
});

test('a peek leaves out a mailbox that has changed since it was listed, and stores without a lock for all', async () => {
  const rows = { Iaa01: `%(T e N user\x1fa ${LIVE})`, 'Nuser\x1fa': `%(T e I aa01 ${LIVE})` };
  const { store, root } = makeStore(rows);
  fill(join(root, 'spool/uuid/a/a/aa01'), '%(T e N user.a I aa01 A %())\n', { version: 17 }, [{ uid: 1 }]);
  const listed = store.lookup('user.a');
  assert.ok(listed);
  assert.equal((await store.peek([{ ...listed, uniqueid: 'aa02' }])).size, 0);
  assert.equal((await store.peek([listed])).size, 1);
  const old = makeStore({ 'user.a': '0 default a\tlrs\t' });
  fill(join(old.root, 'spool/user/a'), 'user.a\t4e1b7a0c\n\na\tlrs\t\n', { version: 10 }, [{ uid: 3 }]);
  const entry = old.store.lookup('user.a');
  assert.ok(entry);
  assert.equal((await old.store.peek([entry])).size, 0);
});

/** A row or a value as a flat file has it. */
function escaped(text: string): string {
  return text.replace(/[\0\t\r\n\xff]/g, (octet) =>
    octet === '\xff' ? '\xff\xff' : `\xff${String.fromCharCode(octet.charCodeAt(0) | 0x80)}`,
  );
}

/** The mailboxes `user.a` and `user.a.x`, with these rows of annotations.db. */
function twoMailboxes(annotations: Record<string, string>): ReturnType<typeof makeStore> {
  const made = makeStore({
    Iaa01: `%(T e N user\x1fa ${LIVE})`,
    Iaa02: `%(T e N user\x1fa\x1fx ${LIVE})`,
    'Nuser\x1fa': `%(T e I aa01 ${LIVE})`,
    'Nuser\x1fa\x1fx': `%(T e I aa02 ${LIVE})`,
  });
  for (const id of ['aa01', 'aa02'])
    fill(join(made.root, 'spool/uuid/a/a', id), `%(T e I ${id} A %())\n`, { version: 17 }, [{ uid: 1 }]);
  const lines = Object.entries(annotations).map((row) => `${row.map(escaped).join('\t')}\n`);
  write(made.layout.annotationPath, lines.sort().join(''));
  return made;
}

/** A value of annotations.db. */
function annotationValue(text: string): string {
  const length = Buffer.alloc(8);
  length.writeUInt32BE(text.length);
  return `${length.toString('latin1')}${text}\0text/plain\0${'\0'.repeat(17)}`;
}

test('annotations of the server are those of no mailbox', async () => {
  const { store } = twoMailboxes({
    '\0/motd\0\0': annotationValue('hello'),
    'aa01\0/comment\0\0': annotationValue('of a mailbox'),
  });
  assert.deepEqual(await store.serverAnnotations(), [
    { entry: '/motd', userid: '', modseq: 0, value: 'hello' },
  ]);
  assert.deepEqual(await makeStore(modernRows()).store.serverAnnotations(), []);
});

test('a row of an annotation that cannot be read is damage of its mailbox, and of no other', async () => {
  const { store, layout } = twoMailboxes({
    'aa01\0/comment\0\0': 'abc',
    'aa02\0/comment\0\0': annotationValue('sound'),
  });
  const listed = store.mailboxesOf('a');
  assert.equal(listed.length, 2);
  const views = await store.peek(listed);
  const told = listed.map((entry) => {
    const { state, annotations } = views.get(entry) ?? {};
    return [state?.unread.map(({ part, path, error }) => [part, path, error.code]), annotations?.length];
  });
  assert.deepEqual(told, [
    [[['annotations', layout.annotationPath, 'DATABASE_DAMAGED']], 0],
    [[], 1],
  ]);
  for (const [name, unread] of [
    ['user.a', 1],
    ['user.a.x', 0],
  ] as const)
    assert.equal(await store.readMailbox(name, ({ state }) => state.unread.length), unread);
});

test('a mailbox is looked at with others only as it was listed', async () => {
  const { store } = twoMailboxes({});
  const [listed] = store.mailboxesOf('a');
  assert.ok(listed);
  const sizeOf = async (changes: object): Promise<number> =>
    (await store.peek([{ ...listed, ...changes }])).size;
  assert.equal(await sizeOf({}), 1);
  const others = { uniqueid: 'aa02', partition: 'fast', type: 'c', acl: 'b\tlrs\t', foldermodseq: 4 };
  for (const [field, value] of Object.entries(others))
    assert.equal(await sizeOf({ [field]: value }), 0, field);
});

test('mailboxes of an owner who is at work are not looked at together, and neither are those of several owners', async () => {
  const { store, root } = twoMailboxes({});
  const lock = join(root, 'conf/lock/*U*a.lock');
  write(lock, '');
  const listed = store.mailboxesOf('a');
  assert.equal((await store.peek(listed)).size, 2);
  assert.equal((await store.peek(listed.map((entry, i) => ({ ...entry, name: `user.a${i}` })))).size, 0);
  const work = await lockInThread({ path: lock, kind: 'exclusive' });
  assert.ok(work.got);
  assert.equal((await store.peek(listed)).size, 0);
  work.release();
  await work.gone;
  assert.equal((await store.peek(listed)).size, 2);
});

test('how many messages a mailbox has is judged by the size of its index, and is nothing where that cannot be seen', () => {
  const { store, root } = twoMailboxes({});
  const records = Array.from({ length: 10 }, (_, i) => ({ uid: i + 1 }));
  fill(join(root, 'spool/uuid/a/a/aa01'), '%(T e I aa01 A %())\n', { version: 17 }, records);
  const [inbox, folder] = store.mailboxesOf('a');
  assert.ok(inbox && folder);
  const judged = (entry: typeof inbox): number => store.estimateMailbox(entry).messages;
  assert.ok(Math.abs(judged(inbox) - 10) <= 1);
  assert.deepEqual(store.estimate('a'), { mailboxes: 2, messages: judged(inbox) + judged(folder) });
  for (const changes of [
    { partition: 'none' },
    { partition: undefined },
    { intermediate: true },
    { deleted: true },
    { uniqueid: 'nowhere' },
    { uniqueid: `aa01/cyrus.index/x` },
  ])
    assert.equal(judged({ ...inbox, ...changes }), 0, JSON.stringify(changes));
});

test('damaged records of a mailbox list keep nobody else back, and are told when all others are known', () => {
  const rows = Object.entries(modernRows()).sort(([a], [b]) => (a < b ? -1 : 1));
  const records = rows.map(([key, value], i) => ({ key, value, level: 1 + (i % 2) }));
  for (const [damaged, message] of [
    [['user\x1fal-b'], /^(?!.*more damaged records)/],
    [['user\x1fal-b', 'shared\x1fnews'], /\(and 1 more damaged records\)$/],
  ] as const) {
    const bytes = writeTwoskip(records);
    for (const dbname of damaged) {
      const at = bytes.indexOf(`N${dbname}%`, 0, 'latin1') + dbname.length + 3;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
    const layout = plainLayout(join(base, String(stores++)));
    write(layout.mboxlistPath, bytes);
    const found: string[] = [];
    const enumerate = (): void => {
      for (const each of openMasterStore(layout).enumerate()) found.push(...labels([each]));
    };
    assert.throws(
      enumerate,
      (error) =>
        error instanceof SyncError && error.code === 'DATABASE_DAMAGED' && message.test(error.message),
    );
    const sound = ['DELETED.shared.6B04D978', 'shared.news', 'user al', 'user al-b'].filter(
      (label) => !damaged.some((dbname) => dbname.endsWith(label.replace(/^.*[. ]/, ''))),
    );
    assert.deepEqual(found, sound);
  }
});
