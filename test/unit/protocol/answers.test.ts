import assert from 'node:assert/strict';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession, WireRecord } from '../../../src/protocol/replica-session.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: answers as captured from a real server become the contract's types; "there is none" is an empty result;
 * an answer that lacks what it must have fails its own command and leaves the link in step.
 */

/** Answers each command expected with the text given. */
async function exchange(
  steps: readonly (readonly [command: string, answer: string])[],
  work: (session: ReplicaSession) => Promise<void>,
): Promise<void> {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      for (const [command, answer] of steps) {
        await peer.expect(command);
        peer.send(answer);
      }
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  try {
    await work(session);
  } finally {
    session.destroy();
  }
}

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];

const MAILBOX =
  'UNIQUEID c2etoipyq4tabaj47bfstu7g MBOXNAME user.alice SYNC_CRC 239136883 SYNC_CRC_ANNOT 1226986259 LAST_UID 3' +
  ' HIGHESTMODSEQ 5 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 1795479543 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0' +
  ' XCONVMODSEQ 5 UIDVALIDITY 1795479544 PARTITION default ACL "alice\tlrswipkxtecdan\t" OPTIONS P' +
  ' QUOTAROOT user.alice CREATEDMODSEQ 1 FOLDERMODSEQ 2';

test('a quota of 0 is not read as none', async () => {
  const answer =
    '* QUOTA %(ROOT user.a LIMIT 0 STORAGE 0 MESSAGE 0 X-ANNOTATION-STORAGE 0 X-NUM-FOLDERS 0 MODSEQ 2)\r\n';
  await exchange([['GET USER a', `${answer}OK success\r\n`]], async (session) => {
    assert.deepEqual((await session.getUser('a')).quotas[0], {
      root: 'user.a',
      storage: 0,
      messages: 0,
      annotationStorage: 0,
      folders: 0,
    });
  });
});

test('GET USER: every kind of line', async () => {
  await exchange(
    [
      [
        'GET USER alice',
        `* MAILBOX %(${MAILBOX} ANNOTATIONS (%(ENTRY /comment USERID "" MODSEQ 0 VALUE {24}\r\nhello world 100%% of (x)) %(ENTRY /comment USERID alice MODSEQ 0 VALUE priv)))\r\n` +
          '* MAILBOX %(UNIQUEID x MBOXNAME user.alice.i MBOXTYPE i SYNC_CRC 0 LAST_UID 0 HIGHESTMODSEQ 0 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 UIDVALIDITY 0 PARTITION NIL ACL NIL OPTIONS "" CREATEDMODSEQ 3 FOLDERMODSEQ 4)\r\n' +
          '* QUOTA %(ROOT user.alice LIMIT 50000 STORAGE 50000 MODSEQ 22)\r\n' +
          '* QUOTA %(ROOT user.b LIMIT 4294967295 MESSAGE 10 ANNOTATION-STORAGE 3 MAILBOX 4 MODSEQ 22)\r\n' +
          '* SEEN %(UNIQUEID c2et LASTREAD 1795479634 LASTUID 4 LASTCHANGE 1795479593 SEENUIDS 1:2,4)\r\n' +
          '* SEEN %(UNIQUEID c3 LASTREAD 0 LASTUID 0 LASTCHANGE 0 SEENUIDS "")\r\n' +
          '* LSUB (user.alice "user.alice.a b" {10+}\r\nuser.a"b"c)\r\n' +
          '* SIEVE %(FILENAME bar.script LAST_UPDATE 1795479669 GUID ' +
          `${A} ISACTIVE 0)\r\n` +
          '* SIEVE %(FILENAME bar.bc LAST_UPDATE 0 GUID 0000000000000000000000000000000000000000 ISACTIVE 1)\r\n' +
          '* SOMETHING-NEW %(A 1)\r\n' +
          'OK success\r\n',
      ],
    ],
    async (session) => {
      const user = await session.getUser('alice');
      assert.equal(user.mailboxes.length, 2);
      assert.deepEqual(user.mailboxes[0], {
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
        acl: 'alice\tlrswipkxtecdan\t',
        options: 'P',
        quotaroot: 'user.alice',
        createdmodseq: 1,
        foldermodseq: 2,
        groups: undefined,
        annotations: [
          { entry: '/comment', userid: '', modseq: 0, value: 'hello world 100%% of (x)' },
          { entry: '/comment', userid: 'alice', modseq: 0, value: 'priv' },
        ],
      });
      const intermediate = user.mailboxes[1];
      assert.deepEqual(
        [intermediate?.type, intermediate?.partition, intermediate?.acl, intermediate?.options],
        ['i', undefined, '', ''],
      );
      assert.deepEqual(user.quotas, [
        { root: 'user.alice', storage: 50000, messages: -1, annotationStorage: -1, folders: -1 },
        { root: 'user.b', storage: -1, messages: 10, annotationStorage: 3, folders: 4 },
      ]);
      assert.equal(user.seen[0]?.seenuids, '1:2,4');
      assert.equal(user.seen[1]?.seenuids, '');
      assert.deepEqual(user.subscriptions, ['user.alice', 'user.alice.a b', 'user.a"b"c']);
      assert.deepEqual(user.sieve, [
        { filename: 'bar.script', lastUpdate: 1795479669, guid: A, active: false },
        { filename: 'bar.bc', lastUpdate: 0, guid: '0'.repeat(40), active: true },
      ]);
    },
  );
});

