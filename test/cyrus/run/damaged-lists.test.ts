import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { expectText } from '../../lab/imap-values.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

const ENTRY = '/shared/comment';

async function makeUsers(server: CyrusServer, users = ['anna', 'bob', 'carl']): Promise<void> {
  await using admin = await server.imap();
  for (const user of users) {
    await admin.ok(`CREATE user/${user}`);
    await admin.ok(`SETACL user/${user} admin lrswipkxtecda`);
    await admin.ok(`SETMETADATA user/${user} (${ENTRY} "of ${user}")`);
    await append(admin, `user/${user}`, 1, user, user);
  }
}

async function comment(server: CyrusServer, user: string): Promise<string> {
  await using admin = await server.imap();
  const items = (await admin.ok(`GETMETADATA user/${user} (${ENTRY})`))[0]?.at(-1);
  assert.ok(Array.isArray(items));
  return expectText(items[1] ?? null, ENTRY);
}

/** Flips the lowest bit of the octet at the end of every occurrence of `text`. */
function flipAfter(path: string, text: string): void {
  const octets = readFileSync(path);
  let at = octets.indexOf(text, 0, 'latin1');
  assert.ok(at >= 0, `${path} does not hold ${text}`);
  for (; at >= 0; at = octets.indexOf(text, at + 1, 'latin1')) {
    const last = at + text.length - 1;
    octets[last] = (octets[last] ?? 0) ^ 1;
  }
  writeFileSync(path, octets);
}

test('a flipped bit in a key is damage: the user is not said to be gone, nor are annotations removed', async () => {
  await using pair = await startPair();
  await makeUsers(pair.master);
  await syncClientOk(pair.master, ['-A']);
  await pair.master.halt();
  const annotations = join(pair.master.configDirectory, 'annotations.db');
  const { stdout } = await pair.master.runOk('mbexamine', ['user/bob']);
  const [, uniqueid = ''] = /Unique ID: (\S+)/.exec(stdout) ?? [];
  assert.notEqual(uniqueid, '', stdout);

  const whole = readFileSync(annotations);
  // Up to 3.4 the scope is the name.
  const scope = pair.master.programs.isAtLeast(3, 6) ? uniqueid : 'user.bob';
  flipAfter(annotations, `${scope}\0/c`);
  const unannotated = await syncClient(pair.master, ['-u', 'bob']);
  assert.equal(unannotated.code, 1, unannotated.stderr);
  assert.match(unannotated.stderr, /^bob: .*annotations\.db.*checksum.*\(.+\)$/m);
  assert.equal(await comment(pair.replica, 'bob'), 'of bob');
  writeFileSync(annotations, whole);

  flipAfter(join(pair.master.configDirectory, 'mailboxes.db'), pair.master.programs.rowKey('user.bob'));
  const run = await syncClient(pair.master, ['-u', 'bob']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /^bob: .*mailboxes\.db.*checksum.*\(.+\)$/m);
});

test('a mailbox list without a row is damage, and so is an annotations database of no octets', async () => {
  await using pair = await startPair();
  await makeUsers(pair.master);
  await syncClientOk(pair.master, ['-A']);
  await pair.master.halt();
  const annotations = join(pair.master.configDirectory, 'annotations.db');
  const whole = readFileSync(annotations);
  truncateSync(annotations);
  const unannotated = await syncClient(pair.master, ['-A']);
  assert.equal(unannotated.code, 1, unannotated.stderr);
  assert.match(unannotated.stderr, /^anna: .*annotations\.db.*no octets.*\(.+\)$/m);
  assert.equal(await comment(pair.replica, 'anna'), 'of anna');
  writeFileSync(annotations, whole);

  const list = join(pair.master.configDirectory, 'mailboxes.db');
  truncateSync(list);
  for (const args of [['-A'], ['-u', 'anna'], ['-m', 'user/anna'], ['-s', 'anna']]) {
    const run = await syncClient(pair.master, args);
    assert.equal(run.code, 1, `${args.join(' ')}: ${run.stdout}${run.stderr}`);
    assert.match(run.stderr, /mailboxes\.db.*no octets.*\(.+\)$/m, args.join(' '));
  }
  // Cyrus makes a new list out of a file of no octets.
  await pair.master.runOk('ctl_mboxlist', ['-d']);
  assert.ok(readFileSync(list).length > 0);
  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /mailboxes\.db.*at least one row.*\(.+\)$/m);
});

test('a damaged row of the mailbox list stops itself and its neighbours; whoever else there is, is replicated', async () => {
  await using pair = await startPair();
  await makeUsers(pair.master, ['anna', 'bob', 'carl', 'dora', 'emil', 'fred', 'gina']);
  await pair.master.halt();
  flipAfter(join(pair.master.configDirectory, 'mailboxes.db'), pair.master.programs.rowKey('user.dora'));
  const run = await syncClient(pair.master, ['-A']);
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /^sync_client: .*mailboxes\.db: damaged at offset \d+: checksum.*\(.+\)$/m);
  const list = (await pair.replica.runOk('ctl_mboxlist', ['-d'])).stdout;
  const there = [...list.matchAll(/"user\.([a-z]+)"|^user\.([a-z]+)\b/gm)].map(([, a, b]) => a ?? b);
  for (const user of ['anna', 'bob', 'fred', 'gina']) assert.ok(there.includes(user), `${user}: ${list}`);
});
