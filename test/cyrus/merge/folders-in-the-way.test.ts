import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { assertSettled } from '../../lab/assert-settled.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { expectList } from '../../lab/imap-values.ts';
import { leavingUntouched } from '../../lab/leaving-untouched.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

/** Deletes take effect at once here and leave a tombstone, where those of folders.test.ts are renames. */
let pair: Pair;
let sides: Sides;
let last = 0;

before(async () => {
  pair = await startPair({ both: { imapd: { delete_mode: 'immediate', allowusermoves: 'yes' } } });
  sides = await openSides(pair);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

interface Run extends ToolResult {
  log: string;
}

/** A user for each test, with an INBOX and a folder A, alike on both sides. */
async function newUser(): Promise<string> {
  last += 1;
  const user = `w${last}`;
  await sides.master.create(`user/${user}`, ['inbox']);
  await sides.master.create(`user/${user}/A`, ['A']);
  await syncClientOk(pair.master, ['-u', user]);
  return user;
}

async function sync(...args: readonly string[]): Promise<Run> {
  const file = join(pair.master.directory, 'syslog');
  await rm(file, { force: true });
  // No question of names is ever answered by changing the master, with -O or without.
  const run = await leavingUntouched([sides.master], () =>
    syncClient(pair.master, ['-v', ...args], { env: { CASSANDANE_SYSLOG_FNAME: file } }),
  );
  return { ...run, log: await readFile(file, 'utf8').catch(() => '') };
}

async function uniqueids(mailbox: string): Promise<[string, string]> {
  const of = async (side: Sides['master']) => {
    const entry = '/shared/vendor/cmu/cyrus-imapd/uniqueid';
    const [metadata] = await side.imap.ok(`GETMETADATA ${mailbox} ${entry}`);
    return String(expectList(metadata?.[2], 'metadata')[1]);
  };
  return [await of(sides.master), await of(sides.replica)];
}

async function exists(side: Sides['master'], mailbox: string): Promise<boolean> {
  return (await side.imap.ok(`LIST "" ${mailbox}`)).length > 0;
}

test('an immediate delete is made on the strength of its tombstone', async () => {
  const user = await newUser();
  await sides.master.imap.ok(`DELETE user/${user}/A`);
  const run = await sync('-u', user);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, new RegExp(`^UNMAILBOX user\\.${user}\\.A$`, 'm'));
  assert.equal(await exists(sides.replica, `user/${user}/A`), false);
  await assertSettled(pair, user);
});

// Cyrus overwrites the tombstone, so nothing on the master proves that the replica's mailbox was deleted here.
test('a name given to another mailbox after an immediate delete is refused clearly, with -O replaced', async () => {
  const user = await newUser();
  await sides.master.imap.ok(`DELETE user/${user}/A`);
  await sides.master.create(`user/${user}/A`, ['new A']);
  const refused = await sync('-u', user);
  assert.equal(refused.code, 1);
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A']);
  const replaced = await sync('-O', '-u', user);
  assert.equal(replaced.code, 0, replaced.stderr);
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 new A']);
  await assertSettled(pair, user);
  await assertSameMailOf(pair.master, pair.replica, [user], { expunged: 'left out' });
});

test('a rename onto the name of an immediately deleted mailbox is refused clearly, with -O made', async () => {
  const user = await newUser();
  await sides.master.create(`user/${user}/B`, ['B']);
  await syncClientOk(pair.master, ['-u', user]);
  await sides.master.imap.ok(`DELETE user/${user}/B`);
  await sides.master.imap.ok(`RENAME user/${user}/A user/${user}/B`);
  assert.equal((await sync('-u', user)).code, 1);
  assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 B']);
  const run = await sync('-O', '-u', user);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 A']);
  assert.equal(await exists(sides.replica, `user/${user}/A`), false);
  await assertSettled(pair, user);
});

/** From 3.12 on the tombstone of a mailbox that was deleted at once does not say any more which one it was. */
test('of shared folders that have changed places the one that was deleted at once makes way for the other', async () => {
  await sides.master.create('house', []);
  for (const name of ['house/A', 'house/B']) await sides.master.create(name, [name]);
  await syncClientOk(pair.master, ['-A']);
  for (const [from, to] of [
    ['A', 'between'],
    ['B', 'A'],
    ['between', 'B'],
  ]) {
    await sides.master.imap.ok(`RENAME house/${from} house/${to}`);
  }
  await sides.master.imap.ok('DELETE house/A');
  if (PROGRAMS.isAtLeast(3, 12)) assert.equal((await sync('-A')).code, 1);
  const run = await sync(...(PROGRAMS.isAtLeast(3, 12) ? ['-O', '-A'] : ['-A']));
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await sides.replica.messages('house/B'), ['1 house/A']);
  assert.equal(await exists(sides.replica, 'house/A'), false);
});