test('nothing there is an empty result, by OK alone or by NONEXISTENT', async () => {
  const none = 'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n';
  await exchange(
    [
      ['GET USER nobody', 'OK success\r\n'],
      ['GET USER nobody', none],
      ['GET META nobody', none],
      ['GET MAILBOXES (user.x "user.y z")', 'OK success\r\n'],
      ['GET MAILBOXES (user.x)', none],
      ['GET ANNOTATION ""', 'OK success\r\n'],
      ['APPLY UNMAILBOX user.x', none],
      ['APPLY LOCAL_UNMAILBOX user.x', none],
      ['APPLY UNUSER nobody', none],
      ['GET FULLMAILBOX user.x', none],
      [`APPLY RESERVE %(PARTITION default MBOXNAME () GUID (${A} ${B}))`, 'OK success\r\n'],
    ],
    async (session) => {
      const empty = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve: [] };
      assert.deepEqual(await session.getUser('nobody'), empty);
      assert.deepEqual(await session.getUser('nobody'), empty);
      assert.deepEqual(await session.getMeta('nobody'), empty);
      assert.deepEqual(await session.getMailboxes([]), []);
      assert.deepEqual(await session.getMailboxes(['user.x', 'user.y z']), []);
      assert.deepEqual(await session.getMailboxes(['user.x']), []);
      assert.deepEqual(await session.getAnnotation(''), []);
      await session.applyUnmailbox('user.x');
      await session.applyUnmailbox('user.x', true);
      await session.applyUnuser('nobody');
      await rejectsWith(
        session.getFullMailbox('user.x', () => {}),
        'IMAP_MAILBOX_NONEXISTENT',
      );
      assert.equal((await session.applyReserve('default', [], [A, B])).size, 0);
      assert.equal((await session.applyReserve('default', ['user.x'], [])).size, 0);
      await session.applyMessages([]);
    },
  );
});

test('an answer without a required field fails its command and leaves the link in step', async () => {
  const required = [
    'UNIQUEID',
    'MBOXNAME',
    'LAST_UID',
    'HIGHESTMODSEQ',
    'RECENTUID',
    'RECENTTIME',
    'POP3_LAST_LOGIN',
  ];
  required.push('UIDVALIDITY', 'PARTITION', 'ACL', 'OPTIONS');
  await exchange(
    [
      ...required.map(
        (field) =>
          [
            'GET MAILBOXES (m)',
            `* MAILBOX %(${MAILBOX.replace(`${field} `, 'X ')})\r\nOK success\r\n`,
          ] as const,
      ),
      ['GET MAILBOXES (m)', `* MAILBOX %(${MAILBOX.replace('LAST_UID 3', 'LAST_UID -3')})\r\nOK success\r\n`],
      ['GET MAILBOXES (m)', '* MAILBOX (a b)\r\nOK success\r\n'],
      ['NOOP', 'OK Noop completed\r\n'],
    ],
    async (session) => {
      for (const field of required) {
        const error = await rejectsWith(
          session.getMailboxes(['m']),
          'IMAP_PROTOCOL_ERROR',
          new RegExp(field),
        );
        assert.equal(error.family, 'refused');
      }
      await rejectsWith(session.getMailboxes(['m']), 'IMAP_PROTOCOL_ERROR', /found "-3"/);
      await rejectsWith(session.getMailboxes(['m']), 'IMAP_PROTOCOL_ERROR', /found a list/);
      await session.noop();
    },
  );
});

