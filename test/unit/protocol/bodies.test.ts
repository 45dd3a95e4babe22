import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { MessageUpload, ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { StreamedOctets } from '../../lab/streamed-octets.ts';
import { until } from '../../lab/until.ts';
import { gate } from './support/gate.ts';
import { csync, type Peer, type Script, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: bodies of any size and content cross unchanged in both directions, compressed or not, while the other
 * direction goes on; a body that does not keep its promised size never shifts what follows.
 */

const COMPRESS = '* COMPRESS DEFLATE\r\n';

async function startDeflate(peer: Peer): Promise<void> {
  await peer.expect('COMPRESS DEFLATE');
  peer.send('OK DEFLATE active\r\n');
  peer.startDeflate();
}

for (const compressed of [false, true]) {
  const how = compressed ? 'deflated both ways' : 'in clear';

  async function withSession(
    script: Script,
    work: (session: ReplicaSession) => Promise<void>,
  ): Promise<void> {
    await using server = await ScriptedServer.start(
      csync(
        async (peer) => {
          if (compressed) await startDeflate(peer);
          await script(peer);
          await peer.closed();
        },
        compressed ? COMPRESS : '',
      ),
    );
    const mode = compressed ? 'on' : 'off';
    const session = await connectReplica(
      settingsFor(server.address, { compression: { mode, level: undefined } }),
    );
    assert.equal(session.info.compression, compressed);
    try {
      await work(session);
    } finally {
      session.destroy();
    }
  }

  test(`messages arrive octet for octet, ${how}`, async () => {
    const bodies = [0, 1, 100, 16 * 1024, 16 * 1024 + 1, 70_000, 3_000_000].map((size) => randomBytes(size));
    await withSession(
      async (peer) => {
        await peer.octets('APPLY MESSAGE ('.length);
        for (const [i, body] of bodies.entries()) {
          await peer.expect(`${i === 0 ? '' : ' '}%{default ${String(i).padStart(40, '0')} ${body.length}}`);
          assert.deepEqual(await peer.octets(body.length), body);
        }
        await peer.expect(')');
        peer.send('OK success\r\n');
        await peer.expect('NOOP');
        peer.send('OK Noop completed\r\n');
      },
      async (session) => {
        const uploads = bodies.map((content, i) => upload(String(i).padStart(40, '0'), content));
        await Promise.all([session.applyMessages(uploads), session.noop()]);
      },
    );
  });

  test(`a message streamed in pieces keeps its place among later commands, ${how}`, async () => {
    const body = randomBytes(500_000);
    await withSession(
      async (peer) => {
        await peer.expect(`APPLY MESSAGE (%{default ${'a'.repeat(40)} ${body.length}}`);
        assert.deepEqual(await peer.octets(body.length), body);
        await peer.expect(')');
        await peer.expect('NOOP');
        await peer.expect('RESTART');
        peer.send('OK success\r\nOK Noop completed\r\nOK Restarting\r\n');
      },
      async (session) => {
        const streamed = { ...upload('a'.repeat(40), body), content: StreamedOctets.inPieces(body, 77_777) };
        await Promise.all([session.applyMessages([streamed]), session.noop(), session.restart()]);
      },
    );
  });

  test(`a fetched message arrives octet for octet, ${how}`, async () => {
    const message = randomBytes(1_000_000);
    await withSession(
      async (peer) => {
        await peer.expect(
          `GET FETCH %(MBOXNAME user.a3 PARTITION default UNIQUEID 9rqs56bk1hrc6g0mgx2skru7 GUID ${'d'.repeat(40)} UID 4)`,
        );
        peer.send(`* MESSAGE %{default ${'d'.repeat(40)} ${message.length}}\r\n`);
        peer.send(message);
        peer.send('\r\nOK success\r\n');
      },
      async (session) => {
        const address = { mailbox: 'user.a3', partition: 'default', uniqueid: '9rqs56bk1hrc6g0mgx2skru7' };
        const fetched = session.fetchMessage({ ...address, guid: 'd'.repeat(40), uid: 4 });
        assert.deepEqual(await fetched, message);
      },
    );
  });

  test(`answers are read while an upload is stuck in full socket buffers, ${how}`, async () => {
    const { promise: answersRead, open } = gate();
    const body = randomBytes(4_000_000);
    const annotation = randomBytes(750_000).toString('base64');
    await withSession(
      async (peer) => {
        // Eight megabytes of answers must get through before the first octet of the upload is taken.
        peer.pause();
        for (let i = 0; i < 8; i++) {
          peer.send(
            `* ANNOTATION %(MBOXNAME m ENTRY /e USERID "" VALUE {${annotation.length}}\r\n${annotation})\r\n`,
          );
        }
        peer.send('OK success\r\n');
        await answersRead;
        peer.resume();
        await peer.expect('GET ANNOTATION m');
        await peer.line();
        await peer.octets(body.length);
        await peer.expect(')');
        peer.send('OK success\r\n');
      },
      async (session) => {
        const annotations = session.getAnnotation('m');
        const uploaded = session.applyMessages([upload('c'.repeat(40), body)]);
        assert.equal((await annotations).length, 8);
        open();
        await uploaded;
      },
    );
  });
}

test('a stream of the wrong size fails as MESSAGE_UNREADABLE and breaks the link', async () => {
  for (const length of [9, 11]) {
    await using server = await ScriptedServer.start(csync(async (peer) => await peer.closed()));
    const session = await connectReplica(settingsFor(server.address));
    const content = StreamedOctets.inPieces(Buffer.alloc(length), 4);
    const wrong = { ...upload('a'.repeat(40), Buffer.alloc(10)), content };
    const failed = session.applyMessages([wrong]);
    const behind = session.noop();
    await rejectsWith(failed, 'MESSAGE_UNREADABLE', new RegExp(`expected 10 octets .* found ${length}`));
    await rejectsWith(behind, 'LINK_BROKEN', /MESSAGE could not be sent to its end/);
    await until('it is given up', () => content.isGivenUp);
  }
});

test('a stream that fails is the command’s error, the others’ broken link', async () => {
  await using server = await ScriptedServer.start(csync(async (peer) => await peer.closed()));
  const session = await connectReplica(settingsFor(server.address));
  // biome-ignore lint/correctness/useYield: it fails before it yields
  async function* failing(): AsyncGenerator<Buffer> {
    throw Object.assign(new Error('EIO: i/o error, read'), { syscall: 'read' });
  }
  const failed = session.applyMessages([
    { ...upload('a'.repeat(40), Buffer.alloc(10)), content: new StreamedOctets(failing) },
  ]);
  const behind = session.noop();
  await rejectsWith(failed, 'IO', /EIO/);
  await rejectsWith(behind, 'LINK_BROKEN');
});

test('what cannot be encoded fails its command alone: nothing is written yet', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('NOOP');
      peer.send('OK Noop completed\r\n');
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  const seen = { uniqueid: 'u', lastread: 0, lastuid: -1, lastchange: 0, seenuids: '' };
  const results = [session.applySeen('alice', seen), session.applySub('\u2603', 'm'), session.noop()];
  await rejectsWith(results[0] ?? Promise.resolve(), 'BUG');
  await rejectsWith(results[1] ?? Promise.resolve(), 'BUG');
  await results[2];
  session.destroy();
});

test('a damaged compressed stream is a broken link', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('COMPRESS DEFLATE');
      peer.send('OK DEFLATE active\r\n');
      peer.raw.write(Buffer.from('this is not deflated\r\n'));
      await peer.closed();
    }, COMPRESS),
  );
  const settings = settingsFor(server.address, { compression: { mode: 'on', level: 9 } });
  const outcome = connectReplica(settings).then((session) => session.noop());
  await rejectsWith(outcome, 'LINK_BROKEN', /compressed stream/);
});