test('a rename onto a used mailbox of the replica is refused clearly, with -O it takes its place', async () => {
  const user = await newUser();
  await sides.master.imap.ok(`RENAME user/${user}/A user/${user}/B`);
  await sides.replica.create(`user/${user}/B`, ['of replica']);
  const refused = await sync('-u', user);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`^${user}: .*renamed on the replica.*\\(rename or remove`, 'm'));
  assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 of replica']);
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A']);
  const replaced = await sync('-O', '-u', user);
  assert.equal(replaced.code, 0, replaced.stderr);
  assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 A']);
  await assertSettled(pair, user);
});

test("a folder that only the replica has is reported and left alone, with -O removed in the user's namespace alone", async () => {
  const [user, other] = [await newUser(), await newUser()];
  // Its name begins with the user's, and it is another user's all the same.
  const prefixed = `${user}x`;
  await sides.replica.create(`user/${user}/Extra`, ['extra']);
  await sides.replica.create(`user/${other}/Extra`, ['extra']);
  await sides.replica.create(`user/${prefixed}`, ['another user']);
  const left = await sync('-u', user);
  assert.equal(left.code, 0, left.stderr);
  assert.match(left.log, new RegExp(`do_folders: no tombstone for deleted mailbox user\\.${user}\\.Extra `));
  assert.deepEqual(await sides.replica.messages(`user/${user}/Extra`), ['1 extra']);
  const removed = await sync('-O', '-u', user);
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(await exists(sides.replica, `user/${user}/Extra`), false);
  assert.deepEqual(await sides.replica.messages(`user/${other}/Extra`), ['1 extra']);
  assert.deepEqual(await sides.replica.messages(`user/${prefixed}`), ['1 another user']);
  await assertSettled(pair, user);
});

test('-O -m removes nothing that was not named', async () => {
  const user = await newUser();
  await sides.replica.create(`user/${user}/Extra`, ['extra']);
  await sides.master.append(`user/${user}/A`, 'second');
  const run = await sync('-O', '-m', `user/${user}/A`);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A', '2 second']);
  assert.deepEqual(await sides.replica.messages(`user/${user}/Extra`), ['1 extra']);
});

test('splitbrain_different_uniqueid_unused', async () => {
  const user = await newUser();
  await sides.master.create(`user/${user}/Same`, ['of master']);
  await sides.replica.create(`user/${user}/Same`);
  const [here, there] = await uniqueids(`user/${user}/Same`);
  assert.notEqual(here, there);
  const run = await sync('-u', user);
  if (!PROGRAMS.isAtLeast(3, 6)) {
    // Such a server refuses, and would end if it were asked for the uniqueid.
    assert.match(run.stderr, /MAILBOX received NO response: IMAP_MAILBOX_MOVED/);
    return;
  }
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await uniqueids(`user/${user}/Same`), [here, here]);
  assert.deepEqual(await sides.replica.messages(`user/${user}/Same`), ['1 of master']);
  await assertSettled(pair, user);
});

test('splitbrain_different_uniqueid_nonempty', async () => {
  const user = await newUser();
  await sides.master.create(`user/${user}/Same`, ['of master']);
  await sides.replica.create(`user/${user}/Same`, ['of replica']);
  const before = await uniqueids(`user/${user}/Same`);
  const run = await sync('-u', user);
  assert.equal(run.code, 1);
  assert.match(run.log, /IOERROR: user replication failed/);
  assert.match(run.log, /MAILBOX received NO response: IMAP_MAILBOX_MOVED/);
  assert.match(run.stderr, new RegExp(`^${user}: .*${before[0]} here, ${before[1]} there`, 'm'));
  assert.deepEqual(await uniqueids(`user/${user}/Same`), before);
  assert.deepEqual(await sides.replica.messages(`user/${user}/Same`), ['1 of replica']);
});

test('splitbrain_different_uniqueid_used', async () => {
  const user = await newUser();
  await sides.master.create(`user/${user}/Same`, ['of master']);
  await sides.replica.create(`user/${user}/Same`, ['of replica']);
  await sides.replica.expunge(`user/${user}/Same`, 1);
  const [here, there] = await uniqueids(`user/${user}/Same`);
  assert.notEqual(here, there);
  const refused = await sync('-u', user);
  assert.equal(refused.code, 1);
  assert.match(refused.log, /IOERROR: user replication failed/);
  assert.match(refused.log, /MAILBOX received NO response: IMAP_MAILBOX_MOVED/);
  const forced = await sync('-O', '-u', user);
  assert.equal(forced.code, 0, forced.stderr);
  assert.deepEqual(await uniqueids(`user/${user}/Same`), [here, here]);
  assert.deepEqual(await sides.replica.messages(`user/${user}/Same`), ['1 of master']);
  await assertSettled(pair, user);
});

