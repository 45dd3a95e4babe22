import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import type { MailboxState, MasterStore } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import type { StoreLayout } from '../../../src/store/paths/store-layout.ts';
import { indexBytes } from '../../lab/index-bytes.ts';
import { plainLayout } from '../../lab/plain-layout.ts';
import { writeTwoskip } from './cyrusdb/write-twoskip.ts';
import { HEADER_MAGIC } from './header-magic.ts';

/*
 * Contract: what belongs to a user beside the mailboxes lies in files of its own, and what a mailbox was called lies in its
 * record; a store finds both by the rows of its list.
 */

const base = mkdtempSync(join(tmpdir(), 'parts-'));
test.after(() => rmSync(base, { recursive: true }));
let stores = 0;

const LIVE = 'P default V 7 C 2 F 3';

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, 'latin1');
}

function storeOf(
  rows: Readonly<Record<string, string>>,
  changes: Partial<StoreLayout> = {},
): { store: MasterStore; root: string } {
  const root = join(base, String(stores++));
  const layout = plainLayout(root, changes);
  const lines = Object.entries(rows).map((row) => `${row.join('\t')}\n`);
  write(layout.mboxlistPath, lines.sort().join(''));
  return { store: openMasterStore(layout), root };
}

/** Rows of mailboxes with these uniqueids, keyed by record. */
function records(mailboxes: Readonly<Record<string, string>>, type = 'e'): Record<string, string> {
  const rows: Record<string, string> = {};
  for (const [dbname, uniqueid] of Object.entries(mailboxes)) {
    rows[`N${dbname}`] = `%(T ${type} I ${uniqueid} ${LIVE})`;
    rows[`I${uniqueid}`] = `%(T ${type} N ${dbname} ${LIVE} H ())`;
  }
  return rows;
}

function counters(raclmodseq: number): Buffer {
  const octets = Buffer.alloc(104);
  octets.writeBigUInt64BE(BigInt(raclmodseq), 88);
  octets.writeUInt32BE(crc32(octets.subarray(0, 100)), 100);
  return octets;
}

const MAILBOXES = {
  'user\x1fal': 'aa01',
  'user\x1fal\x1fBox': 'aa02',
  'DELETED\x1fuser\x1fal\x1fOld\x1f6B04D978': 'aa03',
  'shared\x1fnews': 'aa04',
};
const NAMES = ['user.al', 'user.al.Box', 'DELETED.user.al.Old.6B04D978', 'shared.news'];

function withConversations(changes: Partial<StoreLayout> = {}) {
  const made = storeOf(records(MAILBOXES), { conversations: true, ...changes });
  for (const uniqueid of Object.values(MAILBOXES)) {
    const at = join(made.root, 'spool/uuid/a/a', uniqueid);
    write(join(at, 'cyrus.header'), Buffer.concat([HEADER_MAGIC, Buffer.from(`%(I ${uniqueid} A %())\n`)]));
    write(join(at, 'cyrus.index'), indexBytes({ version: 17 }, [{ uid: 1 }]));
  }
  const ofUser = join(made.root, 'conf/user/uuid/a/a/aa01');
  const folders = Object.values(MAILBOXES).map((uniqueid, i) => `F${uniqueid}\t0 (${i + 5} 1 1)\n`);
  write(join(ofUser, 'conversations.db'), `$FOLDER_IDS\t(x)\n${folders.join('')}`);
  write(join(ofUser, 'counters.db'), counters(77));
  return { ...made, ofUser };
}

async function statesOf(store: MasterStore): Promise<(MailboxState | undefined)[]> {
  const states: (MailboxState | undefined)[] = [];
  for (const name of NAMES) states.push(await store.readMailbox(name, ({ state }) => state));
  // A look at all of an owner's mailboxes tells the same.
  const views = await store.peek(store.mailboxesOf('al'));
  assert.deepEqual(
    [...views.values()].map(({ state }) => state),
    states.slice(0, 3),
  );
  return states;
}

test('counters of conversations are told of live mailboxes of a user, those of access of the INBOX alone', async () => {
  const { store } = withConversations();
  const states = await statesOf(store);
  assert.deepEqual(
    states.map((state) => [state?.xconvmodseq, state?.raclmodseq]),
    [
      [5, 77],
      [6, 0],
      [0, 0],
      [0, 0],
    ],
  );
  assert.ok(states.every((state) => state?.unread.length === 0));
});

test('without conversations neither is looked at', async () => {
  const { store, ofUser } = withConversations({ conversations: false });
  write(join(ofUser, 'counters.db'), 'damaged'.repeat(20));
  for (const state of await statesOf(store))
    assert.deepEqual([state?.xconvmodseq, state?.raclmodseq, state?.unread], [0, 0, []]);
});

