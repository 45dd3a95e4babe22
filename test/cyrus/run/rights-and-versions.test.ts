import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides } from '../../lab/two-sides.ts';

/** An account of every Debian system and its group, since Cyrus asks the system who is in a group. */
const GUEST = 'nobody';
const GROUP = 'nogroup';
/** Until then a server that keeps reverse ACLs lists only those folders of others whose rights name the user. */
const LISTS_ALL = PROGRAMS.isAtLeast(3, 4);

test('rights of groups and of others, and rights that are taken away, list the same folders of others at both ends', async () => {
  await using pair = await startPair({ both: { imapd: { reverseacls: 'yes' } } });
  await using sides = await openSides(pair);
  const { master } = sides;
  const folders = ['Named', 'Group', 'Anyone', 'Taken', 'Later', 'NoMore'];
  for (const user of ['user/anna', `user/${GUEST}`, ...folders.map((each) => `user/anna/${each}`)])
    await master.create(user, BASE);
  const setAcl = (folder: string, who: string, rights: string) =>
    master.imap.ok(`SETACL user/anna/${folder} ${who} ${rights}`);
  await setAcl('Named', GUEST, 'lrs');
  await setAcl('Group', `group:${GROUP}`, 'lr');
  await setAcl('Anyone', 'anyone', 'lrp');
  await setAcl('Taken', 'anyone', 'lr');
  await setAcl('Taken', `-${GUEST}`, 'lr');
  await setAcl('NoMore', GUEST, 'lr');
  await syncClientOk(pair.master, ['-A']);
  await assertSameFolders(['Named', 'NoMore'], ['Anyone', 'Group']);

  await setAcl('Later', GUEST, 'lr');
  await master.imap.ok(`DELETEACL user/anna/NoMore ${GUEST}`);
  await master.imap.ok(`DELETEACL user/anna/Taken -${GUEST}`);
  await syncClientOk(pair.master, ['-A']);
  await assertSameFolders(['Later', 'Named'], ['Anyone', 'Group', 'Taken']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna', GUEST]);

  async function assertSameFolders(named: readonly string[], others: readonly string[]): Promise<void> {
    const expected = LISTS_ALL ? [...named, ...others].sort() : named;
    for (const server of [pair.master, pair.replica]) {
      await using guest = await server.imap(GUEST);
      const names = (await guest.ok('LIST "" "user/anna/*"')).map(([, , , name]) => String(name));
      assert.deepEqual(
        names.sort(),
        expected.map((each) => `user/anna/${each}`),
        server.name,
      );
    }
  }
});

test('an index that is made an older version and upgraded between runs is no other mailbox', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  const { master } = sides;
  await master.create('user/anna', BASE);
  await syncClientOk(pair.master, ['-A']);
  for (const version of ['13', '16', 'max']) {
    await pair.master.runOk('reconstruct', ['-V', version, 'user/anna']);
    await master.append('user/anna', `under version ${version}`);
    await master.flag('user/anna', 1, `under-${version}`);
    await master.expunge('user/anna', 2);
    const { stdout } = await syncClientOk(pair.master, ['-v', '-A']);
    assert.match(stdout, /^MAILBOX user\.anna$/m);
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, ['anna']);
  }
});
