import assert from 'node:assert/strict';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession, WireRecord } from '../../../src/protocol/replica-session.ts';
import type { SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, ScriptedServer } from './support/scripted-server.ts';

/*
 * An answer of a peer comes in only as what it claims to be: each field by its own grammar or range, records in order,
 * and nothing that was not asked for. The error names the field and the mailbox, and the link stays in step.
 */

const GUID = '0123456789'.repeat(4);
const OTHER = '9'.repeat(40);

const MAILBOX: Readonly<Record<string, string>> = {
  UNIQUEID: 'c2etoipyq4tabaj47bfstu7g',
  MBOXNAME: 'user.alice',
  LAST_UID: '3',
  HIGHESTMODSEQ: '5',
  RECENTUID: '0',
  RECENTTIME: '0',
  POP3_LAST_LOGIN: '0',
  UIDVALIDITY: '7',
  PARTITION: 'default',
  ACL: '"alice\tlrs\t"',
  OPTIONS: 'P',
};
const RECORD: Readonly<Record<string, string>> = {
  UID: '1',
  MODSEQ: '5',
  LAST_UPDATED: '1',
  FLAGS: '(\\Seen $x)',
  INTERNALDATE: '1',
  SIZE: '10',
  GUID,
};
const SEEN: Readonly<Record<string, string>> = {
  UNIQUEID: 'c2et',
  LASTREAD: '1',
  LASTUID: '1',
  LASTCHANGE: '1',
  SEENUIDS: '1:2',
};
const SIEVE: Readonly<Record<string, string>> = {
  FILENAME: 'a.script',
  LAST_UPDATE: '1',
  GUID,
  ISACTIVE: '0',
};

function kvlist(fields: Readonly<Record<string, string>>, changes: Readonly<Record<string, string>> = {}) {
  const all = { ...fields, ...changes };
  return `%(${Object.entries(all)
    .map(([key, value]) => `${key} ${value}`)
    .join(' ')})`;
}

function fullMailbox(records: readonly string[], changes: Readonly<Record<string, string>> = {}): string {
  return `* MAILBOX ${kvlist(MAILBOX, { ...changes, RECORD: `(${records.join(' ')})` })}\r\nOK success\r\n`;
}

/** Answers whatever is asked with `answers` in turn, then NOOP, which shows that the link is in step. */
async function answered(
  answers: readonly string[],
  work: (session: ReplicaSession) => Promise<void>,
): Promise<void> {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      for (const answer of answers) {
        await peer.line();
        peer.send(answer);
      }
      await peer.expect('NOOP');
      peer.send('OK Noop completed\r\n');
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  try {
    await work(session);
    await session.noop();
  } finally {
    session.destroy();
  }
}

function literal(octets: string): string {
  return `{${octets.length}}\r\n${octets}`;
}

const ATTACK = 'X) INTERNALDATE 1 SIZE 1 GUID 00)))\r\nAPPLY UNUSER u001\r\nNOOP (';