const RECORDS = [1, 2, 3].map(
  (uid) =>
    `%(UID ${uid} MODSEQ 7 LAST_UPDATED 10 FLAGS (\\Seen $x) INTERNALDATE 11 SIZE 131 GUID ${'ab'.repeat(20)}` +
    ' ANNOTATIONS (%(ENTRY /vendor/cmu/cyrus-imapd/thrid USERID "" MODSEQ 0 VALUE 04948ec4ea098423)))',
);

test('GET FULLMAILBOX hands records over in order and returns the rest', async () => {
  const answer = `* MAILBOX %(${MAILBOX} RECORD (${RECORDS.join(' ')}))\r\nOK success\r\n`;
  await exchange([['GET FULLMAILBOX user.alice', answer]], async (session) => {
    const records: WireRecord[] = [];
    const mailbox = await session.getFullMailbox('user.alice', (record) => records.push(record));
    assert.equal(mailbox.highestmodseq, 5);
    assert.deepEqual(
      records.map(({ uid }) => uid),
      [1, 2, 3],
    );
    assert.deepEqual(records[0], {
      uid: 1,
      modseq: 7,
      lastUpdated: 10,
      flags: ['\\Seen', '$x'],
      internaldate: 11,
      size: 131,
      guid: 'ab'.repeat(20),
      annotations: [
        { entry: '/vendor/cmu/cyrus-imapd/thrid', userid: '', modseq: 0, value: '04948ec4ea098423' },
      ],
    });
  });
});

test('a record callback that throws, and a record that lacks a field, fail the command alone', async () => {
  const answer = `* MAILBOX %(${MAILBOX} RECORD (${RECORDS.join(' ')}))\r\nOK success\r\n`;
  await exchange(
    [
      ['GET FULLMAILBOX user.alice', answer],
      ['GET FULLMAILBOX user.alice', answer.replaceAll('SIZE 131', 'SIZ 131')],
      ['NOOP', 'OK Noop completed\r\n'],
    ],
    async (session) => {
      let calls = 0;
      const throwing = session.getFullMailbox('user.alice', () => {
        calls++;
        throw new Error('the caller had enough');
      });
      await rejectsWith(throwing, 'BUG', /had enough/);
      assert.equal(calls, 1);
      const lacking = session.getFullMailbox('user.alice', () => {});
      await rejectsWith(lacking, 'IMAP_PROTOCOL_ERROR', /SIZE/);
      await session.noop();
    },
  );
});

test('an OK without the data asked for is an error, not an empty message', async () => {
  const address = { mailbox: 'm', partition: 'p', uniqueid: 'u', guid: A, uid: 1 };
  await exchange(
    [
      [`GET FETCH %(MBOXNAME m PARTITION p UNIQUEID u GUID ${A} UID 1)`, 'OK success\r\n'],
      ['GET FULLMAILBOX m', 'OK success\r\n'],
    ],
    async (session) => {
      await rejectsWith(session.fetchMessage(address), 'IMAP_PROTOCOL_ERROR', /MESSAGE/);
      await rejectsWith(
        session.getFullMailbox('m', () => {}),
        'IMAP_PROTOCOL_ERROR',
        /MAILBOX/,
      );
    },
  );
});

