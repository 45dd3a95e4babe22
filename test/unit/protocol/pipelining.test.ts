import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { gate } from './support/gate.ts';
import { csync, type Script, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: commands go out in call order without waiting, answers resolve in that order; a NO or BAD fails its own
 * command only; once the link is broken every command in flight and every later one fails, with one cause.
 */

async function withSession(
  script: Script,
  work: (session: ReplicaSession) => Promise<void>,
  changes: Parameters<typeof settingsFor>[1] = {},
): Promise<void> {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await script(peer);
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address, changes));
  try {
    await work(session);
  } finally {
    session.destroy();
  }
}

test('commands of one tick leave as one write, in call order, and are answered in order', async () => {
  await withSession(
    async (peer) => {
      const before = peer.chunks.length;
      for (let i = 0; i < 100; i++) await peer.expect(`APPLY SUB %(USERID alice MBOXNAME user.alice.${i})`);
      assert.equal(peer.chunks.length, before + 1);
      peer.send('OK success\r\n'.repeat(100));
    },
    async (session) => {
      const answered: number[] = [];
      const all = Array.from({ length: 100 }, (_, i) =>
        session.applySub('alice', `user.alice.${i}`).then(() => answered.push(i)),
      );
      await Promise.all(all);
      assert.deepEqual(
        answered,
        Array.from({ length: 100 }, (_, i) => i),
      );
    },
  );
});

test('a NO in the middle fails its own command with the code and the words of the C client', async () => {
  await withSession(
    async (peer) => {
      for (let i = 0; i < 5; i++) await peer.line();
      peer.send('OK success\r\nNO IMAP_MAILBOX_LOCKED Mailbox locked\r\nOK success\r\n');
      peer.send('NO Unknown error\r\nBAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line\r\n');
      await peer.line();
      peer.send('OK Noop completed\r\n');
    },
    async (session) => {
      const results = [1, 2, 3, 4, 5].map((i) => session.applySub('alice', `m${i}`));
      await results[0];
      const locked = await rejectsWith(results[1] ?? Promise.resolve(), 'IMAP_MAILBOX_LOCKED');
      assert.equal(locked.message, 'SUB received NO response: IMAP_MAILBOX_LOCKED Mailbox locked');
      assert.deepEqual([locked.family, locked.retryable], ['refused', true]);
      await results[2];
      const denied = await rejectsWith(results[3] ?? Promise.resolve(), 'IMAP_REMOTE_DENIED');
      assert.equal(denied.message, 'SUB received NO response: Unknown error');
      const bad = await rejectsWith(results[4] ?? Promise.resolve(), 'IMAP_PROTOCOL_ERROR');
      assert.equal(
        bad.message,
        'IOERROR: received bad response: command=<SUB> response=<BAD> errmsg=<IMAP_PROTOCOL_ERROR Failed to parse APPLY line>',
      );
      assert.equal(bad.family, 'refused');
      assert.equal(session.broken, false);
      await session.noop();
    },
  );
});

test('a reservation is of a mailbox if it names one', async () => {
  for (const [folders, mailbox] of [
    [['user.alice.Sent'], 'user.alice.Sent'],
    [['user.alice', 'user.alice.Sent'], undefined],
  ] as const) {
    await withSession(
      async (peer) => {
        await peer.line();
        peer.end();
      },
      async (session) => {
        const { outstanding } = await rejectsWith(
          session.applyReserve('default', folders, ['ab'.repeat(20)]),
          'LINK_BROKEN',
        );
        assert.deepEqual(outstanding, { command: 'RESERVE', mailbox });
      },
    );
  }
});

test('a connection that breaks says which command was due first, and of which mailbox, to every command in flight', async () => {
  await withSession(
    async (peer) => {
      for (let i = 0; i < 4; i++) await peer.line();
      peer.send('OK success\r\n');
      peer.end();
    },
    async (session) => {
      const answers = [
        session.applySub('alice', 'm'),
        session.getFullMailbox('user.alice', () => {}),
        session.getFullMailbox('user.bob', () => {}),
        session.applySub('alice', 'n'),
      ];
      await answers[0];
      for (const answer of answers.slice(1)) {
        const { outstanding } = await rejectsWith(answer, 'LINK_BROKEN');
        assert.deepEqual(outstanding, { command: 'FULLMAILBOX', mailbox: 'user.alice' });
      }
    },
  );
});

