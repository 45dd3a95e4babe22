import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { assertSameState, fullState } from '../../lab/full-state.ts';
import { append } from '../../lab/populate.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

const { annotations, folders } = PROGRAMS.quotaResources;
/** Each limit by itself, and all of them: an administrator's way to stop an account. */
const LIMITS = ['STORAGE 0', 'MESSAGE 0', `${annotations} 0`, `${folders} 0`];

test('a quota of 0 stays a quota of 0: nothing fits, rather than everything', async () => {
  await using pair = await startPair();
  await using admin = await pair.master.imap();
  const limitsOf = (userid: string): string =>
    LIMITS[Number(userid.slice('user'.length))] ?? LIMITS.join(' ');
  const users = [...LIMITS.keys(), LIMITS.length].map((n) => `user${n}`);
  for (const user of users) {
    await admin.ok(`CREATE user/${user}`);
    await using client = await pair.master.imap(user);
    await append(client, 'INBOX', 1, user, user);
    await admin.ok(`SETQUOTA user/${user} (${limitsOf(user)})`);
  }
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameState(pair, users);
  const { user0, user4 } = await fullState(pair.replica, users);
  const nothing = { root: 'user.user4', storage: 0, messages: 0, annotationStorage: 0, folders: 0 };
  assert.deepEqual(user4?.quotas['user.user4'], nothing);
  assert.equal(user0?.quotas['user.user0']?.messages, -1);
});
