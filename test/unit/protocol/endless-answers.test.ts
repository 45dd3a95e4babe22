import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { listMailboxes } from '../../../src/protocol/connect/list-mailboxes.ts';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';
import { MAX_ANSWER_OCTETS, MAX_LINE_OCTETS, VALUE_OVERHEAD_OCTETS } from '../../../src/protocol/limits.ts';
import { ResponseReader } from '../../../src/protocol/wire/response-reader.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, type Peer, ScriptedServer } from './support/scripted-server.ts';

/*
 * An answer is bounded as a whole, not only each of its values: a peer that never comes to an end loses the link, and
 * this process keeps its memory. What a server of a very large user legitimately says is taken.
 */

/** Sends the same text until the client has had enough. */
async function endlessly(peer: Peer, text: string): Promise<void> {
  await peer.line();
  const octets = Buffer.from(text, 'latin1');
  let gone = false;
  peer.raw.once('close', () => {
    gone = true;
  });
  while (!gone) {
    peer.send(octets);
    if (peer.raw.writableNeedDrain) await Promise.race([once(peer.raw, 'drain'), once(peer.raw, 'close')]);
  }
}

test('an answer without an end, made of literals within their bounds, ends the link', async () => {
  const value = 'x'.repeat(16 << 20);
  const text = `* ANNOTATION %(ENTRY /comment USERID "" VALUE {${value.length}}\r\n${value})\r\n`;
  await using server = await ScriptedServer.start(csync((peer) => endlessly(peer, text)));
  const session = await connectReplica(settingsFor(server.address));
  await rejectsWith(session.getAnnotation('user.anna'), 'IMAP_PROTOCOL_ERROR', /memory set aside/);
  assert.ok(session.broken);
});

test('a list of mailboxes without an end ends the asking', async () => {
  const text = `* LIST () "/" ${'x'.repeat(MAX_LINE_OCTETS - 20)}\r\n`.repeat(16);
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n');
    await peer.line();
    peer.send('A01 OK [CAPABILITY IMAP4rev1] logged in\r\n');
    await peer.line();
    peer.send('* LIST () "/" ""\r\nL0 OK\r\n');
    await endlessly(peer, text);
  });
  let taken = 0;
  const asked = listMailboxes(
    settingsFor(server.address),
    () => ['*'],
    () => taken++,
  );
  await rejectsWith(asked, 'IMAP_PROTOCOL_ERROR', /LIST has no end/);
  assert.ok(taken > 0);
});

/** Octets. */
const LITTLE = 100_000;

function reader(): ResponseReader {
  return new ResponseReader(
    {
      valueOptions: () => ({ maxMemoryOctets: LITTLE }),
      untagged: () => {},
      notice: () => {},
      final: () => {},
    },
    new Traffic(undefined),
  );
}

for (const [what, text] of [
  ['lists of subscriptions', `* LSUB (${'a '.repeat(100)})\r\n`],
  ['lines of a kind that nobody knows', '* NEWS ()\r\n'],
  ['keys', `* MAILBOX %(${'abcdefgh NIL '.repeat(100)})\r\n`],
] as const) {
  test(`lines count together: an answer without an end, made of ${what}, is noticed`, () => {
    const endless = reader();
    const octets = Buffer.from(text);
    assert.throws(() => {
      for (let i = 0; i < LITTLE; i++) endless.push(octets);
    }, /memory set aside/);
  });
}

test('each answer has all the memory, whatever those before it took', () => {
  const each = reader();
  const octets = Buffer.from(`* LSUB (${'a '.repeat(1000)})\r\nOK success\r\n`);
  for (let i = 0; i < 100; i++) each.push(octets);
});

test('one list without an end is noticed while it is read', () => {
  const parser = new DlistParser({ maxMemoryOctets: 10_000 });
  parser.push(Buffer.from('('));
  const words = Buffer.from('a '.repeat(100));
  assert.throws(() => {
    for (let i = 0; i < 10_000; i++) parser.push(words);
  }, /memory set aside/);
});

test('a literal that would not fit is refused before its first octet is taken', () => {
  const parser = new DlistParser({ maxMemoryOctets: 10_000 });
  assert.throws(() => parser.push(Buffer.from('{10001}\r\n')), /memory set aside/);
});

test('a user with 100,000 mailboxes fits, each with annotations', () => {
  const annotation =
    '%(ENTRY /vendor/cmu/cyrus-imapd/lastupdate USERID anna MODSEQ 7 VALUE " 1-Jan-2026 00:00:00 +0000")';
  const line = Buffer.from(
    '%(UNIQUEID c2etoipyq4tabaj47bfstu7g MBOXNAME user.alice.some.folder.of.many MBOXTYPE e SYNC_CRC 239136883' +
      ' SYNC_CRC_ANNOT 1226986259 LAST_UID 3 HIGHESTMODSEQ 5 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 1795479543' +
      ' POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 XCONVMODSEQ 5 RACLMODSEQ 5 UIDVALIDITY 1795479544 PARTITION default' +
      ' ACL "alice\tlrswipkxtecdan\tadmin\tlrswipkxtecdan\t" OPTIONS P QUOTAROOT user.alice CREATEDMODSEQ 1' +
      ` FOLDERMODSEQ 2 ANNOTATIONS (${annotation} ${annotation}))\r\n`,
  );
  const parser = new DlistParser();
  parser.push(line);
  assert.ok(
    100_000 * (parser.memoryOctets + VALUE_OVERHEAD_OCTETS) < MAX_ANSWER_OCTETS,
    String(parser.memoryOctets),
  );
});