test('a code counts only at the start of the text, and unknown ones are REMOTE_DENIED', async () => {
  const answers = [
    ['NO IMAP_SYNC_CHECKSUM Checksum Failure', 'IMAP_SYNC_CHECKSUM'],
    ['NO IMAP_SYNC_CHANGED Changed since last sync', 'IMAP_SYNC_CHANGED'],
    ['NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid', 'IMAP_MAILBOX_MOVED'],
    ['NO IMAP_PROTOCOL_BAD_PARAMETERS', 'IMAP_PROTOCOL_BAD_PARAMETERS'],
    ['NO IMAP_SYNC_BADSIEVE x', 'IMAP_SYNC_BADSIEVE'],
    ['NO IMAP_NEW_CODE x', 'IMAP_REMOTE_DENIED'],
    ['NO see IMAP_SYNC_CHECKSUM', 'IMAP_REMOTE_DENIED'],
    ['NO', 'IMAP_REMOTE_DENIED'],
  ] as const;
  await withSession(
    async (peer) => {
      for (const [answer] of answers) {
        await peer.line();
        peer.send(`${answer}\r\n`);
      }
    },
    async (session) => {
      for (const [, code] of answers) await rejectsWith(session.restart(), code);
    },
  );
});

test('a link cut in the middle of an answer fails all that is in flight and all that comes later', async () => {
  await withSession(
    async (peer) => {
      for (let i = 0; i < 3; i++) await peer.line();
      peer.send('OK success\r\n* MAILBOX %(UNIQUEID abc MBO');
      peer.end();
    },
    async (session) => {
      const first = session.noop();
      const second = session.getUser('alice');
      const third = session.applySub('alice', 'm');
      await first;
      const error = await rejectsWith(
        second,
        'LINK_BROKEN',
        /^IOERROR: zero length response: command=<USER>/,
      );
      assert.deepEqual([error.family, error.retryable], ['link', true]);
      await rejectsWith(third, 'LINK_BROKEN', /command=<SUB>/);
      assert.equal(session.broken, true);
      await rejectsWith(session.noop(), 'LINK_BROKEN');
      await rejectsWith(session.window(), 'LINK_BROKEN');
      await session.exit();
    },
  );
});

test('a reset is a broken link', async () => {
  await withSession(
    async (peer) => {
      await peer.line();
      peer.reset();
    },
    async (session) => {
      await rejectsWith(session.noop(), 'LINK_BROKEN');
    },
  );
});

test('garbage breaks the link instead of being taken for answers', async () => {
  for (const garbage of [
    'hello world\r\n',
    '* MAILBOX )\r\n',
    '* LSUB (a) b\r\n',
    '\r\n',
    `* X {999999999999}\r\n`,
  ]) {
    await withSession(
      async (peer) => {
        await peer.line();
        peer.send(garbage);
      },
      async (session) => {
        const error = await rejectsWith(session.getUser('alice'), 'IMAP_PROTOCOL_ERROR');
        assert.equal(error.family, 'link', garbage);
        assert.equal(session.broken, true);
      },
    );
  }
});

test('an answer that nobody asked for breaks the link', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.line();
      peer.send('OK Noop completed\r\nOK once more\r\n');
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  await session.noop();
  await rejectsWith(session.noop(), 'IMAP_PROTOCOL_ERROR', /unasked/);
});

test('BYE says that the replica is shut down, unsolicited or as an answer, starred or not', async () => {
  for (const bye of ['BYE shutting down\r\n', '* BYE shutting down\r\n']) {
    await withSession(
      async (peer) => {
        await peer.line();
        peer.send(bye);
      },
      async (session) => {
        const error = await rejectsWith(session.noop(), 'IMAP_BYE_LOGOUT', /shutting down/);
        assert.deepEqual([error.family, error.retryable], ['link', true]);
      },
    );
  }
});

test('a fatal error is told with its text and what can be done', async () => {
  await withSession(
    async (peer) => {
      await peer.line();
      peer.send('* Fatal error: Internal error: assertion failed: imap/dlist.c: 160: base != NULL\r\n');
      peer.end();
    },
    async (session) => {
      const error = await rejectsWith(session.noop(), 'LINK_BROKEN', /assertion failed: imap\/dlist\.c/);
      assert.match(error.hint ?? '', /partition/);
    },
  );
});

test('the window opens when enough has been answered', async () => {
  const { promise: answer, open: letAnswer } = gate();
  await withSession(
    async (peer) => {
      for (let i = 0; i < 4; i++) await peer.line();
      await answer;
      peer.send('OK success\r\nOK success\r\n');
      await peer.expect('NOOP');
      peer.send('OK success\r\nOK success\r\nOK Noop completed\r\n');
    },
    async (session) => {
      const name = 'x'.repeat(300);
      const sent = [1, 2, 3, 4].map(() => session.applySub('alice', name));
      let open = false;
      const window = session.window().then(() => {
        open = true;
      });
      await Promise.resolve();
      assert.equal(open, false);
      letAnswer();
      await window;
      await session.window();
      await Promise.all([...sent, session.noop()]);
    },
    { windowOctets: 1000 },
  );
});

