import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { fullState } from '../../lab/full-state.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { messageOf, openSides } from '../../lab/two-sides.ts';

/** One conversation: each is a reply to the first. */
function reply(number: number): Buffer {
  const text = messageOf(`Re: talk`, `${number}`).toString('latin1');
  return Buffer.from(
    `In-Reply-To: <talk@example.net>\r\nReferences: <talk@example.net>\r\n${text}`,
    'latin1',
  );
}

test('a merge leaves no other folder of the conversation behind: one run is enough', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  await using sides = await openSides(pair);
  await sides.master.create('user/anna');
  for (const folder of ['Sent', 'Work']) await sides.master.create(`user/anna/${folder}`);
  for (const [i, folder] of ['', '/Sent', '/Work', '', '/Sent', '/Work'].entries()) {
    await sides.master.imap.ok(`APPEND user/anna${folder} `, reply(i));
  }
  await syncClientOk(pair.master, ['-u', 'anna']);
  await sides.master.expunge('user/anna/Work', 1);
  await sides.master.cleanUp('anna');
  await sides.master.append('user/anna/Work', 'later');
  const { stdout } = await syncClientOk(pair.master, ['-v', '-u', 'anna']);
  assert.match(stdout, /FULLMAILBOX user\.anna\.Work/);
  const counters = async (server: typeof pair.master): Promise<unknown> => {
    const { anna } = await fullState(server, ['anna']);
    return Object.entries(anna?.mailboxes ?? {}).map(([name, { xconvmodseq }]) => [name, xconvmodseq]);
  };
  assert.deepEqual(await counters(pair.replica), await counters(pair.master));
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna'], { expunged: 'left out' });
});