test('every APPLY as the C client spells it', async () => {
  const seen = { uniqueid: 'u1', lastread: 1, lastuid: 2, lastchange: 3, seenuids: '1:2' };
  const quota = { root: 'user.a', storage: -1, messages: 5, annotationStorage: 6, folders: 7 };
  const limited = { root: 'user.a', storage: 50000, messages: -1, annotationStorage: -1, folders: -1 };
  const nothing = { root: 'user.a', storage: 0, messages: 0, annotationStorage: 0, folders: 0 };
  const annotation = { entry: '/comment', userid: '', modseq: 0, value: 'a b' };
  const rename = {
    oldName: 'user.a.b',
    newName: 'user.a.c d',
    partition: 'default',
    uidvalidity: 9,
    local: false,
  };
  const calls: [string, (session: ReplicaSession) => Promise<unknown>][] = [
    ['APPLY SUB %(USERID a MBOXNAME user.a)', (s) => s.applySub('a', 'user.a')],
    ['APPLY UNSUB %(USERID a MBOXNAME user.a)', (s) => s.applyUnsub('a', 'user.a')],
    [
      'APPLY SEEN %(USERID a UNIQUEID u1 LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS 1:2)',
      (s) => s.applySeen('a', seen),
    ],
    [
      'APPLY QUOTA %(ROOT user.a LIMIT 4294967295 MESSAGE 5 X-ANNOTATION-STORAGE 6 X-NUM-FOLDERS 7 MODSEQ 16)',
      (s) => s.applyQuota(quota, 16),
    ],
    ['APPLY QUOTA %(ROOT user.a LIMIT 50000 STORAGE 50000 MODSEQ 16)', (s) => s.applyQuota(limited, 16)],
    [
      'APPLY QUOTA %(ROOT user.a LIMIT 0 STORAGE 0 MESSAGE 0 X-ANNOTATION-STORAGE 0 X-NUM-FOLDERS 0 MODSEQ 16)',
      (s) => s.applyQuota(nothing, 16),
    ],
    ['APPLY UNQUOTA user.a', (s) => s.applyUnquota('user.a')],
    [
      'APPLY ANNOTATION %(MBOXNAME "" ENTRY /comment USERID "" VALUE "a b")',
      (s) => s.applyAnnotation('', annotation),
    ],
    [
      'APPLY UNANNOTATION %(MBOXNAME user.a ENTRY /comment USERID a)',
      (s) => s.applyUnannotation('user.a', '/comment', 'a'),
    ],
    ['APPLY UNSIEVE %(USERID a FILENAME x.script)', (s) => s.applyUnsieve('a', 'x.script')],
    ['APPLY ACTIVATE_SIEVE %(USERID a FILENAME x.bc)', (s) => s.applyActivateSieve('a', 'x.bc')],
    ['APPLY UNACTIVATE_SIEVE %(USERID a)', (s) => s.applyUnactivateSieve('a')],
    [
      'APPLY RENAME %(OLDMBOXNAME user.a.b NEWMBOXNAME "user.a.c d" PARTITION default UIDVALIDITY 9)',
      (s) => s.applyRename(rename),
    ],
    [
      'APPLY LOCAL_RENAME %(OLDMBOXNAME user.a.b NEWMBOXNAME "user.a.c d" PARTITION default UIDVALIDITY 9)',
      (s) => s.applyRename({ ...rename, local: true }),
    ],
    ['APPLY UNMAILBOX user.a', (s) => s.applyUnmailbox('user.a')],
    ['APPLY UNUSER a', (s) => s.applyUnuser('a')],
    ['RESTART', (s) => s.restart()],
    ['NOOP', (s) => s.noop()],
    [
      'APPLY SIEVE %(USERID a FILENAME x.script LAST_UPDATE 5 CONTENT keep;)',
      (s) => s.applySieve('a', 'x.script', 5, Buffer.from('keep;')),
    ],
  ];
  await exchange(
    calls.map(([command]) => [command, 'OK success\r\n'] as const),
    async (session) => {
      await Promise.all(calls.map(([, call]) => call(session)));
    },
  );
});

test('MISSING names what must be uploaded', async () => {
  await exchange(
    [
      [
        `APPLY RESERVE %(PARTITION p MBOXNAME (a) GUID (${A} ${B} ${C}))`,
        `* MISSING (${A} ${C})\r\nOK success\r\n`,
      ],
    ],
    async (session) => {
      const missing = await session.applyReserve('p', ['a'], [A, B, C]);
      assert.deepEqual([...missing], [A, C]);
    },
  );
});
