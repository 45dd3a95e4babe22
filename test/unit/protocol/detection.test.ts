import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, OK_LINE, type Peer, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: what is not a Cyrus server is named as such at its first octets; what is one is recognised from its banner;
 * each way of not getting a connection has its own code, and `retryable` says whether waiting helps.
 */

/** Milliseconds: longer than all that comes before the silence takes on a slow machine. */
const SOON_MS = 1_000;

async function held(peer: Peer): Promise<void> {
  await peer.closed();
}

for (const [kind, banner] of [
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['SMTP', '220 mail.example.com ESMTP Postfix\r\n'],
  ['POP3', '+OK Dovecot ready.\r\n'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
  ['MySQL', 'J\0\0\0\n8.0.36\0'],
  ['TLS alert', '\x15\x03\x01\0\x02\x02\x46'],
] as const) {
  test(`a server that speaks ${kind} is refused at its first octets`, async () => {
    await using server = await ScriptedServer.start(async (peer) => {
      peer.send(banner);
      await held(peer);
    });
    const error = await rejectsWith(
      connectReplica(settingsFor(server.address)),
      'NOT_A_SYNC_SERVER',
      /banner/,
    );
    assert.equal(error.retryable, false);
    assert.equal(error.phase, 'connect');
    assert.ok(error.hint);
  });
}

test('a server that says nothing is given up after the connect time, and may be tried again', async () => {
  await using server = await ScriptedServer.start(held);
  const error = await rejectsWith(
    connectReplica(settingsFor(server.address, { connectTimeoutMs: SOON_MS })),
    'REPLICA_BUSY',
    /no banner came/,
  );
  assert.equal(error.retryable, true);
  assert.match(error.hint ?? '', /maxchild/);
});

for (const [moment, lines] of [
  ['the banner', ['* BYE too many connections\r\n']],
  ['the login of a sync_server', [`* SASL PLAIN\r\n${OK_LINE}`, 'BYE shutting down\r\n']],
  ['the login of an imapd', ['* OK [CAPABILITY SASL-IR AUTH=PLAIN] ready\r\n', '* BYE shutting down\r\n']],
  ['the question for what an imapd can do', ['* OK ready\r\n', '* BYE shutting down\r\n']],
] as const) {
  test(`a server that turns the connection away during ${moment} may be tried again`, async () => {
    await using server = await ScriptedServer.start(async (peer) => {
      const [first, ...others] = lines;
      peer.send(first);
      for (const line of others) {
        await peer.line();
        peer.send(line);
      }
      peer.end();
      await held(peer);
    });
    const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'REPLICA_BUSY', /BYE/);
    assert.equal(error.retryable, true);
    assert.equal(error.phase, 'connect');
  });
}

test('a login that takes longer than the one budget ends as CONNECT_TIMEOUT', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
    await peer.line();
    await held(peer);
  });
  const error = await rejectsWith(
    connectReplica(settingsFor(server.address, { connectTimeoutMs: SOON_MS })),
    'CONNECT_TIMEOUT',
    /the login took longer/,
  );
  assert.equal(error.retryable, true);
});

test('an IMAP server without X-REPLICATION is refused after login', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] Dovecot ready.\r\n');
    await peer.line();
    peer.send('A01 OK [CAPABILITY IMAP4rev1 IDLE] Logged in\r\n');
    await held(peer);
  });
  await rejectsWith(connectReplica(settingsFor(server.address)), 'NOT_A_SYNC_SERVER', /X-REPLICATION/);
});

test('an IMAP server is not spoken to when sync_try_imap is off', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n');
    await held(peer);
  });
  const settings = settingsFor(server.address, { tryImap: false });
  const error = await rejectsWith(connectReplica(settings), 'NOT_A_SYNC_SERVER', /an IMAP server/);
  assert.deepEqual([error.retryable, error.phase], [false, 'connect']);
});

test('a connection closed before the banner is a broken link', async () => {
  await using server = await ScriptedServer.start(async (peer) => peer.end());
  const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'LINK_BROKEN');
  assert.equal(error.retryable, true);
});

test('nobody listens: CONNECT_FAILED, to be tried again', async () => {
  const error = await rejectsWith(
    connectReplica(settingsFor('127.0.0.1:1')),
    'CONNECT_FAILED',
    /ECONNREFUSED/,
  );
  assert.equal(error.retryable, true);
  assert.match(error.hint ?? '', /sync_server/);
});

test('an unknown host is HOST_NOT_FOUND', async () => {
  const error = await rejectsWith(connectReplica(settingsFor('no-such-host.invalid:2005')), 'HOST_NOT_FOUND');
  assert.equal(error.family, 'link');
  assert.ok(error.hint);
});