test('compressed octets behind the answer to COMPRESS, in the same packet, are not lost', async () => {
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('COMPRESS DEFLATE');
      const early = deflateRawSync('BYE shutting down\r\n', { finishFlush: constants.Z_SYNC_FLUSH });
      peer.raw.write(Buffer.concat([Buffer.from('OK DEFLATE active\r\n'), early]));
      await peer.closed();
    }, COMPRESS),
  );
  const settings = settingsFor(server.address, { compression: { mode: 'required', level: undefined } });
  await rejectsWith(
    connectReplica(settings).then((session) => session.noop()),
    'IMAP_BYE_LOGOUT',
  );
});

test('-z without compression on offer ends the attempt', async () => {
  await using server = await ScriptedServer.start(csync(async (peer) => await peer.closed()));
  const settings = settingsFor(server.address, { compression: { mode: 'required', level: undefined } });
  const error = await rejectsWith(connectReplica(settings), 'COMPRESSION_UNAVAILABLE');
  assert.equal(error.retryable, false);
});

test('auto does not compress before it has seen the link', async () => {
  await using server = await ScriptedServer.start(csync(async (peer) => await peer.closed(), COMPRESS));
  const session = await connectReplica(settingsFor(server.address));
  assert.equal(session.info.compression, false);
  session.destroy();
});

