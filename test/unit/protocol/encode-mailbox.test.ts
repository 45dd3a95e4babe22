import assert from 'node:assert/strict';
import test from 'node:test';
import type { WireMailbox, WireRecord } from '../../../src/protocol/replica-session.ts';
import { encodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';

/** Octet for octet what the C client sent in the transcripts (protocol 17). */

const ALICE: WireMailbox = {
  uniqueid: 'c2etoipyq4tabaj47bfstu7g',
  name: 'user.alice',
  type: '',
  crcBasic: 239136883,
  crcAnnotations: 1226986259,
  lastUid: 3,
  highestmodseq: 5,
  recentuid: 0,
  recenttime: 0,
  lastAppenddate: 1795479543,
  pop3LastLogin: 0,
  pop3ShowAfter: 0,
  xconvmodseq: 5,
  raclmodseq: 0,
  uidvalidity: 1795479544,
  partition: 'default',
  acl: 'alice\tlrswipkxtecdan\tadmin\tlrswipkxtecdan\t',
  options: 'P',
  quotaroot: undefined,
  createdmodseq: 1,
  foldermodseq: 2,
  annotations: [],
  since: undefined,
  intermediate: false,
  local: false,
};

const VIRTUAL = '/vendor/cmu/cyrus-imapd/';

const RECORD: WireRecord = {
  uid: 1,
  modseq: 3,
  lastUpdated: 1795479543,
  flags: [],
  internaldate: 1795479543,
  size: 125,
  guid: '95675725e1608f31aee40d86549734660d10d70f',
  annotations: [
    { entry: `${VIRTUAL}thrid`, userid: '', modseq: 0, value: '04948ec4ea098423' },
    { entry: `${VIRTUAL}savedate`, userid: '', modseq: 0, value: '1795479543' },
    { entry: `${VIRTUAL}createdmodseq`, userid: '', modseq: 0, value: '3' },
  ],
};

const HEAD =
  'MAILBOX %(UNIQUEID c2etoipyq4tabaj47bfstu7g MBOXNAME user.alice SYNC_CRC 239136883 SYNC_CRC_ANNOT 1226986259' +
  ' LAST_UID 3 HIGHESTMODSEQ 5 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 1795479543 POP3_LAST_LOGIN 0' +
  ' POP3_SHOW_AFTER 0 XCONVMODSEQ 5 UIDVALIDITY 1795479544 PARTITION default' +
  ' ACL "alice\tlrswipkxtecdan\tadmin\tlrswipkxtecdan\t" OPTIONS P CREATEDMODSEQ 1 FOLDERMODSEQ 2';

const RECORD_TEXT =
  '%(UID 1 MODSEQ 3 LAST_UPDATED 1795479543 FLAGS () INTERNALDATE 1795479543 SIZE 125' +
  ' GUID 95675725e1608f31aee40d86549734660d10d70f ANNOTATIONS' +
  ' (%(ENTRY /vendor/cmu/cyrus-imapd/thrid USERID "" MODSEQ 0 VALUE 04948ec4ea098423)' +
  ' %(ENTRY /vendor/cmu/cyrus-imapd/savedate USERID "" MODSEQ 0 VALUE 1795479543)' +
  ' %(ENTRY /vendor/cmu/cyrus-imapd/createdmodseq USERID "" MODSEQ 0 VALUE 3)))';

function encode(mailbox: WireMailbox, records: Iterable<WireRecord>): string {
  return [...encodeMailbox(mailbox, records)].join('');
}

test('a first copy (17.2)', () => {
  assert.equal(encode(ALICE, [RECORD]), `${HEAD} RECORD (${RECORD_TEXT}))`);
});

test('an update with SINCE and flags (17.3)', () => {
  const since = { modseq: 5, crcBasic: 239136883, crcAnnotations: 1226986259 };
  const record = { ...RECORD, flags: ['\\Flagged', '$Label1'], annotations: [] };
  assert.equal(
    encode({ ...ALICE, since }, [record, { ...record, uid: 2 }]),
    `${HEAD} SINCE_MODSEQ 5 SINCE_CRC 239136883 SINCE_CRC_ANNOT 1226986259 RECORD (` +
      '%(UID 1 MODSEQ 3 LAST_UPDATED 1795479543 FLAGS (\\Flagged $Label1) INTERNALDATE 1795479543 SIZE 125' +
      ' GUID 95675725e1608f31aee40d86549734660d10d70f) ' +
      '%(UID 2 MODSEQ 3 LAST_UPDATED 1795479543 FLAGS (\\Flagged $Label1) INTERNALDATE 1795479543 SIZE 125' +
      ' GUID 95675725e1608f31aee40d86549734660d10d70f)))',
  );
});

test('nothing but the header changed: RECORD () is still there (17.5)', () => {
  assert.equal(encode(ALICE, []), `${HEAD} RECORD ())`);
});

test('mailbox annotations, quota root, type, all optional numbers, -L (17.7, 17.9)', () => {
  const annotations = [
    { entry: '/comment', userid: '', modseq: 0, value: 'hello world 100%% of (x)' },
    { entry: '/comment', userid: 'alice', modseq: 0, value: 'priv' },
  ];
  const mailbox = {
    ...ALICE,
    type: 'f',
    raclmodseq: 9,
    quotaroot: 'user.alice',
    annotations,
    local: true,
    options: '',
  };
  assert.equal(
    encode(mailbox, []),
    HEAD.replace('MAILBOX', 'LOCAL_MAILBOX')
      .replace('user.alice ', 'user.alice MBOXTYPE f ')
      .replace('XCONVMODSEQ 5 ', 'XCONVMODSEQ 5 RACLMODSEQ 9 ')
      .replace('OPTIONS P', 'OPTIONS "" QUOTAROOT user.alice') +
      ' ANNOTATIONS (%(ENTRY /comment USERID "" MODSEQ 0 VALUE {24+}\r\nhello world 100%% of (x))' +
      ' %(ENTRY /comment USERID alice MODSEQ 0 VALUE priv)) RECORD ())',
  );
});

test('a partial update has SYNC_CRC 0 and no SYNC_CRC_ANNOT (10.3)', () => {
  assert.equal(
    encode({ ...ALICE, crcBasic: 0, crcAnnotations: undefined, xconvmodseq: 0 }, []),
    `${HEAD.replace('SYNC_CRC 239136883 SYNC_CRC_ANNOT 1226986259', 'SYNC_CRC 0').replace('XCONVMODSEQ 5 ', '')} RECORD ())`,
  );
});

test('an intermediate mailbox goes in its short form (10.3)', () => {
  const mailbox = { ...ALICE, type: 'i', intermediate: true, foldermodseq: 7 };
  assert.equal(
    encode(mailbox, []),
    'MAILBOX %(UNIQUEID c2etoipyq4tabaj47bfstu7g MBOXNAME user.alice MBOXTYPE i HIGHESTMODSEQ 7 CREATEDMODSEQ 1 FOLDERMODSEQ 7)',
  );
});

test('what the development line tells besides stands where its own client has it (9.1)', () => {
  const mailbox = {
    ...ALICE,
    ...{ jmapid: 'P12', indexVersion: 20, compactEmailids: true, deletedmodseq: 4 },
    ...{ raclmodseq: 9, groups: 'group:a', keywords: ['$x'] },
  };
  assert.equal(
    encode(mailbox, []),
    `${HEAD.replace('%(', '%(JMAPID P12 ')
      .replace('XCONVMODSEQ 5', 'XCONVMODSEQ 5 COMPACT_EMAILIDS 1 RACLMODSEQ 9 USERGROUPS group:a VERSION 20')
      .replace('FOLDERMODSEQ 2', 'FOLDERMODSEQ 2 DELETEDMODSEQ 4')} USERFLAGS ($x) RECORD ())`,
  );
  const row = { ...mailbox, type: 'i', intermediate: true, foldermodseq: 7 };
  assert.match(
    encode(row, []),
    /^MAILBOX %\(JMAPID P12 UNIQUEID \S+ MBOXNAME user\.alice MBOXTYPE i HIGHESTMODSEQ 7 /,
  );
});

test('records are read as they are sent, in pieces of about 64 KiB that join to the same text', () => {
  let read = 0;
  function* many(): Generator<WireRecord> {
    for (let uid = 1; uid <= 1000; uid++) {
      read++;
      yield { ...RECORD, uid };
    }
  }
  const pieces = encodeMailbox(ALICE, many());
  const first = pieces.next().value ?? '';
  assert.ok(first.length >= 65536 && first.length < 70000);
  assert.ok(read < 250, `${read} records were read for the first piece`);
  const rest = [...pieces];
  assert.equal(Math.max(...rest.map((piece) => piece.length)) < 70000, true);
  const expected = Array.from({ length: 1000 }, (_, i) =>
    RECORD_TEXT.replace('UID 1 ', `UID ${i + 1} `),
  ).join(' ');
  assert.equal(first + rest.join(''), `${HEAD} RECORD (${expected}))`);
});
