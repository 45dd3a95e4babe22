import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { ADMIN, PASSWORD, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DISAGREEMENTS } from '../../lab/disagreements.ts';
import { leavingUntouched } from '../../lab/leaving-untouched.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';
import { disagree, startAlike, usersOf } from './disagree.ts';

/**
 * Disagreements of decision-table.test.ts again, with each way in which the operator can say who may change the
 * master. The tests follow one another on one pair: what the earlier ones leave is what the later ones mend.
 */
const USERS = usersOf(DISAGREEMENTS);
const conflicting = USERS.filter((_, index) => DISAGREEMENTS[index]?.withoutMaster !== 'converges');

let pair: Pair;
let sides: Sides;
let onReplica: string[][];

before(async () => {
  pair = await startPair();
  sides = await openSides(pair);
  await startAlike(sides, DISAGREEMENTS);
  await disagree(sides, DISAGREEMENTS);
  onReplica = await replicaMessages();
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

async function replicaMessages(): Promise<string[][]> {
  const all: string[][] = [];
  for (const user of USERS) all.push(await sides.replica.messages(`user/${user}`));
  return all;
}

async function settings(...lines: readonly string[]): Promise<string[]> {
  const file = join(pair.master.directory, 'settings.ini');
  await writeFile(file, `${lines.join('\n')}\n`);
  return ['--settings', file];
}

const failures = (): string => join(pair.master.directory, 'failures.txt');

/** All users that a run with `--failures` lists. */
async function failedUsers(): Promise<string[]> {
  const lines = (await readFile(failures(), 'utf8')).split('\n');
  return USERS.filter((user) => lines.includes(user));
}

test('master = none: every conflict is reported with a hint, the master is untouched, exit 1', async () => {
  const options = await settings('master = none');
  const run = await leavingUntouched([sides.master], () =>
    syncClient(pair.master, [...options, '--failures', failures(), '-A']),
  );
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(await failedUsers(), conflicting);
  assert.match(run.stderr, /^d\d+: user\/d\d+: the replica has diverged \(.+\(.*master = private.*\)$/m);
  assert.doesNotMatch(run.stderr, /^\s+at /m, 'a stack trace is no message');
});

for (const [index, { row, what, withoutMaster, expected }] of DISAGREEMENTS.entries()) {
  test(`master = none, row ${row}: ${what}`, async () => {
    const now = await sides.replica.messages(`user/${USERS[index]}`);
    if (withoutMaster === 'converges') assert.deepEqual(now, expected);
    else assert.deepEqual(now, onReplica[index], 'the replica is as it was');
  });
}

test('master = none: a second run touches neither side', async () => {
  const options = await settings('master = none');
  const run = await leavingUntouched([sides.master, sides.replica], () =>
    syncClient(pair.master, [...options, '--failures', failures(), '-A']),
  );
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(await failedUsers(), conflicting);
});

test('-O: the master is not touched for a conflict, exit 1', async () => {
  const run = await leavingUntouched([sides.master], () =>
    syncClient(pair.master, ['-O', '--failures', failures(), '-A']),
  );
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(await failedUsers(), conflicting);
  assert.match(
    run.stderr,
    /^d\d+: user\/d\d+: the replica has diverged \(.+\(with -O the master is never changed/m,
  );
});

test('master = a server that cannot be reached: the replica is not blamed, exit 1', async () => {
  const options = await settings(
    'master = 127.0.0.1:1',
    `master_user = ${ADMIN}`,
    `master_password = ${PASSWORD}`,
  );
  const [user = ''] = conflicting;
  const run = await syncClient(pair.master, [...options, '-u', user]);
  assert.equal(run.code, 1, run.stderr);
  assert.match(
    run.stderr,
    new RegExp(`^${user}: user/${user}: the master's own server \\(.+\\) cannot be reached: .*\\(`, 'm'),
  );
});

test('master = HOST:PORT with a user and password of its own resolves conflicts', async () => {
  const options = await settings(
    `master = 127.0.0.1:${pair.master.syncPort}`,
    `master_user = ${ADMIN}`,
    `master_password = ${PASSWORD}`,
  );
  await syncClientOk(pair.master, [...options, '-u', ...conflicting.filter((_, index) => index % 2 === 0)]);
});

test('master = a unix socket resolves conflicts without a login', async () => {
  const options = await settings(`master = ${pair.master.syncSocket}`);
  await syncClientOk(pair.master, [...options, '-u', ...conflicting.filter((_, index) => index % 2 === 1)]);
});

test('afterwards both ends are the same and the C client finds nothing left to send', async () => {
  assert.ok(conflicting.length > USERS.length / 2, 'most of the cases are conflicts');
  await assertSameMail(pair.master, pair.replica, USERS, { expunged: 'left out' });
  await assertNothingLeft(pair);
});
