import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { expectList } from '../../lab/imap-values.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides, type Side } from '../../lab/two-sides.ts';

/*
 * Goal: who is in which group is on the replica what it is on the master. Cyrus keeps that since 3.12, in the list of
 * mailboxes, and each MAILBOX line of a user tells it. Servers before do not know the commands, nor the mechanism.
 */

const KEEPS_GROUPS = PROGRAMS.isAtLeast(3, 12);
const MECHANISM = KEEPS_GROUPS ? { auth_mech: 'mboxgroups' } : {};

test('a user is in the same groups on the replica after each run, also after leaving the last one', async () => {
  await using pair = await startPair({ both: { imapd: MECHANISM } });
  await using sides = await openSides(pair);
  const { master, replica } = sides;
  await master.create('user/anna', BASE);
  await master.create('user/anna/Work', BASE);
  if (!KEEPS_GROUPS) {
    await assert.rejects(master.imap.ok('SETUSERGROUP anna group:staff'), /BAD/);
    return;
  }
  await master.imap.ok('SETUSERGROUP anna group:staff');
  await master.imap.ok('SETUSERGROUP anna "group:team lead"');
  await master.imap.ok('SETUSERGROUP annabel group:others');
  await syncClientOk(pair.master, ['-A']);
  assert.deepEqual(await groupsOf(replica, 'anna'), ['group:staff', 'group:team lead']);
  assert.deepEqual(await groupsOf(replica, 'group:staff'), ['anna']);

  await master.imap.ok('UNSETUSERGROUP anna group:staff');
  const verified = await cyrusSync(pair.master, 'verify', ['-A']);
  assert.match(
    verified.stdout,
    /user\/anna: groups of the owner: group:team lead on the master, group:staff /,
  );
  await syncClientOk(pair.master, ['-A', '--verify']);
  assert.deepEqual(await groupsOf(replica, 'anna'), ['group:team lead']);

  await master.imap.ok('UNSETUSERGROUP anna "group:team lead"');
  await syncClientOk(pair.master, ['-A', '--verify']);
  assert.deepEqual(await groupsOf(replica, 'anna'), []);
  const { stdout } = await syncClientOk(pair.master, ['-v', '-A']);
  assert.doesNotMatch(stdout, /^MAILBOX /m);
});

test('groups that only the replica knows stay, where the master keeps no groups', async () => {
  await using pair = await startPair({ replica: { imapd: MECHANISM } });
  await using sides = await openSides(pair);
  await sides.master.create('user/anna', BASE);
  await syncClientOk(pair.master, ['-A']);
  if (!KEEPS_GROUPS) {
    await assert.rejects(sides.replica.imap.ok('GETUSERGROUP anna'), /BAD/);
    return;
  }
  await sides.replica.imap.ok('SETUSERGROUP anna group:local');
  await sides.master.append('user/anna', 'new');
  await syncClientOk(pair.master, ['-A', '--verify']);
  assert.deepEqual(await groupsOf(sides.replica, 'anna'), ['group:local']);
});

async function groupsOf(side: Side, name: string): Promise<unknown> {
  const answers = await side.imap.ok(`GETUSERGROUP ${name}`);
  const [, , groups] = answers.find(([kind]) => kind === 'USERGROUP') ?? [];
  return expectList(groups, 'groups');
}
