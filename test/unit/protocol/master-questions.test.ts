import assert from 'node:assert/strict';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { MasterSession } from '../../../src/protocol/replica-session.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, ScriptedServer } from './support/scripted-server.ts';

/* A master that is read through its server is asked more (protocol 9): it answers, has none, or answers with something else. */

/** Asks once for each answer, whatever the question is. */
async function asked<T>(
  answers: readonly string[],
  ask: (session: MasterSession) => Promise<T>,
): Promise<Promise<T>[]> {
  const lines: string[] = [];
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      for (const answer of answers) {
        lines.push(await peer.line());
        peer.send(answer);
      }
      await peer.closed();
    }),
  );
  const session = await connectReplica(settingsFor(server.address));
  const found = answers.map(() => ask(session));
  await Promise.allSettled(found);
  assert.equal(session.broken, false, 'an answer that cannot be used fails its command alone');
  session.destroy();
  return found;
}

const OK = 'OK success\r\n';

test('a quota root: its limits and modseq, none, or that of another root', async () => {
  const [there, none, another] = await asked(
    [
      `* QUOTA %(ROOT user.anna LIMIT 5 STORAGE 5 MESSAGE 7 MODSEQ 9)\r\n${OK}`,
      OK,
      `* QUOTA %(ROOT user.bob LIMIT 5)\r\n${OK}`,
    ],
    (session) => session.getQuota('user.anna'),
  );
  assert.deepEqual(await there, {
    root: 'user.anna',
    storage: 5,
    messages: 7,
    annotationStorage: -1,
    folders: -1,
    modseq: 9,
  });
  assert.equal(await none, undefined);
  await rejectsWith(another ?? Promise.resolve(), 'IMAP_PROTOCOL_ERROR', /user\.bob/);
});

test('a script: its octets, none of it, or another one', async () => {
  const [there, none, another] = await asked(
    [
      `* SIEVE %(USERID anna FILENAME a.script CONTENT "keep;")\r\n${OK}`,
      OK,
      `* SIEVE %(USERID anna FILENAME b.script CONTENT "keep;")\r\n${OK}`,
    ],
    (session) => session.fetchScript('anna', 'a.script'),
  );
  assert.equal(String(await there), 'keep;');
  await rejectsWith(none ?? Promise.resolve(), 'IMAP_PROTOCOL_ERROR', /SIEVE/);
  await rejectsWith(another ?? Promise.resolve(), 'IMAP_PROTOCOL_ERROR', /b\.script/);
});