test('a unix socket needs no login; its banner offers nothing, so #sieve is asked for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sync-'));
  const path = join(directory, 's');
  const server = createServer((socket) => {
    socket.write(OK_LINE);
    socket.once('data', (line) => {
      assert.equal(line.toString(), 'APPLY CAPABILITIES (SIEVE-MAILBOX)\r\n');
      socket.write('* ENABLED (SIEVE-MAILBOX)\r\nOK success\r\n');
    });
  });
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const session = await connectReplica(settingsFor(path, { authname: undefined, password: undefined }));
    assert.equal(session.info.mechanism, undefined);
    assert.equal(session.info.sieveMailbox, true);
    session.destroy();
    const missing = await rejectsWith(connectReplica(settingsFor(`${path}-missing`)), 'CONNECT_FAILED');
    assert.match(missing.hint ?? '', /no such socket/i);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test('/noauth sends no AUTHENTICATE', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(OK_LINE);
    await peer.expect('APPLY CAPABILITIES (SIEVE-MAILBOX)');
    peer.send('NO IMAP_PROTOCOL_ERROR Protocol error\r\n');
    await held(peer);
  });
  const session = await connectReplica(settingsFor(`${server.address}/noauth`));
  assert.equal(session.info.sieveMailbox, false, 'an older server knows no such command');
  session.destroy();
});

test('without credentials the missing option is named', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
    await held(peer);
  });
  await rejectsWith(
    connectReplica(settingsFor(server.address, { authname: undefined })),
    'CONFIG',
    /sync_authname/,
  );
  await rejectsWith(
    connectReplica(settingsFor(server.address, { password: undefined })),
    'CONFIG',
    /sync_password/,
  );
});

test('a wrong password is not worth another try', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
    await peer.line();
    peer.send('NO authentication failure\r\n');
    await held(peer);
  });
  const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'AUTHENTICATION_FAILED');
  assert.equal(error.retryable, false);
  assert.ok(!JSON.stringify(error).includes('repl"'), 'the password must not be in the error');
});

for (const answer of ['Permission denied', 'only administrators may use Syncapply command']) {
  test(`a user who is no admin is told so at once by ${answer}`, async () => {
    await using server = await ScriptedServer.start(
      csync(async (peer) => {
        await peer.expect('APPLY CAPABILITIES (SIEVE-MAILBOX)');
        peer.send(`NO ${answer}\r\n`);
        await held(peer);
      }, '* SIEVE-MAILBOX\r\n'),
    );
    const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'IMAP_REMOTE_DENIED');
    assert.match(error.hint ?? '', /admins/);
  });
}

for (const [kind, greeting, login, question, answer] of [
  [
    'sync_server',
    '* SASL PLAIN\r\n* OK replica Cyrus sync server v3.2.6\r\n',
    ['OK success\r\n'],
    'RESTART',
    'NO Permission denied\r\n',
  ],
  [
    'imapd',
    '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] replica Cyrus IMAP 3.2.6 server ready\r\n',
    ['A01 OK User logged in\r\n', '* CAPABILITY IMAP4rev1 X-REPLICATION\r\nC01 OK Completed\r\n'],
    'S0 SYNCRESTART',
    'S0 BAD Unrecognized command\r\n',
  ],
] as const) {
  test(`a user who is no admin is told so at once by a ${kind} that has nothing to enable`, async () => {
    await using server = await ScriptedServer.start(async (peer) => {
      peer.send(greeting);
      for (const each of login) {
        await peer.line();
        peer.send(each);
      }
      await peer.expect(question);
      peer.send(answer);
      await held(peer);
    });
    const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'IMAP_REMOTE_DENIED');
    assert.match(error.hint ?? '', /admins/);
  });
}

test('#sieve as a mailbox is asked for where it is offered', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('APPLY CAPABILITIES (SIEVE-MAILBOX)');
      peer.send('* ENABLED (SIEVE-MAILBOX)\r\nOK success\r\n');
      await held(peer);
    }, '* SIEVE-MAILBOX\r\n'),
  );
  const session = await connectReplica(settingsFor(server.address));
  assert.equal(session.info.sieveMailbox, true);
  assert.equal(session.info.banner, OK_LINE.slice(2, -2));
  session.destroy();
});

test('#sieve as a mailbox is not asked for where scripts are to go by commands of their own', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('NOOP');
      peer.send('OK Noop completed\r\n');
      await held(peer);
    }, '* SIEVE-MAILBOX\r\n'),
  );
  const session = await connectReplica(settingsFor(server.address, { sieveMailbox: false }));
  assert.equal(session.info.sieveMailbox, false);
  await session.noop();
  session.destroy();
});

