import assert from 'node:assert/strict';
import fs, { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { SyncError } from '../../../src/report/sync-error.ts';
import { KeptDatabases } from '../../../src/store/cyrusdb/kept-database.ts';
import { parseQuotaValue, QuotaValueError } from '../../../src/store/user/parse-quota-value.ts';
import { parseSieveMessage } from '../../../src/store/user/parse-sieve-message.ts';
import {
  NO_CONVERSATIONS,
  parseFolderStatus,
  readConversations,
} from '../../../src/store/user/read-conversations.ts';
import { readQuota } from '../../../src/store/user/read-quota.ts';
import { raclModseq, readRaclModseq } from '../../../src/store/user/read-racl-modseq.ts';
import { parseSeen } from '../../../src/store/user/read-seen.ts';
import { readSieveDirectory } from '../../../src/store/user/read-sieve-directory.ts';
import { decodeSubscription, readSubscriptions } from '../../../src/store/user/read-subscriptions.ts';
import { plainLayout } from '../../lab/plain-layout.ts';

const directory = mkdtempSync(join(tmpdir(), 'user-files-'));
test.after(() => rmSync(directory, { recursive: true }));

const databases = new KeptDatabases(1);

test('quotas in both grammars; no limit is -1', () => {
  const unlimited = { storage: -1, messages: -1, annotationStorage: -1, folders: -1, modseq: 0 };
  assert.deepEqual(parseQuotaValue('%(S (1234 100) M (5 50) AS (0) NF (3 9) MODSEQ 84)'), {
    storage: 100,
    messages: 50,
    annotationStorage: -1,
    folders: 9,
    modseq: 84,
  });
  assert.deepEqual(parseQuotaValue('%(S (1) SCAN %(MBOX user.a S 4))'), unlimited);
  assert.deepEqual(parseQuotaValue('1234\n100'), { ...unlimited, storage: 100 });
  assert.deepEqual(parseQuotaValue('1234 -1'), unlimited);
  const nothing = { storage: 0, messages: 0, annotationStorage: 0, folders: 0, modseq: 0 };
  assert.deepEqual(parseQuotaValue('1 0 M 1 0 AS 1 0 NF 1 0'), nothing);
  assert.deepEqual(parseQuotaValue('%(S (1 0) M (1 0) AS (1 0) NF (1 0))'), nothing);
  assert.deepEqual(parseQuotaValue('1234 -2'), unlimited);
  assert.deepEqual(parseQuotaValue('1234 100 77 M 5 50 AS 1 2'), {
    ...unlimited,
    storage: 100,
    messages: 50,
    annotationStorage: 2,
  });
  for (const value of ['', '12', 'a b', '1 2 X 3 4', '1 2 M', '1 2 M 3', '%(S (1', '%(S (1 x))']) {
    assert.throws(() => parseQuotaValue(value), QuotaValueError, value);
  }
});

test('a seen state with and without UIDs; a sequence that is none is forgotten; another version is an error', () => {
  const seen = { uniqueid: 'id', lastread: 10, lastuid: 20, lastchange: 30, seenuids: '' };
  assert.deepEqual(parseSeen('f', 'id', '1 10 20 30 1:3,7,9:*'), { ...seen, seenuids: '1:3,7,9:*' });
  assert.deepEqual(parseSeen('f', 'id', '1 10 20 30 '), seen);
  assert.deepEqual(parseSeen('f', 'id', '1 10 20 30'), seen);
  assert.deepEqual(parseSeen('f', 'id', '1 10 20 30 garbage'), seen);
  assert.throws(
    () => parseSeen('f', 'id', '2 10 20 30 1'),
    (error) => error instanceof SyncError && error.code === 'DATABASE_DAMAGED',
  );
});

test('subscriptions of every version', () => {
  const file = (name: string, keys: string[], version?: string): string => {
    const path = join(directory, name);
    const rows = keys.map((key) => `${key}\t\n`);
    if (version !== undefined) rows.unshift(`\x1fVER\x1f\t${version}\n`);
    writeFileSync(path, rows.join(''), 'latin1');
    return path;
  };
  const inbox = 'user\x1fal';
  assert.deepEqual(readSubscriptions(file('v1', ['user.al', 'user.al.x^y']), inbox), [
    'user.al',
    'user.al.x^y',
  ]);
  const keys = ['NINBOX', 'NINBOX\x1fWork', 'NINBOXice', 'Nshared\x1fnews'];
  assert.deepEqual(readSubscriptions(file('v2', keys, '2'), inbox), [
    'user.al',
    'user.al.Work',
    'user.alice',
    'shared.news',
  ]);
  assert.equal(decodeSubscription('NINBOXice', '3', inbox), 'INBOXice');
  assert.equal(decodeSubscription('NINBOX\x1fx', '3', inbox), 'user.al.x');
  assert.deepEqual(readSubscriptions(join(directory, 'none'), inbox), []);
});

test('the racl counter of every length that has one; damage is not taken for 0', () => {
  const counters = (length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    bytes.writeBigUInt64BE(77n, 88);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, length - 4)), length - 4);
    return bytes;
  };
  for (const length of [104, 120, 200, 232, 264, 296]) assert.equal(raclModseq(counters(length)), 77);
  const broken = counters(296);
  broken[10] = 1;
  assert.equal(raclModseq(broken), undefined);
  writeFileSync(join(directory, 'counters'), broken);
  assert.throws(() => readRaclModseq(join(directory, 'counters')), SyncError);
  assert.equal(raclModseq(Buffer.alloc(48)), 0);
  assert.equal(readRaclModseq(join(directory, 'none')), 0);
});

