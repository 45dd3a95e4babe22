import assert from 'node:assert/strict';
import test from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

test('a master whose mailbox list only Cyrus reads is asked over a server of its own, without being told to', async () => {
  await using pair = await startPair({ master: { imapd: { mboxlist_db: 'sql', sql_engine: 'sqlite' } } });
  await using sides = await openSides(pair);
  const { master } = sides;
  for (const mailbox of ['user/anna', 'user/anna/Sent', 'user/bert', 'shared', 'shared/below']) {
    await master.create(mailbox, ['one', 'two', 'three']);
  }
  await master.imap.ok('SETQUOTA user/anna (STORAGE 1000)');
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna', 'bert']);

  await master.flag('user/anna', 2, '\\Flagged');
  await master.expunge('user/bert', 1);
  await master.imap.ok('RENAME user/anna/Sent user/anna/Gone');
  await master.append('shared', 'four');
  await sides.replica.append('user/bert', 'only there');
  await syncClientOk(pair.master, ['-u', 'anna', 'bert']);
  await syncClientOk(pair.master, ['-m', 'shared']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna', 'bert']);
  assert.deepEqual(await master.messages('user/bert'), ['2 two', '3 three', '4 only there']);

  const rolling = await syncClient(pair.master, ['-R']);
  assert.equal(rolling.code, 78);
  assert.match(rolling.stderr, /imapd\.conf:\d+: expected a mboxlist_db that is read here.* found sql \(/);
});
