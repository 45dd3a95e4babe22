import assert from 'node:assert/strict';
import test from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { connectReplica } from '../../../../src/protocol/connect/connect-replica.ts';
import { MAX_LINE_OCTETS } from '../../../../src/protocol/limits.ts';
import { selfSigned } from '../../../lab/certificate.ts';
import { rejection } from '../../../lab/errors.ts';
import { settingsFor } from '../../../lab/settings.ts';
import { csync, type Peer, ScriptedServer } from '../support/scripted-server.ts';
import { ANSWERS, type Approach, BANNERS, LOGINS, QUESTIONS, tlsApproaches } from './scenarios.ts';

/*
 * Whatever a peer says, at whichever point: the call ends, by itself and with an error of the catalogue; nobody's time or
 * memory is its to spend; and after it nothing that came from there is taken for an answer.
 */

/** Octets more on the heap and outside of it than before: any scenario by itself needs a small part. */
const MEMORY_OCTETS = 256 * 1024 * 1024;

/** Before it is compressed. */
const BOMB_OCTETS = 1024 * MAX_LINE_OCTETS;

/** No answer among these is one to any of the questions, but to some `OK success` is. */
const ANSWERED_BY_OK = ['applySub', 'restart'];
/** The names that may be in the answer are in the question. */
const ASKED_BY_NAME = ['getMailboxes', 'getAnnotation', 'getFullMailbox', 'fetchMessage', 'applyReserve'];

function approaches(title: string, all: readonly Approach[]): void {
  for (const { what, codes, script } of all) {
    test(`${title}: ${what}`, async (t) => {
      await using server = await ScriptedServer.start(script);
      const error = await rejection(connectReplica(settingsFor(server.address)));
      assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
      assert.doesNotMatch(error.message, /\brepl\b/, 'the password');
      t.diagnostic('1 run');
    });
  }
}

approaches('a banner', BANNERS);
approaches('a login', LOGINS);
approaches('a start', tlsApproaches(selfSigned('DNS:replica.test')));

for (const [question, ask] of Object.entries(QUESTIONS)) {
  test(`${question}: whatever is answered ends the call, and nothing wrong is believed`, async (t) => {
    const before = process.memoryUsage();
    for (const [what, answer] of Object.entries(ANSWERS)) {
      await using server = await ScriptedServer.start(csync((peer) => answerAll(peer, answer)));
      const session = await connectReplica(settingsFor(server.address, { sieveMailbox: false }));
      const outcome = await ask(session).then(
        (result) => ({ result }),
        (error: unknown) => rejection(Promise.reject(error)),
      );
      if ('code' in outcome) {
        assert.ok(outcome.code !== 'BUG', `${what}: ${outcome.message}`);
      } else {
        assertNothingBelieved(question, what, answer, outcome.result);
      }
      // It is over, or in step: neither hangs, and neither takes what is left of the answer for its own.
      await session.noop().catch((error: unknown) => rejection(Promise.reject(error)));
      await session.exit();
    }
    const after = process.memoryUsage();
    for (const kind of ['heapTotal', 'arrayBuffers'] as const) {
      assert.ok(
        after[kind] - before[kind] < MEMORY_OCTETS,
        `${kind} grew from ${before[kind]} to ${after[kind]}`,
      );
    }
    t.diagnostic(`${Object.keys(ANSWERS).length} runs`);
  });
}

test('an answer that is next to nothing while it is compressed, and has no end, ends the link', async (t) => {
  const bomb = deflateRawSync(Buffer.alloc(BOMB_OCTETS, 'x'), { finishFlush: constants.Z_SYNC_FLUSH });
  assert.ok(bomb.length < BOMB_OCTETS / 500);
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect('COMPRESS DEFLATE');
      peer.send('OK DEFLATE active\r\n');
      peer.startDeflate();
      await peer.line();
      peer.raw.write(bomb);
      await peer.closed();
    }, '* COMPRESS DEFLATE\r\n'),
  );
  const compression = { mode: 'required', level: undefined } as const;
  const session = await connectReplica(settingsFor(server.address, { compression, sieveMailbox: false }));
  const before = process.memoryUsage().arrayBuffers;
  const error = await rejection(session.getUser('anna'));
  assert.equal(error.code, 'IMAP_PROTOCOL_ERROR', error.message);
  // What is not read any more is not inflated either.
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < BOMB_OCTETS / 4, `${grown} octets`);
  t.diagnostic('1 run');
});

/** Each command in turn gets the same answer, the last one an end of the connection. */
async function answerAll(peer: Peer, answer: string): Promise<void> {
  await peer.line();
  peer.send(answer);
  peer.end();
}

function assertNothingBelieved(question: string, what: string, answer: string, result: unknown): void {
  // Nobody has what was asked for: that is an answer too, and believed.
  if (answer.startsWith('NO IMAP_MAILBOX_NONEXISTENT')) return;
  assert.match(answer, /^OK success\r\n/m, `${what} is no success`);
  if (ANSWERED_BY_OK.includes(question)) return;
  const text = JSON.stringify(result instanceof Set ? [...result] : result);
  // Whose a mailbox and a quota are the engine knows: what a user has is asked for by the user alone.
  const wrong = ASKED_BY_NAME.includes(question)
    ? /bob|UNUSER|no-guid|\.\.\/|ffff/
    : /UNUSER|no-guid|\.\.\/|ffff/;
  assert.doesNotMatch(text, wrong, `${what} is believed: ${text}`);
}