test('folder states of conversations by uniqueid, or by name up to 3.4', () => {
  assert.equal(parseFolderStatus('0 (12 3 4)'), 12);
  assert.equal(parseFolderStatus('0 (12 3 4 5 6)'), 12);
  assert.equal(parseFolderStatus('1 (12 3 4)'), undefined);
  const mailbox = { name: 'user.a', uniqueid: 'id' };
  const read = (rows: string) => {
    const path = join(directory, 'conversations');
    writeFileSync(path, rows);
    return readConversations(databases, path, 'a', mailbox);
  };
  assert.equal(read('$FOLDER_IDS\t(id)\nFid\t0 (9 1 1)\n').modseq, 9);
  assert.equal(read('$FOLDER_NAMES\t(user.a)\nFuser.a\t0 (8 1 1)\n').modseq, 8);
  // Nobody has a conversation yet.
  assert.equal(read('Fuser.a\t0 (7 0 0)\n').modseq, 7);
  assert.equal(read('Fid\t0 (6 0 0)\n').modseq, 6);
  assert.deepEqual(read('$FOLDER_IDS\t()\n'), NO_CONVERSATIONS);
  assert.deepEqual(read('$COMPACT_EMAILIDS\t1\nFid\t0 (6 0 0)\n'), { modseq: 6, compactEmailids: true });
  assert.throws(() => read('Fid\tnonsense\n'), SyncError);
});

test('a script message is its subject and its body', () => {
  const parsed = parseSieveMessage(
    Buffer.from('From: <a>\r\nSubject: my\r\n script\r\nMIME-Version: 1.0\r\n\r\nkeep;\r\n\r\nstop;\r\n'),
  );
  assert.equal(parsed?.name, 'my script');
  assert.equal(parsed.content.toString(), 'keep;\r\n\r\nstop;\r\n');
  assert.equal(parseSieveMessage(Buffer.from('Subject: x\r\n')), undefined);
  assert.equal(parseSieveMessage(Buffer.from('From: x\r\n\r\nkeep;')), undefined);
});