test('the other folders of a user arrive although one is refused', async () => {
  const user = await newUser();
  await sides.master.create(`user/${user}/Same`, ['of master']);
  await sides.replica.create(`user/${user}/Same`, ['of replica']);
  await sides.master.append(`user/${user}/A`, 'second');
  const run = await sync('-u', user);
  assert.equal(run.code, 1);
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A', '2 second']);
});

test('splitbrain_mailbox: -m with the new name alone finds the renamed mailbox', async () => {
  // The C client fails here (uniqueid already in use) until the user is synced as a whole.
  const user = await newUser();
  await sides.master.imap.ok(`RENAME user/${user}/A user/${user}/B`);
  const run = await sync('-m', `user/${user}/B`);
  assert.equal(run.code, 0, run.stderr);
  assert.equal(await exists(sides.replica, `user/${user}/A`), false);
  assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 A']);
  await assertSettled(pair, user);
});

test('full_rename: a user renamed there and back, each time by -u of the new name alone', async () => {
  const user = await newUser();
  for (const [from, to] of [
    [user, `${user}new`],
    [`${user}new`, user],
  ] as const) {
    await sides.master.imap.ok(`RENAME user/${from} user/${to}`);
    const run = await sync('-u', to);
    assert.equal(run.code, 0, run.stderr);
    assert.equal(await exists(sides.replica, `user/${from}`), false);
    assert.deepEqual(await sides.replica.messages(`user/${to}/A`), ['1 A']);
    await assertSettled(pair, to);
    await assertSameMailOf(pair.master, pair.replica, [to], { expunged: 'left out' });
  }
});

test('-u of the old name of a renamed user says so, does nothing and exits 0', async () => {
  const user = await newUser();
  await sides.master.imap.ok(`RENAME user/${user} user/${user}new`);
  const run = await sync('-u', user);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, new RegExp(`^Does not exist locally ${user}$`, 'm'));
  assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A']);
});

test('userprefix: deleting a user leaves the one whose name begins with it', async () => {
  const user = await newUser();
  const longer = `${user}b`;
  await sides.master.create(`user/${longer}`, ['longer']);
  await syncClientOk(pair.master, ['-u', longer]);
  await sides.master.imap.ok(`DELETE user/${user}`);
  const run = await sync('-u', user, longer);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(await sides.replica.messages(`user/${longer}`), ['1 longer']);
  if (!PROGRAMS.isAtLeast(3, 6)) {
    // Such a server leaves an intermediate in place of an INBOX with folders, and no proof that it was deleted.
    assert.match(run.stdout, new RegExp(`^Does not exist locally ${user}$`, 'm'));
    assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 A']);
    return;
  }
  assert.equal(await exists(sides.replica, `user/${user}*`), true, 'the other one is listed too');
  assert.equal(await exists(sides.replica, `user/${user}`), false);
  assert.equal(await exists(sides.replica, `user/${user}/A`), false);
  await assertSettled(pair, longer);
});

test('rename_create_resync: -O of a user does not remove what another user has by now', async () => {
  // The folder went from one user to another on the master; the replica still has it under the first.
  const [mover, victim] = [await newUser(), await newUser()];
  await sides.master.imap.ok(`RENAME user/${mover}/A user/${victim}/FromMover`);
  await sides.master.create(`user/${mover}/A`, ['new A']);
  const run = await sync('-O', '-u', mover);
  assert.equal(run.code, 1, 'the name is still taken by what the other user has by now');
  assert.deepEqual(await sides.replica.messages(`user/${mover}/A`), ['1 A']);
  for (const user of [victim, mover]) {
    const again = await sync('-O', '-u', user);
    assert.equal(again.code, 0, again.stderr);
  }
  assert.deepEqual(await sides.replica.messages(`user/${victim}/FromMover`), ['1 A']);
  assert.deepEqual(await sides.replica.messages(`user/${mover}/A`), ['1 new A']);
});

test('a user who was never here says so and is left alone on the replica', async () => {
  await sides.replica.create('user/stranger', ['of replica']);
  for (const options of [[], ['-O']]) {
    const run = await sync(...options, '-u', 'stranger');
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^Does not exist locally stranger$/m);
    assert.deepEqual(await sides.replica.messages('user/stranger'), ['1 of replica']);
  }
});

test('subscriptions of one user never go to another who has that name on the replica', async () => {
  // As after a user was renamed or removed and the name given to somebody new, before the replica has heard of it.
  for (const side of [sides.master, sides.replica]) await side.create('user/namesake', ['mail']);
  const reader = async (side: Sides['master']) => await side.server.imap('namesake');
  await using here = await reader(sides.master);
  await here.ok('SUBSCRIBE INBOX');
  const run = await sync('-s', 'namesake');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /the replica has another user of this name .*sync_client -u/s);
  await using there = await reader(sides.replica);
  assert.deepEqual(await there.ok('LSUB "" "*"'), []);
});