test('counters that cannot be read are told of by the mailboxes that have them, and of no other', async () => {
  const { store, ofUser } = withConversations();
  write(join(ofUser, 'counters.db'), Buffer.alloc(104, 1));
  write(join(ofUser, 'conversations.db'), '$FOLDER_IDS\t(x)\nFaa01\tnonsense\nFaa02\t0 (6 1 1)\n');
  const told = (await statesOf(store)).map((state) =>
    state?.unread.map(({ part, path, error }) => [part, path.slice(ofUser.length + 1), error.code]),
  );
  assert.deepEqual(told, [
    [
      ['xconvmodseq', 'conversations.db', 'DATABASE_DAMAGED'],
      ['raclmodseq', 'counters.db', 'DATABASE_DAMAGED'],
    ],
    [],
    [],
    [],
  ]);
});

test('files of a user are found by the uniqueid of the INBOX, or by the name of the user', () => {
  const { store, root } = storeOf({
    ...records({ 'user\x1fal': 'aa01', 'user\x1fbo.x': 'bb01' }),
    ...records({ 'user\x1fcy': 'cc01' }, 'el'),
  });
  for (const [path, uniqueid] of [
    ['uuid/a/a/aa01/seen.db', 'id-al'],
    ['uuid/b/b/bb01/seen.db', 'id-bo'],
    ['c/cy.seen', 'id-cy'],
    ['d/di.seen', 'id-di'],
  ] as const)
    write(join(root, 'conf/user', path), `${uniqueid}\t1 2 3 4 1:3\n`);
  for (const [path, mailbox] of [
    ['uuid/a/a/aa01/sub.db', 'user.of-al'],
    ['c/cy.sub', 'user.of-cy'],
  ] as const)
    write(join(root, 'conf/user', path), `${mailbox}\t\n`);
  const seen = (userid: string): string[] => store.seen(userid).map(({ uniqueid }) => uniqueid);
  assert.deepEqual(['al', 'bo.x', 'cy', 'di', 'ed'].map(seen), [
    ['id-al'],
    ['id-bo'],
    ['id-cy'],
    ['id-di'],
    [],
  ]);
  assert.deepEqual(store.seen('al'), [
    { uniqueid: 'id-al', lastread: 2, lastuid: 3, lastchange: 4, seenuids: '1:3' },
  ]);
  assert.deepEqual(store.subscriptions('al'), ['user.of-al']);
  assert.deepEqual(store.subscriptions('cy'), ['user.of-cy']);
  assert.deepEqual(store.subscriptions('bo.x'), []);
});

test('quotas are in files of their own, or rows of a database', async () => {
  const files = storeOf(records({ 'user\x1fal': 'aa01' }));
  write(join(files.root, 'conf/quota/a/user.al'), '%(S (5 100) M (1 7))\n');
  const quota = { storage: 100, messages: 7, annotationStorage: -1, folders: -1, modseq: 0 };
  assert.deepEqual(await files.store.quota('user.al'), { root: 'user.al', ...quota });
  assert.equal(await files.store.quota('user.bo'), undefined);

  const quotaPath = join(base, 'quotas.db');
  const rows = ['user.a', 'user.al', 'user.a-b', 'user.z'];
  write(
    quotaPath,
    writeTwoskip(
      rows.sort().map((key) => ({ key, value: key === 'user.z' ? '' : '%(S (5 100) M (1 7))', level: 1 })),
    ),
  );
  const { store } = storeOf(records({ 'user\x1fal': 'aa01' }), { quotaDatabase: 'twoskip', quotaPath });
  assert.deepEqual(await store.quota('user.al'), { root: 'user.al', ...quota });
  assert.equal(await store.quota('user.bo'), undefined);
  assert.equal(await store.quota('user.z'), undefined, 'a row of no octets is none');
});

test('what a mailbox was called before its record tells, the latest name first', () => {
  const { store } = storeOf({
    ...records({ 'user\x1fal': 'aa01' }),
    Iaa02: `%(T e N user\x1fnew ${LIVE} H (%(N user\x1fold.er M 3) %(N shared\x1fx M 2)))`,
    'Nuser\x1fnew': `%(T e I aa02 ${LIVE})`,
  });
  assert.deepEqual(store.formerNames('aa02'), ['user.old^er', 'shared.x']);
  for (const uniqueid of ['aa01', 'nowhere', '']) assert.deepEqual(store.formerNames(uniqueid), [], uniqueid);
  const byName = storeOf({ 'user.al': `%(I aa01 T e ${LIVE} H (%(N user\x1fold M 3)))` });
  assert.deepEqual(byName.store.formerNames('aa01'), []);
});

test('a mailbox of an old list whose name begins like a record is none', async () => {
  const { store } = storeOf({
    'user.al': `%(I aa01 T e ${LIVE})`,
    Ideas: `%(I bb01 T e ${LIVE} H (%(N user\x1fold M 3)))`,
  });
  assert.equal(store.lookup('Ideas')?.uniqueid, 'bb01');
  assert.deepEqual(store.formerNames('deas'), []);
  assert.equal(store.lookupUniqueid('deas'), undefined);
  assert.deepEqual(await store.livingOnceCalled('user.old'), []);
});

