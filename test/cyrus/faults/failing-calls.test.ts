import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { appliedCommands } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { type Call, type Failure, FaultyCalls } from '../../lab/faulty-calls.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { append, populate } from '../../lab/populate.ts';
import { assertInStep } from '../../lab/rolling-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

/*
 * One call of the client, or of the replica, fails: the first of its kind in a run, the second, and so on until a run has
 * fewer. Whatever fails, the run ends by itself and says so, or has not needed it; exit code 0 means that nothing is left to
 * send; the next run does the rest; and afterwards both ends are the same to the last octet.
 */

/** `every` tries all of them, which takes hours, and a number N each N-th; the suite leaps over most. */
const ASKED = process.env.CYRUS_SYNC_TEST_CALLS;
const STEP = ASKED === 'every' ? 1 : Number(ASKED);
const LEAP = 12;

const OF_THE_CLIENT: readonly (readonly [Call, Failure])[] = [
  ['open', 'EMFILE'],
  ['open', 'ENOENT'],
  ['open', 'EIO'],
  ['read', 'EIO'],
  ['read', 'EINTR'],
  ['read', 'half'],
  ['lock', 'ENOLCK'],
  ['write', 'ENOSPC'],
  ['write', 'half'],
  ['flush', 'EIO'],
  ['rename', 'EIO'],
];
const OF_THE_REPLICA: readonly (readonly [Call, Failure])[] = [
  ['open', 'EMFILE'],
  ['open', 'EIO'],
  ['read', 'EIO'],
  ['lock', 'ENOLCK'],
  ['write', 'ENOSPC'],
  ['flush', 'EIO'],
  ['rename', 'EIO'],
];

const directory = mkdtempSync(join(tmpdir(), 'failing-calls-'));
const temporary = join(directory, 'temporary');
let pair: Pair;
let users: string[];
let replicaCalls: FaultyCalls;
let clientCalls: FaultyCalls;
let changes = 0;

before(async () => {
  mkdirSync(temporary);
  const environment: Record<string, string> = {};
  pair = await startPair({
    both: { imapd: { conversations: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
    replica: { environment },
  });
  clientCalls = new FaultyCalls(directory, 'node', pair.master);
  replicaCalls = new FaultyCalls(directory, 'sync_server', pair.replica);
  giveToCyrus(directory);
  // Where its files are is known only now.
  Object.assign(environment, replicaCalls.environment);
  await pair.replica.halt();
  await pair.replica.start();
  ({ users } = await populate(pair.master, { users: 6 }));
  await syncClientOk(pair.master, ['-A']);
});

after(async () => {
  await pair?.stop();
  rmSync(directory, { recursive: true, force: true });
});

for (const [call, failure] of OF_THE_CLIENT) {
  test(`any ${call} of the client that fails with ${failure}: the next run does what is left`, (t) =>
    eachInTurn(t, clientCalls, call, failure));
}

for (const [call, failure] of OF_THE_REPLICA) {
  test(`any ${call} of the replica that fails with ${failure}: the next run does what is left`, (t) =>
    eachInTurn(t, replicaCalls, call, failure));
}

test('after all of that both ends are the same, and nothing is left behind', async () => {
  // Its own count of what a mailbox takes, where it could not write that; nothing of the protocol tells it.
  await pair.replica.runOk('quota', ['-f']);
  if (STEP > 0) await makeConversationsAnew();
  await assertInStep(pair, users);
  // Of the directories of private servers.
  assert.deepEqual(readdirSync(temporary), []);
});

/**
 * A database that one of so many failing writes has damaged stays so: the replica says OK, and counts no conversations of that
 * user. The calls that the suite tries damage none.
 */
async function makeConversationsAnew(): Promise<void> {
  const { configDirectory } = pair.replica;
  await pair.replica.halt();
  for (const file of readdirSync(configDirectory, { recursive: true, encoding: 'utf8' })) {
    if (basename(file) === 'conversations.db') rmSync(join(configDirectory, file));
  }
  await pair.replica.start();
  await syncClientOk(pair.master, ['-A']);
}

async function eachInTurn(t: TestContext, calls: FaultyCalls, call: Call, failure: Failure): Promise<void> {
  const environment = { TMPDIR: temporary, ...(calls === clientCalls ? calls.environment : {}) };
  let struck = 0;
  for (let at = 1; ; at = STEP > 0 ? at + STEP : at * LEAP) {
    await change();
    const user = await change();
    // Only what cannot be done yet is written to the log again.
    const writes = calls === clientCalls && (call === 'write' || call === 'flush');
    const held = writes ? await lockUser(pair.master, user, '127.0.0.1') : undefined;
    calls.arm(call, at, failure);
    const run = await syncClient(pair.master, ['-1', '--log-to-stderr'], { env: environment });
    const happened = calls.disarm();
    await held?.release();
    assert.doesNotMatch(run.stderr, /\bBUG\b|TypeError|RangeError|\n\s+at .*:\d+:\d+/, `${call} ${at}`);
    if (happened) struck++;
    else assert.equal(run.code, held === undefined ? 0 : 1, `nothing failed: ${run.stderr}`);
    if (run.code !== 0) {
      assert.notEqual(run.stderr.trim(), '', `${call} ${at}: exit code ${run.code} and not a word`);
      // One takes what is left of the log before, the other what has come since.
      for (const _log of ['log-run', 'log']) await syncClientOk(pair.master, ['-1']);
    }
    assert.deepEqual(readdirSync(join(pair.master.configDirectory, 'sync')), [], `${call} ${at}`);
    const pass = await syncClientOk(pair.master, ['-v', '-v', '-A']);
    // A replica may say yes to what its disk refused; what this client has said is done is there. A file that is said not to
    // be there is one that its owner has removed: subscriptions go with it, and are there again with the next pass.
    if (calls === clientCalls && failure !== 'ENOENT')
      assert.deepEqual(appliedCommands(pass.stderr), [], `${call} ${at} was no success`);
    if (!happened) break;
  }
  assert.ok(struck > 0, `no ${call} at all`);
  t.diagnostic(`${struck} runs`);
}

/** @returns whose mail has changed */
async function change(): Promise<string> {
  const user = users[changes++ % (users.length - 1)] ?? '';
  await using client = await pair.master.imap(user);
  await append(client, 'INBOX', 1, `change ${changes}`, user);
  await client.ok('SELECT INBOX');
  await client.ok(`STORE 1 ${changes % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`);
  await client.ok(`${changes % 3 === 0 ? 'SUBSCRIBE' : 'UNSUBSCRIBE'} INBOX`);
  await client.ok('UNSELECT');
  return user;
}
