import assert from 'node:assert/strict';
import test from 'node:test';
import { textFromBytes } from '../../../src/byte-string.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { sha1 } from '../../../src/store/user/read-sieve-directory.ts';
import { CyrusServer } from '../../lab/cyrus-server.ts';
import { handOverLocks, layoutOf } from '../../lab/layout-of.ts';
import { populate } from '../../lab/populate.ts';
import { SieveClient } from '../../lab/sieve-client.ts';

test('scripts, names, former names and removed mailboxes are what Cyrus itself says they are', async () => {
  await using server = await CyrusServer.start('userdata');
  const population = await populate(server, { users: 6 });
  const store = openMasterStore(layoutOf(server));

  for (const user of population.users) {
    const { source, scripts, active } = await store.sieve(user);
    handOverLocks(server);
    // Only now: timsieved keeps #sieve locked while somebody is logged in.
    await using client = await SieveClient.login(server, user);
    const listed = await client.scripts();
    assert.deepEqual(
      scripts.map(({ filename }) => textFromBytes(filename)).sort(),
      listed.map(({ name }) => `${name}.script`).sort(),
    );
    if (scripts.length === 0) continue;
    assert.equal(source, server.programs.keepScriptsInMailbox ? 'mailbox' : 'directory');
    const activeName = listed.find((script) => script.active)?.name;
    assert.equal(active, activeName === undefined ? undefined : `${activeName}.bc`);
    for (const script of scripts) {
      const name = textFromBytes(script.filename).replace(/\.script$/, '');
      assert.deepEqual(
        script.content,
        Buffer.from(listed.find((each) => each.name === name)?.content ?? 'no such script'),
      );
      assert.equal(script.guid, sha1(script.content));
    }
  }

  await using admin = await server.imap();
  const before = store.lookup('user.anna.Work');
  assert.ok(before);
  await admin.ok('SETACL user/anna admin lrswipkxtecdan');
  await admin.ok('SETACL user/anna/Work admin lrswipkxtecdan');
  await admin.ok('RENAME user/anna/Work user/anna/Play');
  // What the server does after its answer, such as packing a database, is done when it answers the next.
  await admin.ok('NOOP');
  const after = store.lookup('user.anna.Play');
  assert.equal(after?.uniqueid, before.uniqueid);
  // Before 3.6 the list has no records by uniqueid, which keep them.
  const formerNames = server.programs.isAtLeast(3, 6) ? ['user.anna.Work'] : [];
  assert.deepEqual(store.formerNames(after.uniqueid), formerNames);
  await store.refresh({ uniqueids: [before.uniqueid] });
  assert.deepEqual(store.lookupUniqueid(before.uniqueid), after);
  assert.equal(store.lookup('user.anna.Work')?.deleted, true, 'the old name is a tombstone');
  assert.equal(await store.readMailbox('user.anna.Work', () => 'there'), undefined);
  assert.ok(!store.mailboxesOf('anna').some(({ name }) => name === 'user.anna.Work'));
  assert.equal(store.lookup('user.nobody'), undefined);
  assert.equal(store.lookupUniqueid('nosuchid'), undefined);

  const [gone] = store.mailboxesOf('anna').filter((entry) => entry.inDeleted);
  assert.ok(gone);
  assert.match(gone.name, /^DELETED\.user\.anna\.Old stuff\.[0-9A-F]{8}$/);
  assert.equal(gone.userid, 'anna');

  const shared = [...store.enumerate('shared')].map((found) => {
    assert.ok(found.kind !== 'busy');
    const { messages: _messages, ...rest } = found;
    return rest;
  });
  assert.deepEqual(shared, [
    { kind: 'shared', name: 'shared' },
    { kind: 'shared', name: 'shared.Announcements' },
  ]);
  const [play] = store.enumerate('user.anna.Play');
  assert.ok(play?.kind === 'user' && play.userid === 'anna');
  assert.ok(store.estimate('anna').messages >= 30);
  const inbox = store.lookup('user.anna');
  assert.ok(inbox && store.estimateMailbox(inbox).messages >= 6);
});