test('a string field that is not what it claims to be is refused by its name', async () => {
  const bad: [kind: string, fields: Readonly<Record<string, string>>, key: string, value: string][] = [];
  const words = [ATTACK, 'a b', 'a\0', 'caf\xe9', '../..', 'a(b'];
  for (const key of ['UNIQUEID', 'PARTITION', 'MBOXTYPE', 'OPTIONS']) {
    for (const word of words) bad.push(['MAILBOX', MAILBOX, key, literal(word)]);
  }
  for (const key of ['MBOXNAME', 'ACL', 'QUOTAROOT']) bad.push(['MAILBOX', MAILBOX, key, literal(ATTACK)]);
  for (const key of ['MBOXNAME', 'QUOTAROOT']) bad.push(['MAILBOX', MAILBOX, key, 'user.alice/../x']);
  bad.push(['MAILBOX', MAILBOX, 'MBOXNAME', 'NIL'], ['MAILBOX', MAILBOX, 'MBOXNAME', '""']);
  bad.push(['SEEN', SEEN, 'UNIQUEID', literal(ATTACK)], ['SEEN', SEEN, 'SEENUIDS', literal('1:2,x')]);
  bad.push(['SIEVE', SIEVE, 'FILENAME', '../a.script'], ['SIEVE', SIEVE, 'FILENAME', literal(ATTACK)]);
  bad.push(['SIEVE', SIEVE, 'GUID', literal(ATTACK)], ['QUOTA', { LIMIT: '1' }, 'ROOT', literal(ATTACK)]);
  const annotation = (entry: string, userid: string) =>
    `(%(ENTRY ${literal(entry)} USERID ${literal(userid)} MODSEQ 0 VALUE x))`;
  bad.push(['MAILBOX', MAILBOX, 'ANNOTATIONS', annotation('comment', 'a')]);
  bad.push(['MAILBOX', MAILBOX, 'ANNOTATIONS', annotation('/comment', ATTACK)]);
  await answered(
    bad.map(
      ([kind, fields, key, value]) => `* ${kind} ${kvlist(fields, { [key]: value })}\r\nOK success\r\n`,
    ),
    async (session) => {
      for (const [, , key] of bad) {
        const pattern = key === 'ANNOTATIONS' ? /ENTRY|USERID/ : new RegExp(`expected ${key}`);
        await rejectsWith(session.getUser('alice'), 'IMAP_PROTOCOL_ERROR', pattern);
      }
    },
  );
});

test('a mailbox that cannot be used is told of, where somebody listens, and the others come through', async () => {
  const bad = kvlist(MAILBOX, { MBOXNAME: 'user.alice.bad', UIDVALIDITY: '4294967296' });
  const good = kvlist(MAILBOX, { MBOXNAME: 'user.alice.good' });
  const lines = `* MAILBOX ${bad}\r\n* MAILBOX ${good}\r\nOK success\r\n`;
  await answered([lines, lines, lines], async (session) => {
    const told: string[] = [];
    const listen = (name: string, error: SyncError): void => {
      told.push(name);
      assert.equal(error.code, 'IMAP_PROTOCOL_ERROR');
    };
    assert.equal((await session.getUser('alice', listen)).mailboxes[0]?.name, 'user.alice.good');
    const named = await session.getMailboxes(['user.alice.bad', 'user.alice.good'], listen);
    assert.deepEqual(
      named.map(({ name }) => name),
      ['user.alice.good'],
    );
    assert.deepEqual(told, ['user.alice.bad', 'user.alice.bad']);
    await rejectsWith(session.getUser('alice'), 'IMAP_PROTOCOL_ERROR', /UIDVALIDITY/);
  });
});

test('octets of any encoding are welcome where Cyrus has them', async () => {
  const name = literal('user.alice.caf\xe9 (%*) "\\');
  const line = kvlist(MAILBOX, {
    MBOXNAME: name,
    ACL: literal('j\xf6rg\tlrs\tgroup:a b\tlr\t'),
    QUOTAROOT: name,
  });
  await answered([`* MAILBOX ${line}\r\n* LSUB (${name} NIL "a\tb")\r\nOK success\r\n`], async (session) => {
    const { mailboxes, subscriptions } = await session.getUser('alice');
    assert.equal(mailboxes[0]?.name, 'user.alice.caf\xe9 (%*) "\\');
    assert.deepEqual(subscriptions, ['user.alice.caf\xe9 (%*) "\\', 'NIL', 'a\tb']);
  });
});