test('a sieve directory: scripts by name, the active one by its link, everything else passed over', () => {
  const sieve = join(directory, 'sieve');
  mkdirSync(sieve);
  assert.deepEqual(readSieveDirectory(sieve), { source: 'directory', scripts: [], active: undefined });
  writeFileSync(join(sieve, 'b.script'), 'keep;');
  writeFileSync(join(sieve, 'a.script'), 'stop;');
  writeFileSync(join(sieve, 'empty.script'), '');
  writeFileSync(join(sieve, 'a.bc'), 'x');
  mkdirSync(join(sieve, 'dir.script'));
  utimesSync(join(sieve, 'b.script'), 1_600_000_000, 1_600_000_000);
  symlinkSync('b.bc', join(sieve, 'defaultbc'));
  const state = readSieveDirectory(sieve);
  assert.equal(state.source, 'directory');
  assert.equal(state.active, 'b.bc');
  assert.deepEqual(
    state.scripts.map(({ filename }) => filename),
    ['a.script', 'b.script'],
  );
  assert.deepEqual(state.scripts[1], {
    filename: 'b.script',
    lastUpdate: 1_600_000_000,
    guid: '1741a5f56c1cfc0f7ef3d0ad53bceb6518bdfdad',
    content: Buffer.from('keep;'),
  });
  assert.equal(readSieveDirectory(join(directory, 'nowhere')).source, 'none');
  // Somebody's copy of a script in the place of the link.
  rmSync(join(sieve, 'defaultbc'));
  writeFileSync(join(sieve, 'defaultbc'), 'x');
  assert.equal(readSieveDirectory(sieve).active, undefined);
  rmSync(join(sieve, 'defaultbc'));
  symlinkSync('/elsewhere/a.bc', join(sieve, 'defaultbc'));
  assert.equal(readSieveDirectory(sieve).active, 'a.bc');
});

test('a quota that cannot be read is damage that names its root, and no quota is none', () => {
  const layout = plainLayout(join(directory, 'quotas'));
  const quotas = join(layout.quotaPath, 'quota/a');
  mkdirSync(quotas, { recursive: true });
  writeFileSync(join(quotas, 'user.anna'), '%(S (1 20))\n');
  writeFileSync(join(quotas, 'user.axel'), '%(S (1 x))\n');
  assert.equal(readQuota(layout, 'user.anna', 'format')?.storage, 20);
  assert.equal(readQuota(layout, 'user.adam', 'format'), undefined);
  assert.throws(
    () => readQuota(layout, 'user.axel', 'format'),
    (error) =>
      error instanceof SyncError && error.code === 'DATABASE_DAMAGED' && /user\.axel/.test(error.message),
  );
});

/** Until the test is over listings of directories are these, then what there is. */
function listed(context: TestContext, ...listings: string[][]): void {
  const list = fs.readdirSync;
  context.mock.method(
    fs,
    'readdirSync',
    (...args: Parameters<typeof list>) => listings.shift() ?? list(...args),
  );
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

test('what is no directory of scripts, or was removed while it was listed, is not there', (context) => {
  const file = join(directory, 'no directory');
  writeFileSync(file, 'keep;');
  assert.equal(readSieveDirectory(join(file, 'sieve')).source, 'none');
  const sieve = join(directory, 'changing');
  mkdirSync(sieve);
  writeFileSync(join(sieve, 'b.script'), 'keep;');
  listed(context, ['a.script', 'b.script']);
  assert.deepEqual(
    readSieveDirectory(sieve).scripts.map(({ filename }) => filename),
    ['b.script'],
  );
});

test('a script that is listed again and again and cannot be found is an error, never a script that is not there', (context) => {
  const sieve = join(directory, 'unfindable');
  mkdirSync(sieve);
  writeFileSync(join(sieve, 'b.script'), 'keep;');
  listed(context, ...Array.from({ length: 9 }, () => ['a.script', 'b.script']));
  assert.throws(
    () => readSieveDirectory(sieve),
    (error) =>
      error instanceof SyncError &&
      error.code === 'IO' &&
      error.retryable &&
      error.phase === 'sieve' &&
      error.message.includes(join(sieve, 'a.script')),
  );
});

test('names of scripts are octets, whatever their encoding, and so is that of the active one', () => {
  const sieve = join(directory, 'octets');
  mkdirSync(sieve);
  const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${sieve}/`), Buffer.from(name, 'latin1')]);
  writeFileSync(at('R\xfccksendung.script'), 'discard;');
  writeFileSync(at('\xc3\xbcber.script'), 'keep;');
  symlinkSync(Buffer.from('R\xfccksendung.bc', 'latin1'), at('defaultbc'));
  const { scripts, active } = readSieveDirectory(sieve);
  assert.deepEqual(
    scripts.map(({ filename, content }) => [filename, String(content)]),
    [
      ['R\xfccksendung.script', 'discard;'],
      ['\xc3\xbcber.script', 'keep;'],
    ],
  );
  assert.equal(active, 'R\xfccksendung.bc');
});
