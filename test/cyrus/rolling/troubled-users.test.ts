import assert from 'node:assert/strict';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { append } from '../../lab/populate.ts';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { content, logFile, until } from '../../lab/until.ts';

const LOCKED = 'locked';
const REFUSED = 'refused';
const DAMAGED = 'damaged';
const OTHERS = ['anna', 'bob', 'chiara', 'dmitri'];
const USERS = [LOCKED, REFUSED, DAMAGED, ...OTHERS];
/** How often everybody gets mail while some cannot be synced. */
const ROUNDS = 6;

let pair: Pair;

before(async () => {
  pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  await using admin = await pair.master.imap();
  for (const user of USERS) await admin.ok(`CREATE user/${user}`);
  // Another mailbox of that name, with mail in it: the replica must not throw it away.
  await using there = await pair.replica.imap();
  await there.ok(`CREATE user/${REFUSED}`);
  await using mail = await pair.replica.imap(REFUSED);
  await append(mail, 'INBOX', 1, 'only on the replica', REFUSED);
});

after(async () => {
  await pair?.stop();
});

async function deliverTo(users: readonly string[], round: number): Promise<void> {
  for (const user of users) {
    await using client = await pair.master.imap(user);
    await append(client, 'INBOX', 1, `${user} ${round}`, user);
  }
}

function linesOf(text: string, user: string): string[] {
  return text.split('\n').filter((line) => line.includes(user));
}

test('users that are locked, refused by the replica or damaged hold up nobody, and are synced once the cause is gone', async () => {
  const log = logFile(pair.master);
  const { stdout } = await pair.master.runOk('mbpath', [`user/${DAMAGED}`]);
  const index = join(stdout.trim(), 'cyrus.index');
  const { mode } = statSync(index);
  const held = await lockUser(pair.master, LOCKED, '127.0.0.1');
  // One unit at a time on one connection: whoever held it up would hold up all.
  await using client = new RollingClient(pair, ['--workers', '1']);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await deliverTo([LOCKED, REFUSED, DAMAGED], round);
      chmodSync(index, 0);
      await deliverTo(OTHERS, round);
      // The others' lag: nothing of theirs is left while everything of the troubled is.
      await until(
        `round ${round} of the others`,
        () =>
          OTHERS.every(
            (user) => linesOf(content(log) + content(`${log}-run`), `user.${user}`).length === 0,
          ) || caughtUp(),
        () => client.log,
      );
      chmodSync(index, mode);
    }
    chmodSync(index, 0);
    await assertSameMailOf(pair.master, pair.replica, OTHERS);
    await client.waitForLog(new RegExp(`'${LOCKED}' is being synced elsewhere`));
    await client.waitForLog(new RegExp(`will try '${REFUSED}' again in .*IMAP_MAILBOX_MOVED`));

    // Nothing new comes: what waits stays a line or two for each user, however often it is tried.
    await until('all that was logged is taken', () => content(log) === '');
    const retries = () => (client.log.match(/will try|in quarantine/g) ?? []).length;
    const [before, waiting] = [retries(), content(`${log}-run`).length];
    await until(
      'more retries',
      () => retries() > before + 1,
      () => client.log,
    );
    assert.equal(content(log), '', 'retries must not write to the log');
    assert.ok(content(`${log}-run`).length <= waiting, 'log-run must not grow with retries');
    assert.equal(linesOf(client.log, 'is being synced elsewhere').length, 1);
  } finally {
    chmodSync(index, mode);
    await held.release();
  }
  // A restart tries all at once rather than when the pauses are over.
  await client.stop();
  assert.match(content(`${log}-run`), new RegExp(REFUSED));
  {
    await using admin = await pair.replica.imap();
    await admin.ok(`SETACL user/${REFUSED} admin lrswipkxtecda`);
    await admin.ok(`DELETE user/${REFUSED}`);
    for (const [, , , name] of await admin.ok('LIST "" DELETED/*')) await admin.ok(`DELETE ${name}`);
  }
  client.restart();
  await client.settled();
  await assertInStep(pair, USERS);
});

/** Everything of the others is on the replica, though log-run may still name it along with the troubled. */
async function caughtUp(): Promise<boolean> {
  const count = async (server: Pair['master'], user: string): Promise<string> => {
    await using client = await server.imap(user);
    return JSON.stringify(await client.ok('STATUS INBOX (MESSAGES HIGHESTMODSEQ)'));
  };
  for (const user of OTHERS) {
    const there = await count(pair.replica, user).catch(() => 'not there yet');
    if ((await count(pair.master, user)) !== there) return false;
  }
  return true;
}
