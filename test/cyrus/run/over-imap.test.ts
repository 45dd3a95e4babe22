import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

test('a replica that is reached through its imapd gets everything, first copy and changes', async () => {
  await using pair = await startPair();
  pair.master.configure('sync_port', String(pair.replica.imapPort));
  pair.master.configure('sync_try_imap', 'yes');
  await pair.master.writeConfiguration();
  const population = await populate(pair.master, { users: 6 });
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, population.users);
  const changed = await changeRound(pair.master, population);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, changed.users);
});
