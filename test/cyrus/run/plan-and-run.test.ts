import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMail } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { quoteImap } from '../../lab/imap-values.ts';
import { append, mailboxOf, ownName, type Population, populate } from '../../lab/populate.ts';
import { changedFiles, storeDigest } from '../../lab/store-digest.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/**
 * A plan reads with the engine of a run, over a replica as it would be: what it says is compared to what the run then does,
 * command for command and octet for octet.
 */
let pair: Pair;
let population: Population;

before(async () => {
  pair = await startPair({ both: { imapd: { allowusermoves: 'yes' } } });
  population = await populate(pair.master, { users: 6 });
  // A server makes its list of mailboxes when it is asked for the first time.
  await using admin = await pair.replica.imap();
  await admin.ok('LIST "" "*"');
});
after(async () => {
  await pair?.stop();
});

interface Plan {
  users: {
    user: string | null;
    renames: object[];
    deletes: string[];
    removals: string[];
    failure: object | null;
  }[];
  totals: Record<
    'messages' | 'octets' | 'mailboxesMade' | 'renames' | 'deletes' | 'removals' | 'conflicts' | 'failures',
    number
  > & { octetsAtMost: boolean; shared: { octets: number } };
  complete: boolean;
}

/** A server up to 3.4 makes the files of subscriptions and seen state of those whom it is asked for. */
function isOfPlan(file: string): boolean {
  return PROGRAMS.isAtLeast(3, 6) || !/\.(?:sub|seen)$/.test(file);
}

/** Plans, runs, and holds one against the other. */
async function planThenRun(args: readonly string[] = ['-A']): Promise<Plan> {
  const [here, there] = [await storeDigest(pair.master), await storeDigest(pair.replica)];
  const planned = await cyrusSync(pair.master, 'plan', [...args, '-v', '--json', '--workers', '1']);
  assert.deepEqual(changedFiles(here, await storeDigest(pair.master)), []);
  assert.deepEqual(changedFiles(there, await storeDigest(pair.replica)).filter(isOfPlan), []);
  const [lines, plan] = parted(planned.stdout);

  const report = join(pair.master.directory, 'report.json');
  const run = await syncClient(pair.master, [...args, '-v', '--workers', '1', '--report', report]);
  assert.deepEqual(lines, sortedLines(run.stdout));
  assert.equal(planned.code, run.code, planned.stderr);
  const done = JSON.parse(readFileSync(report, 'utf8')).run;
  assert.equal(plan.totals.failures, done.users.failed);
  if (plan.totals.conflicts === 0) {
    assert.equal(plan.totals.messages, done.messages);
    // What several users have goes once over a connection, unless both are at it at the same moment.
    assert.ok(done.octets <= plan.totals.octets, `${plan.totals.octets} planned, ${done.octets} sent`);
    assert.ok(done.octets >= plan.totals.octets - plan.totals.shared.octets);
  }
  return plan;
}

function parted(stdout: string): [string[], Plan] {
  const at = stdout.startsWith('{') ? 0 : stdout.indexOf('\n{\n') + 1;
  return [sortedLines(stdout.slice(0, at)), JSON.parse(stdout.slice(at))];
}

/** Users are done side by side, in no order. */
function sortedLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

test('a first copy is what was planned', async () => {
  const plan = await planThenRun();
  assert.ok(plan.totals.messages > 100);
  assert.ok(plan.totals.mailboxesMade > 30);
  assert.equal(plan.complete, true);
  await assertSameMail(pair.master, pair.replica, population.users);
});

test('with nothing to do a plan says so, and how long finding out takes', async () => {
  const plan = await planThenRun();
  assert.deepEqual(plan.users, []);
  const { stdout } = await cyrusSync(pair.master, 'plan', ['-A']);
  assert.match(stdout, /^0 of 7 users: 0 messages, 0\.000 MB\ntime: about \d+ seconds\n$/);
});

test('a round of changes, renames and deletions among them, is what was planned', async () => {
  population = await changeRound(pair.master, population);
  const plan = await planThenRun();
  assert.ok(plan.totals.renames >= 1);
  await assertSameMail(pair.master, pair.replica, population.users);
});

test('a renamed user and folders that change places are what was planned', async (t) => {
  const [, , , , swapped] = population.users;
  assert.ok(swapped);
  await using admin = await pair.master.imap();
  await using client = await pair.master.imap(swapped);
  const folder = (name: string): string => quoteImap(ownName(pair.master, [name]));
  await client.ok(`CREATE ${folder('A')}`);
  await client.ok(`CREATE ${folder('B')}`);
  await append(client, ownName(pair.master, ['A']), 2, 'in A', swapped);
  await append(client, ownName(pair.master, ['B']), 3, 'in B', swapped);
  await planThenRun();
  await client.ok(`RENAME ${folder('A')} ${folder('C')}`);
  await client.ok(`RENAME ${folder('B')} ${folder('A')}`);
  await client.ok(`RENAME ${folder('C')} ${folder('B')}`);
  const plan = await planThenRun();
  assert.equal(plan.users.find(({ user }) => user === swapped)?.renames.length, 3);
  await admin.ok(
    `RENAME ${quoteImap(mailboxOf(pair.master, 'newcomer1'))} ${quoteImap(mailboxOf(pair.master, 'renamed'))}`,
  );
  const why = 'such a replica tells only a run that it has the mailboxes under another name';
  if (PROGRAMS.areBefore(3, 6, t, why)) await syncClientOk(pair.master, ['-u', 'renamed']);
  else await planThenRun(['-u', 'renamed']);
  population = {
    ...population,
    users: population.users.map((user) => (user === 'newcomer1' ? 'renamed' : user)),
  };
  await assertSameMail(pair.master, pair.replica, population.users);
});