/** A replica that offers these and, when it is asked for `asked`, enables `enabled`. */
function enabling(offered: readonly string[], asked: string, enabled: string): Promise<ScriptedServer> {
  const banner = offered.map((name) => `* ${name}\r\n`).join('');
  return ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect(`APPLY CAPABILITIES (${asked})`);
      peer.send(`* ENABLED (${enabled})\r\nOK success\r\n`);
      await held(peer);
    }, banner),
  );
}

const BOTH = ['SIEVE-MAILBOX', 'REPLICATION-ARCHIVE'];

test('-a asks for the archive partition where it is offered', async () => {
  await using server = await enabling(BOTH, BOTH.join(' '), BOTH.join(' '));
  const session = await connectReplica(settingsFor(server.address, { stageToArchive: true }));
  assert.deepEqual([session.info.sieveMailbox, session.info.stagesToArchive], [true, true]);
  session.destroy();
});

test('-a does without an archive partition that is not offered', async () => {
  await using server = await enabling(['SIEVE-MAILBOX'], 'SIEVE-MAILBOX', 'SIEVE-MAILBOX');
  const session = await connectReplica(settingsFor(server.address, { stageToArchive: true }));
  assert.equal(session.info.stagesToArchive, false);
  session.destroy();
});

test('an archive partition that is offered and not there is done without, as in the C client', async () => {
  await using server = await enabling(BOTH, BOTH.join(' '), 'SIEVE-MAILBOX');
  const session = await connectReplica(settingsFor(server.address, { stageToArchive: true }));
  assert.deepEqual([session.info.sieveMailbox, session.info.stagesToArchive], [true, false]);
  session.destroy();
});

test('an imapd that offers an archive which it has not enabled is used without one', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(
      '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN X-REPLICATION X-SIEVE-MAILBOX X-REPLICATION-ARCHIVE] ready\r\n',
    );
    await peer.line();
    peer.send(
      'A01 OK [CAPABILITY IMAP4rev1 X-REPLICATION X-SIEVE-MAILBOX X-REPLICATION-ARCHIVE] Success\r\n',
    );
    const [tag] = (await peer.line()).split(' ');
    peer.send(`* ENABLED (SIEVE-MAILBOX)\r\n${tag} OK success\r\n`);
    await held(peer);
  });
  const session = await connectReplica(settingsFor(server.address, { stageToArchive: true }));
  assert.deepEqual([session.info.sieveMailbox, session.info.stagesToArchive], [true, false]);
  session.destroy();
});

/** Says of itself what a sync_server of this release does. @param capabilities lines of its banner */
function release(name: string, capabilities: string, commands: readonly string[]): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer) => {
    peer.send(`* SASL PLAIN\r\n${capabilities}* OK replica Cyrus sync server ${name}\r\n`);
    await peer.line();
    peer.send('OK Success (no protection)\r\n');
    for (const command of commands) {
      await peer.expect(command);
      peer.send('OK success\r\n');
    }
    await held(peer);
  });
}

const MEANT = { type: '', uniqueid: 'abc', uidvalidity: 7 };
const UNMAILBOX = 'APPLY UNMAILBOX %(MBOXNAME user.a UNIQUEID abc UIDVALIDITY 7)';

test('what a MAILBOX may tell is known from the release, and which mailbox UNMAILBOX means is told where that is offered', async () => {
  const plain = ['APPLY UNMAILBOX user.a', 'APPLY UNMAILBOX user.a'];
  for (const [name, offered, takes, commands] of [
    ['3.10.2', '', [false, false], plain],
    ['3.12.3', '', [true, false], plain],
    ['3.13.7', '', [true, true], plain],
    ['3.14.0', '* UNMAILBOX-ID\r\n', [true, true], [UNMAILBOX, 'APPLY UNMAILBOX user.a']],
  ] as const) {
    await using server = await release(name, offered, commands);
    const session = await connectReplica(settingsFor(server.address));
    const { takesGroups, takesDevelopmentFields } = session.info;
    assert.deepEqual([takesGroups, takesDevelopmentFields], takes, name);
    await session.applyUnmailbox('user.a', false, MEANT);
    // Rows without storage are listed without their UIDVALIDITY.
    await session.applyUnmailbox('user.a', false, { ...MEANT, type: 'ei' });
    session.destroy();
  }
});

test('a replica that does not enable #sieve is believed', async () => {
  await using server = await enabling(['SIEVE-MAILBOX'], 'SIEVE-MAILBOX', '');
  const session = await connectReplica(settingsFor(server.address));
  assert.equal(session.info.sieveMailbox, false);
  session.destroy();
});