test('every number has a range', async () => {
  const over32 = '4294967296';
  const over53 = '9007199254740992';
  const bad: [kind: string, fields: Readonly<Record<string, string>>, key: string, value: string][] = [];
  for (const key of ['LAST_UID', 'RECENTUID', 'UIDVALIDITY', 'SYNC_CRC', 'SYNC_CRC_ANNOT']) {
    bad.push(['MAILBOX', MAILBOX, key, over32], ['MAILBOX', MAILBOX, key, '-1']);
  }
  for (const key of ['HIGHESTMODSEQ', 'XCONVMODSEQ', 'RACLMODSEQ', 'CREATEDMODSEQ', 'FOLDERMODSEQ']) {
    bad.push(['MAILBOX', MAILBOX, key, over53], ['MAILBOX', MAILBOX, key, '99999999999999999999']);
  }
  for (const key of ['RECENTTIME', 'POP3_LAST_LOGIN', 'POP3_SHOW_AFTER', 'LAST_APPENDDATE']) {
    bad.push(['MAILBOX', MAILBOX, key, '253402300800'], ['MAILBOX', MAILBOX, key, '1e3']);
  }
  bad.push(['SEEN', SEEN, 'LASTUID', over32], ['SEEN', SEEN, 'LASTREAD', over53]);
  bad.push(['SEEN', SEEN, 'LASTCHANGE', '253402300800'], ['SIEVE', SIEVE, 'ISACTIVE', '2']);
  bad.push(['SIEVE', SIEVE, 'LAST_UPDATE', over53], ['QUOTA', { ROOT: 'user.a' }, 'LIMIT', over53]);
  await answered(
    bad.map(
      ([kind, fields, key, value]) => `* ${kind} ${kvlist(fields, { [key]: value })}\r\nOK success\r\n`,
    ),
    async (session) => {
      for (const [kind, , key] of bad) {
        const error = await rejectsWith(
          session.getUser('alice'),
          'IMAP_PROTOCOL_ERROR',
          new RegExp(`expected ${key} as a number from 0 to [0-9]+ in `),
        );
        assert.equal(error.mailbox, kind === 'MAILBOX' ? 'user.alice' : undefined);
      }
    },
  );
});

test('the first and the last number of each range are taken', async () => {
  const most32 = 4_294_967_295;
  const numbers: [kind: string, key: string, value: number][] = [];
  for (const key of ['LAST_UID', 'RECENTUID', 'UIDVALIDITY', 'SYNC_CRC'])
    numbers.push(['MAILBOX', key, 0], ['MAILBOX', key, most32]);
  for (const key of ['HIGHESTMODSEQ', 'XCONVMODSEQ'])
    numbers.push(['MAILBOX', key, 0], ['MAILBOX', key, Number.MAX_SAFE_INTEGER]);
  numbers.push(['MAILBOX', 'RECENTTIME', 253_402_300_799], ['SEEN', 'LASTUID', most32]);
  const fields = new Map<string, (user: Awaited<ReturnType<ReplicaSession['getUser']>>) => unknown>([
    ['LAST_UID', ({ mailboxes: [one] }) => one?.lastUid],
    ['RECENTUID', ({ mailboxes: [one] }) => one?.recentuid],
    ['UIDVALIDITY', ({ mailboxes: [one] }) => one?.uidvalidity],
    ['SYNC_CRC', ({ mailboxes: [one] }) => one?.crcBasic],
    ['HIGHESTMODSEQ', ({ mailboxes: [one] }) => one?.highestmodseq],
    ['XCONVMODSEQ', ({ mailboxes: [one] }) => one?.xconvmodseq],
    ['RECENTTIME', ({ mailboxes: [one] }) => one?.recenttime],
    ['LASTUID', ({ seen: [one] }) => one?.lastuid],
  ]);
  await answered(
    numbers.map(([kind, key, value]) => {
      const sound = kind === 'MAILBOX' ? MAILBOX : SEEN;
      return `* ${kind} ${kvlist(sound, { [key]: String(value) })}\r\nOK success\r\n`;
    }),
    async (session) => {
      for (const [, key, value] of numbers)
        assert.equal(fields.get(key)?.(await session.getUser('alice')), value, key);
    },
  );
});