test('live mailboxes that were once called so are found among all records, however many there are', async () => {
  const rows: Record<string, string> = {};
  const put = (number: number, type: string, now: string, before: readonly string[]): void => {
    const history = before.map((name) => `%(N ${name} M 3)`).join(' ');
    rows[`I${String(number).padStart(5, '0')}`] = `%(T ${type} N ${now} ${LIVE} H (${history}))`;
  };
  // Pages have a thousand rows each.
  for (let number = 0; number < 2_001; number += 1) {
    const isOne = [0, 999, 1_000, 2_000].includes(number);
    put(number, 'e', `user\x1fu${number}`, isOne ? ['user\x1fanna', 'user\x1fbert'] : []);
  }
  put(3_000, 'ed', 'user\x1fdead', ['user\x1fanna']);
  rows.I3001 = `%(T e ${LIVE} H (%(N user\x1fanna M 3)))`;
  rows.I3002 = '%(T e N user\x1fcut H (%(N user\x1fanna';
  rows['Nuser\x1fu0'] = `%(T e I 00000 ${LIVE})`;
  const { store } = storeOf(rows);
  const found = ['user.u0', 'user.u999', 'user.u1000', 'user.u2000'];
  assert.deepEqual(await store.livingOnceCalled('user.anna'), found);
  assert.deepEqual(await store.livingOnceCalled('user.bert'), found);
  assert.deepEqual(await store.livingOnceCalled('user.u0'), []);
  const byName = storeOf({ 'user.al': `%(I aa01 T e N user\x1fal ${LIVE} H (%(N user\x1fanna M 3)))` });
  assert.deepEqual(await byName.store.livingOnceCalled('user.anna'), []);
});

test('a mailbox is found by its uniqueid where record and row agree', () => {
  const row = (uniqueid: string): string => `%(T e I ${uniqueid} ${LIVE})`;
  const record = (dbname: string): string => `%(T e N ${dbname} ${LIVE} H ())`;
  const { store } = storeOf({
    Iaa01: record('user\x1fal'),
    'Nuser\x1fal': row('aa01'),
    Iaa02: record('user\x1fgone'),
    Iaa03: record('user\x1ftaken'),
    'Nuser\x1ftaken': row('aa04'),
    Iaa05: `%(T e ${LIVE} H ())`,
    Iaa06: 'rubbish',
  });
  assert.equal(store.lookupUniqueid('aa01')?.name, 'user.al');
  for (const uniqueid of ['aa02', 'aa03', 'aa05', 'nowhere'])
    assert.equal(store.lookupUniqueid(uniqueid), undefined, uniqueid);
  assert.throws(() => store.lookupUniqueid('aa06'), { code: 'DATABASE_DAMAGED', message: /row of aa06/ });
});

test('a user may come up again in an old list, and is named once', () => {
  const row = '0 default anyone\tlrs\t';
  const { store } = storeOf({
    'user.a': row,
    'user.a-b': row,
    'user.a.x': row,
    'user.a^b': row,
    'DELETED.user.a.y.6B04D978': row,
    $RACL: 'x',
    'shared.z': row,
  });
  assert.deepEqual(
    [...store.enumerate()].map((each) => (each.kind === 'user' ? each.userid : each.kind)),
    ['shared', 'a', 'a-b', 'a.b'],
  );
  assert.deepEqual([...store.names('user.a')], ['user.a', 'user.a-b', 'user.a.x', 'user.a^b']);
});

test('the messages of a user are those of all live mailboxes, told behind the last of them', () => {
  const { store, root } = storeOf({
    ...records({
      'DELETED\x1fuser\x1fal\x1fOld\x1f6B04D978': 'aa03',
      'shared\x1fnews': 'ss01',
      'user\x1fal': 'aa01',
      'user\x1fal\x1fBox': 'aa02',
      'user\x1fbo': 'bb01',
    }),
    'Nuser\x1fcut': 'rubbish',
  });
  for (const [uniqueid, count] of [
    ['a/a/aa01', 3],
    ['a/a/aa02', 4],
    ['a/a/aa03', 50],
    ['s/s/ss01', 6],
  ] as const) {
    const records = Array.from({ length: count }, (_, i) => ({ uid: i + 1 }));
    write(join(root, 'spool/uuid', uniqueid, 'cyrus.index'), indexBytes({ version: 17 }, records));
  }
  assert.deepEqual(
    [...store.enumerate()],
    [
      { kind: 'shared', name: 'shared.news', messages: 6 },
      { kind: 'user', userid: 'al', messages: 7 },
      { kind: 'user', userid: 'bo', messages: 0 },
      { kind: 'user', userid: 'cut', messages: 0 },
    ],
  );
});
