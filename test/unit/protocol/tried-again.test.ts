import assert from 'node:assert/strict';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { listMailboxes } from '../../../src/protocol/connect/list-mailboxes.ts';
import { MAX_BANNER_LINES, MAX_LOGIN_LINES } from '../../../src/protocol/limits.ts';
import type { ErrorCode } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';
import { settingsFor } from '../../lab/settings.ts';
import { OK_LINE, type Peer, ScriptedServer } from './support/scripted-server.ts';

/* Contract: what another attempt will meet again is not tried again; what may pass is. */

async function failureOf(script: (peer: Peer) => Promise<void>) {
  await using server = await ScriptedServer.start(async (peer) => {
    await script(peer);
    await peer.closed();
  });
  return await connectReplica(settingsFor(server.address)).then(
    () => assert.fail('it connects'),
    (error) => ({
      code: error.code as ErrorCode,
      retryable: error.retryable as boolean,
      message: String(error.message),
    }),
  );
}

const banner = (peer: Peer): void => peer.send(`* SASL PLAIN\r\n${OK_LINE}`);

test('somebody else than a Cyrus server is the same the next time', async () => {
  const strangers: [string, ErrorCode][] = [
    ['220 mail.example.org ESMTP\r\n', 'NOT_A_SYNC_SERVER'],
    ['* SASL PLAIN\r\n'.repeat(MAX_BANNER_LINES), 'NOT_A_SYNC_SERVER'],
  ];
  for (const [text, code] of strangers) {
    const failure = await failureOf(async (peer) => peer.send(text));
    assert.deepEqual([failure.code, failure.retryable], [code, false], text.slice(0, 20));
    assert.match(failure.message, /found "(?:220 mail\.example\.org ESMTP|\* SASL PLAIN)"$/);
  }
  const last = `${'* SASL PLAIN\r\n'.repeat(MAX_BANNER_LINES - 1)}${OK_LINE}`;
  const refused = await failureOf(async (peer) => {
    peer.send(last);
    await peer.line();
    peer.send('NO no\r\n');
  });
  assert.equal(refused.code, 'AUTHENTICATION_FAILED', 'a banner of as many lines as there may be is read');
});

test('an IMAP server whose list of capabilities has no end is the same the next time', async () => {
  const failure = await failureOf(async (peer) => {
    peer.send('* OK ready\r\n');
    await peer.expect('C01 CAPABILITY');
    peer.send('* NOTHING\r\n'.repeat(MAX_BANNER_LINES));
  });
  assert.deepEqual([failure.code, failure.retryable], ['IMAP_PROTOCOL_ERROR', false]);
});

test('a login that fails, for whatever reason, fails again; one that meets a server taking its leave may not', async () => {
  const answers: [string, ErrorCode, boolean][] = [
    ['NO authentication failure\r\n', 'AUTHENTICATION_FAILED', false],
    ['NO no mechanism available\r\n', 'NO_USABLE_MECHANISM', false],
    ['OK Success (privacy protection)\r\n', 'NO_USABLE_MECHANISM', false],
    ['* hm\r\n'.repeat(MAX_LOGIN_LINES), 'AUTHENTICATION_FAILED', false],
    ['BYE shutting down\r\n', 'REPLICA_BUSY', true],
    ['* BYE shutting down\r\n', 'REPLICA_BUSY', true],
  ];
  for (const [answer, code, isRetryable] of answers) {
    const failure = await failureOf(async (peer) => {
      banner(peer);
      await peer.line();
      peer.send(answer);
    });
    assert.deepEqual([failure.code, failure.retryable], [code, isRetryable], answer);
  }
});

test('a mechanism whose answer may not come with its name is begun by its name alone', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN X-REPLICATION] ready\r\n');
    await peer.expect('A01 AUTHENTICATE PLAIN');
    peer.send('+ \r\n');
    await peer.expect(Buffer.from('\0repluser\0repl').toString('base64'));
    peer.send('A01 OK [CAPABILITY IMAP4rev1 X-REPLICATION] in\r\n');
    await peer.closed();
  });
  const session = await connectReplica(settingsFor(server.address));
  assert.equal(session.info.mechanism, 'PLAIN');
  session.destroy();
});

test('a server that refuses to list, or falls silent over it, ends the asking', async () => {
  const list = async (end: (peer: Peer) => void, answerTimeoutMs = 60_000): Promise<boolean> => {
    await using server = await ScriptedServer.start(async (peer) => {
      peer.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n');
      await peer.line();
      peer.send('A01 OK [CAPABILITY IMAP4rev1] logged in\r\n');
      // Who waits for a short time may have gone before this process looks at what came.
      await peer.line().catch(() => '');
      end(peer);
      await peer.closed();
    });
    return await listMailboxes(
      settingsFor(server.address, { answerTimeoutMs }),
      () => [],
      () => {},
    );
  };
  const refused = await rejectsWith(
    list((peer) => peer.send('L0 NO not for you\r\n')),
    'IMAP_REMOTE_DENIED',
    /not for you/,
  );
  assert.equal(refused.retryable, false);
  await rejectsWith(
    list(() => {}, 50),
    'LINK_TIMEOUT',
    /LIST/,
  );
  assert.equal(await list((peer) => peer.send('* LIST () "/" ""\r\nL0 OK done\r\n')), true);
});

test('a sync_server is not asked to list, which it cannot', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(OK_LINE);
    await peer.closed();
  });
  const asked = await listMailboxes(
    settingsFor(server.address),
    () => [],
    () => {},
  );
  assert.equal(asked, false);
});

test('a message that was not taken ends the link, and what is to be stored is known as a backlog', async (t) => {
  let now = 0;
  await using server = await ScriptedServer.start(async (peer) => {
    banner(peer);
    await peer.line();
    peer.send('OK Success (no protection)\r\n');
    await peer.expect('APPLY UNSUB %(USERID a MBOXNAME m)');
    peer.send('OK success\r\n');
    for (let message = 0; message < 8; message++) await peer.line();
    await peer.octets(6);
    peer.send('OK success\r\n');
    await peer.line();
    await peer.octets(6);
    peer.send('BAD IMAP_PROTOCOL_ERROR no\r\n');
    await peer.closed();
  });
  const session = await connectReplica(settingsFor(server.address));
  mockNowMs(t.mock, () => now);
  const way = session.applyUnsub('a', 'm');
  now = 10;
  await way;
  const content = Buffer.from('abc');
  const message = { partition: 'default', guid: 'ab'.repeat(20), size: 3, content };
  const stored = session.applyMessages(Array.from({ length: 8 }, () => message));
  now = 40;
  assert.ok((session.backlogMs ?? 0) > 0);
  await stored;
  assert.equal(session.backlogMs, 0);
  await rejectsWith(session.applyMessages([message]), 'IMAP_PROTOCOL_ERROR');
  assert.equal(session.broken, true, 'the rest of it would be taken for commands');
});