test('a record that is not what it claims to be is refused, with its mailbox', async () => {
  const bad: [key: string, value: string][] = [
    ['UID', '0'],
    ['UID', '4294967296'],
    ['MODSEQ', '9007199254740992'],
    ['LAST_UPDATED', '253402300800'],
    ['INTERNALDATE', '99999999999999999999'],
    ['SIZE', '1099511627777'],
    ['GUID', `{${ATTACK.length}}\r\n${ATTACK}`],
    ['GUID', 'abc'],
    ['GUID', 'NIL'],
    ['FLAGS', `(${literal(ATTACK)})`],
    ['FLAGS', `(${literal(`\\${ATTACK}`)})`],
    ['FLAGS', '("a b")'],
    ['FLAGS', '("")'],
    ['FLAGS', `(${literal('a'.repeat(1024))})`],
    ['FLAGS', `(${literal('caf\xe9')})`],
    ['FLAGS', '((a))'],
  ];
  await answered(
    bad.map(([key, value]) => fullMailbox([kvlist(RECORD, { [key]: value })])),
    async (session) => {
      for (const [key] of bad) {
        const error = await rejectsWith(
          session.getFullMailbox('user.alice', () => assert.fail(`a record with a bad ${key} came through`)),
          'IMAP_PROTOCOL_ERROR',
          new RegExp(`\\b${key}\\b`),
        );
        assert.equal(error.mailbox, 'user.alice');
      }
    },
  );
});

test('records come in the order of their UIDs, each once, none above LAST_UID', async () => {
  const uids = (...list: number[]) => list.map((uid) => kvlist(RECORD, { UID: String(uid) }));
  const bad = [uids(1, 1), uids(2, 1), uids(1, 2, 3, 2), uids(1, 2, 4)];
  await answered(
    [...bad.map((records) => fullMailbox(records)), fullMailbox(uids(1, 3))],
    async (session) => {
      for (const _ of bad) {
        const error = await rejectsWith(
          session.getFullMailbox('user.alice', () => {}),
          'IMAP_PROTOCOL_ERROR',
          /UID/,
        );
        assert.equal(error.mailbox, 'user.alice');
      }
      const kept: number[] = [];
      await session.getFullMailbox('user.alice', ({ uid }) => kept.push(uid));
      assert.deepEqual(kept, [1, 3]);
    },
  );
});

test('a flag called NIL is a flag, quoted or as servers print it', async () => {
  await answered([fullMailbox([kvlist(RECORD, { FLAGS: '(NIL \\Seen "NIL" nil)' })])], async (session) => {
    const records: WireRecord[] = [];
    await session.getFullMailbox('user.alice', (record) => records.push(record));
    assert.deepEqual(records[0]?.flags, ['NIL', '\\Seen', 'NIL', 'nil']);
  });
});

test('what was not asked for is refused by its name', async () => {
  const bob = kvlist(MAILBOX, { MBOXNAME: 'user.bob' });
  const twice = `* MAILBOX ${kvlist(MAILBOX)}\r\n`.repeat(2);
  const address = { mailbox: 'm', partition: 'p', uniqueid: 'u', guid: GUID, uid: 1 };
  const asked: [answer: string, ask: (session: ReplicaSession) => Promise<unknown>, named: RegExp][] = [
    [`* MAILBOX ${bob}\r\n`, (s) => s.getMailboxes(['user.alice']), /user\.bob/],
    [twice, (s) => s.getMailboxes(['user.alice']), /user\.alice/],
    [`* MAILBOX ${bob}\r\n`, (s) => s.getUniqueids(['another']), /user\.bob/],
    [`* MAILBOX ${bob}\r\n`, (s) => s.getFullMailbox('user.alice', () => {}), /user\.bob/],
    [
      '* ANNOTATION %(MBOXNAME user.bob ENTRY /comment USERID "" VALUE x)\r\n',
      (s) => s.getAnnotation('user.alice'),
      /user\.bob/,
    ],
    [`* MISSING (${OTHER})\r\n`, (s) => s.applyReserve('default', [], [GUID]), new RegExp(OTHER)],
    [`* MESSAGE %{default ${OTHER} 1}\r\nx\r\n`, (s) => s.fetchMessage(address), new RegExp(OTHER)],
  ];
  await answered(
    asked.map(([answer]) => `${answer}OK success\r\n`),
    async (session) => {
      for (const [, ask, named] of asked) await rejectsWith(ask(session), 'IMAP_PROTOCOL_ERROR', named);
    },
  );
});

test('an untagged line may be called what it likes', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const lines = names.map((name) => `* ${name} (x)\r\n`).join('');
  await answered([`${lines}OK success\r\n`], async (session) => {
    assert.deepEqual((await session.getUser('alice')).mailboxes, []);
  });
});