/** A session whose peer does as the script says, and streams that are uploaded in it. */
async function streaming(
  script: Script,
  work: (
    session: ReplicaSession,
    make: () => { upload: MessageUpload; content: StreamedOctets },
  ) => Promise<void>,
): Promise<void> {
  await using server = await ScriptedServer.start(csync(script));
  const session = await connectReplica(settingsFor(server.address));
  const body = Buffer.alloc(8_000_000, 'x');
  const make = () => {
    const content = StreamedOctets.inPieces(body, 65_536);
    return { upload: { ...upload('a'.repeat(40), body), content }, content };
  };
  try {
    await work(session, make);
  } finally {
    session.destroy();
  }
}

test('streams that wait for their turn, and one half written, are given up when the link breaks', async () => {
  const { promise: isSeen, open } = gate();
  await streaming(
    async (peer) => {
      await peer.octets(100_000);
      peer.pause();
      await isSeen;
      peer.raw.destroy();
    },
    async (session, make) => {
      const streams = [make(), make(), make()];
      const sent = streams.map(({ upload }) => session.applyMessages([upload]));
      assert.ok(streams.every(({ content }) => !content.isGivenUp));
      open();
      for (const each of sent) await assert.rejects(each);
      await until('all are given up', () => streams.every(({ content }) => content.isGivenUp));
    },
  );
});

test('a stream that is submitted on a broken link, or beside what cannot be encoded, is given up unread', async () => {
  await streaming(
    async (peer) => await peer.closed(),
    async (session, make) => {
      const beside = make();
      const wrong = { ...upload('b'.repeat(40), Buffer.alloc(3)), size: 4 };
      await rejectsWith(session.applyMessages([beside.upload, wrong]), 'MESSAGE_UNREADABLE');
      assert.ok(beside.content.isGivenUp);
      session.destroy();
      const late = make();
      await assert.rejects(session.applyMessages([late.upload]));
      assert.ok(late.content.isGivenUp);
    },
  );
});

test('a stream is given up once it is sent, not before, whatever the answer', async () => {
  for (const answer of ['OK success', 'NO IMAP_PERMISSION_DENIED no']) {
    await streaming(
      async (peer) => {
        await peer.expect(`APPLY MESSAGE (%{default ${'a'.repeat(40)} 8000000}`);
        await peer.octets(8_000_000);
        await peer.expect(')');
        peer.send(`${answer}\r\n`);
        await peer.closed();
      },
      async (session, make) => {
        const { upload, content } = make();
        const sent = session.applyMessages([upload]);
        assert.equal(content.isGivenUp, false);
        await sent.catch(() => {});
        assert.ok(content.isGivenUp);
      },
    );
  }
});

function upload(guid: string, content: Buffer): MessageUpload {
  return { partition: 'default', guid, size: content.length, content };
}