test('messages that the replica has in another folder are found without asking it to reserve them', async () => {
  const [, , , , , user] = population.users;
  assert.ok(user);
  await using client = await pair.master.imap(user);
  const inbox = quoteImap(ownName(pair.master, []));
  const copies = quoteImap(ownName(pair.master, ['Copies']));
  const large = Buffer.from(`Subject: large\r\n\r\n${'line of a large message\r\n'.repeat(5_000)}`);
  await client.ok(`APPEND ${inbox} `, large);
  await planThenRun();
  await client.ok(`CREATE ${copies}`);
  await client.ok(`SELECT ${inbox}`);
  await client.ok(`COPY * ${copies}`);
  await append(client, ownName(pair.master, ['Copies']), 1, 'beside the copy', user);
  const plan = await planThenRun();
  assert.equal(plan.totals.messages, 2);
  assert.ok(plan.totals.octets < large.length);
  assert.equal(plan.totals.octetsAtMost, false);
});

test('a mailbox that has changed on both sides is merged as was planned', async () => {
  const [user] = population.users;
  assert.ok(user);
  const inbox = ownName(pair.master, []);
  {
    await using here = await pair.master.imap(user);
    await append(here, inbox, 1, 'only here', user);
    await using there = await pair.replica.imap(user);
    await append(there, inbox, 2, 'only there', user);
  }
  const plan = await planThenRun();
  assert.equal(plan.totals.conflicts, 1);
  await assertSameMail(pair.master, pair.replica, population.users, { expunged: 'left out' });
});

test('flags that have changed on both sides, which no number tells, are merged as was planned', async () => {
  const [, user] = population.users;
  assert.ok(user);
  {
    await using there = await pair.replica.imap(user);
    await there.ok(`SELECT ${quoteImap(ownName(pair.replica, []))}`);
    await there.ok('STORE 1 +FLAGS (there)');
    await using here = await pair.master.imap(user);
    await here.ok(`SELECT ${quoteImap(ownName(pair.master, []))}`);
    await here.ok('STORE 2 +FLAGS (here)');
    await here.ok('STORE 2 +FLAGS (here-too)');
    await here.ok('STORE 2 +FLAGS (here-three)');
  }
  const plan = await planThenRun();
  assert.equal(plan.totals.conflicts, 1);
  await assertSameMail(pair.master, pair.replica, population.users, { expunged: 'left out' });
});

test('what -O would remove is what it removes, and a conflict that it leaves alone fails as was planned', async () => {
  const [, , user, other] = population.users;
  assert.ok(user && other);
  {
    await using there = await pair.replica.imap(user);
    await there.ok(`CREATE ${quoteImap(ownName(pair.replica, ['Only there']))}`);
    await using changed = await pair.replica.imap(other);
    await append(changed, ownName(pair.replica, []), 1, 'only there', other);
  }
  const without = JSON.parse((await cyrusSync(pair.master, 'plan', ['-u', user, '--json'])).stdout);
  assert.equal(without.totals.removals, 0);
  const plan = await planThenRun(['-A', '-O']);
  assert.deepEqual(plan.users.find((each) => each.user === user)?.removals, [`user/${user}/Only there`]);
  assert.equal(plan.totals.failures, 1);
});

test('--dry-run says the same as plan', async () => {
  const [plan, dryRun] = [
    await cyrusSync(pair.master, 'plan', ['-A']),
    await syncClient(pair.master, ['-A', '--dry-run']),
  ];
  const withoutTime = (text: string): string => text.replace(/^time: .*$/m, '');
  assert.equal(withoutTime(dryRun.stdout), withoutTime(plan.stdout));
  assert.match(dryRun.stdout, /conflicts merged/);
});

test('a user with a quota who was deleted here for good is removed as was planned', async () => {
  const { master } = pair;
  const inbox = quoteImap(mailboxOf(master, 'gone'));
  await using admin = await master.imap();
  await admin.ok(`CREATE ${inbox}`);
  await admin.ok(`SETQUOTA ${inbox} (STORAGE 1000)`);
  await syncClientOk(master, ['-u', 'gone']);
  await admin.ok(`SETACL ${inbox} ${ADMIN} lrswipkxtecdan`);
  await admin.ok(`DELETE ${inbox}`);
  await master.runOk('cyr_expire', ['-D', '0', '-E', '10000', '-u', 'gone']);
  const plan = await planThenRun(['-u', 'gone']);
  assert.deepEqual(
    plan.users.map(({ user, deletes, failure }) => [user, deletes.length, failure]),
    [['gone', 1, null]],
  );
});