test('silence while an answer is due is LINK_TIMEOUT; silence while none is due is not', async () => {
  await withSession(
    async (peer) => {
      await peer.expect('NOOP');
      peer.send('OK Noop completed\r\n');
      await peer.expect('RESTART');
    },
    async (session) => {
      await session.noop();
      // Long enough for the timer to run out, more than once, while nothing is due.
      await wait(2_200);
      assert.equal(session.broken, false);
      const error = await rejectsWith(session.restart(), 'LINK_TIMEOUT', /command=<RESTART>/);
      assert.equal(error.retryable, true);
    },
    { answerTimeoutMs: 1_000 },
  );
});

test('promises that nobody awaits are no unhandled rejections', async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  try {
    await withSession(
      async (peer) => {
        await peer.line();
        peer.end();
      },
      async (session) => {
        const first = session.noop();
        for (let i = 0; i < 10; i++) void session.applySub('alice', `m${i}`);
        void session.getUser('x');
        await rejectsWith(first, 'LINK_BROKEN');
        // Unhandled rejections are reported before the next turn of the event loop.
        await nextTurn();
      },
    );
    assert.deepEqual(unhandled, []);
  } finally {
    process.off('unhandledRejection', listener);
  }
});

test('destroy fails what is in flight with the reason given', async () => {
  await withSession(
    async () => {},
    async (session) => {
      const pending = session.noop();
      session.destroy(new SyncError('CANCELLED', 'the operator stopped the run'));
      await rejectsWith(pending, 'CANCELLED');
      await rejectsWith(session.noop(), 'CANCELLED');
    },
  );
});

test('exit waits for its turn, takes no more commands, and closes', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('NOOP');
      await peer.expect('EXIT');
      peer.send('OK Noop completed\r\nOK Finished\r\n');
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  const noop = session.noop();
  const exit = session.exit();
  await rejectsWith(session.noop(), 'LINK_BROKEN', /closed by exit/);
  await noop;
  await exit;
  await session.exit();
});

test('IMAP: tags count up, NOOP and LOGOUT have their own, a foreign tag breaks the link', async () => {
  const script: Script = async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] replica Cyrus IMAP 3.6.1 server ready\r\n');
    await peer.expect(`A01 AUTHENTICATE PLAIN ${Buffer.from('\0repluser\0repl').toString('base64')}`);
    peer.send('A01 OK User logged in\r\n');
    await peer.expect('C01 CAPABILITY');
    peer.send('* CAPABILITY IMAP4rev1 X-REPLICATION X-SIEVE-MAILBOX\r\nC01 OK Completed\r\n');
    await peer.expect('S0 SYNCAPPLY CAPABILITIES (SIEVE-MAILBOX)');
    peer.send('* ENABLED (SIEVE-MAILBOX)\r\nS0 OK success\r\n');
    await peer.expect('S1 SYNCGET USER alice');
    peer.send('* LSUB (user.alice)\r\nS1 OK success\r\n');
    await peer.expect('S2 SYNCRESTART');
    peer.send('S2 OK Restarting\r\n');
    await peer.expect('N01 NOOP');
    peer.send('N01 OK Completed\r\n');
  };
  await using server = await ScriptedServer.start(
    async (peer) => {
      await script(peer);
      await peer.expect('S3 UNAUTHENTICATE');
      await peer.expect('Q01 LOGOUT');
      peer.send('S3 OK [CAPABILITY IMAP4rev1] Completed\r\n* BYE LOGOUT received\r\nQ01 OK Completed\r\n');
      await peer.closed();
    },
    async (peer) => {
      await script(peer);
      await peer.expect('S3 SYNCGET USER bob');
      peer.send('S7 OK success\r\n');
      await peer.closed();
    },
  );
  const run = async (): Promise<ReplicaSession> => {
    const session = await connectReplica(settingsFor(server.address));
    assert.equal(session.info.flavour, 'imap');
    assert.equal(session.info.sieveMailbox, true);
    assert.deepEqual((await session.getUser('alice')).subscriptions, ['user.alice']);
    await session.restart();
    await session.noop();
    return session;
  };
  await (await run()).exit();
  const second = await run();
  await rejectsWith(second.getUser('bob'), 'IMAP_PROTOCOL_ERROR', /S7 OK/);
});
