import test from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { populate } from '../../lab/populate.ts';

test('over imapd: everybody is copied from a server whose files are out of reach, and then what has changed', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  const population = await populate(pair.master, { users: 6 });
  await using stranger = await openStranger(pair.master, pair.replica);
  await stranger.runOk(['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, population.users);

  const changed = await changeRound(pair.master, population);
  await stranger.runOk(['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, changed.users);
});
