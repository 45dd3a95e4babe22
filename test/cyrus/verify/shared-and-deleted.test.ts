import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { openSync } from '../../lab/full-state.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides } from '../../lab/two-sides.ts';

/** Behind everybody's back: what is seen there counts for all readers. */
async function shareSeen(server: CyrusServer, name: string): Promise<void> {
  const session = await openSync(server);
  const mailbox = await session.getFullMailbox(name, () => {});
  const line = { ...mailbox, since: undefined, intermediate: false, local: true, options: 'PS' };
  await session.applyMailbox(line, []);
  await session.exit();
}

test('what differs of shared mailboxes and of deleted folders is found, named and repaired; what cannot be read here is not told', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  const { master, replica } = sides;
  for (const name of ['news', 'user/anna', 'user/anna/Old', 'user/bert']) {
    await master.create(name, ['one', 'two']);
  }
  await syncClientOk(pair.master, ['-A']);
  await master.imap.ok('SETACL user/anna/Old admin lrswipkxtecda');
  await master.imap.ok('DELETE user/anna/Old');
  await syncClientOk(pair.master, ['-A']);
  const [listed] = await replica.imap.ok('LIST "" "DELETED/user/anna/Old/*"');
  const deleted = String(listed?.at(-1));
  assert.match(deleted, /^DELETED\/user\/anna\/Old\//);

  await replica.flag('news', 1, '\\Flagged');
  await replica.imap.ok('SETACL news planted lr');
  await shareSeen(pair.replica, 'news');
  await replica.imap.ok(`SETACL ${deleted} admin lrswipkxtecda`);
  await replica.flag(deleted, 2, '\\Flagged');

  const found = await cyrusSync(pair.master, 'verify', ['-A']);
  assert.equal(found.code, 2, found.stderr);
  for (const line of [
    /^news, UID 1: flags: none on the master, \\flagged on the replica$/m,
    /^news: ACL: .* on the master, .*planted lr.* on the replica$/m,
    /^news: mailbox options: P on the master, PS on the replica$/m,
    new RegExp(`^${deleted}, UID 2: flags: none on the master, \\\\flagged on the replica$`, 'm'),
  ]) {
    assert.match(found.stdout, line);
  }
  assert.match(found.stdout, /^1 of 3 users proven the same/m);

  const repaired = await cyrusSync(pair.master, 'verify', ['-A', '--repair']);
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  await assertNothingLeft(pair);

  const { stdout } = await pair.master.runOk('mbpath', ['user/bert']);
  await truncate(join(stdout.trim(), 'cyrus.index'), 40);
  const unreadable = await cyrusSync(pair.master, 'verify', ['-A']);
  assert.equal(unreadable.code, 3, unreadable.stdout + unreadable.stderr);
  assert.match(unreadable.stdout, /^2 of 3 users proven the same/m);
  assert.match(unreadable.stderr, /^bert: user\/bert: .*cyrus\.index/m);
});
