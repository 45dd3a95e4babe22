import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DelayProxy } from '../../lab/delay-proxy.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, messageOf, nextSecond, openSides } from '../../lab/two-sides.ts';

/** Milliseconds: far more than a command takes on a slow machine, and less than the minute that people used to wait for this client. */
const HELD_UP = 45_000;
/** Milliseconds to the replica and back. */
const ROUND_TRIP = 200;
const MERGES = 3;
const ROLLING_ROUNDS = 5;
/** After the last of them has begun. */
const MORE_ROUNDS = 12;
const MUCH = Array.from({ length: 60 }, (_, i) => `old ${i}`);
/** More rounds than the merges need by far. */
const MOST_ROUNDS = 3_000;

test('two people who delete mail for good beside rolling mode wait for nobody, merges or not', async () => {
  await using pair = await startPair({
    both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  await using sides = await openSides(pair);
  await sides.master.create('user/anna', BASE);
  await sides.master.create('user/anna/Work', BASE);
  await syncClientOk(pair.master, ['-A']);
  await using _link = await slowLink(pair);
  await using rolling = new RollingClient(pair);
  await rolling.settled();
  const clock = new Stopwatch();
  const merges = (): number =>
    rolling.log.split('trying full update').length + rolling.log.split('inefficient').length - 2;
  await Promise.all(
    ['INBOX', 'INBOX/Work'].map(async (mailbox) => {
      await using session = await pair.master.imap('anna');
      let left = MORE_ROUNDS;
      for (let round = 0; left > 0; round++) {
        assert.ok(round < MOST_ROUNDS, rolling.log);
        if (merges() >= MERGES) left--;
        await clock.time(session.ok(`APPEND ${mailbox} `, messageOf(`${mailbox} ${round}`)));
        await clock.time(session.ok(`SELECT ${mailbox}`));
        await clock.time(session.ok('STORE * +FLAGS (\\Deleted)'));
        await clock.time(session.ok('EXPUNGE'));
        await clock.time(session.ok('UNSELECT'));
      }
    }),
  );
  clock.assertNobodyWaited();
  await rolling.settled();
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  // What was cleaned up on the master before it was sent stays with the replica as expunged.
  await assertInStep(pair, ['anna'], { expunged: 'left out' });
});

test('cyr_expire beside merges over a slow link waits for nobody', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  await using sides = await openSides(pair);
  const users = ['anna', 'bert'];
  for (const user of users) {
    await sides.master.create(`user/${user}`, BASE);
    await sides.master.create(`user/${user}/Work`, BASE);
    await sides.master.create(`user/${user}/Trash`, MUCH);
  }
  await syncClientOk(pair.master, ['-A']);
  await nextSecond();
  for (const user of users) {
    await sides.replica.flag(`user/${user}`, 2, '\\Flagged');
    await sides.replica.append(`user/${user}/Work`, 'there');
    for (const mailbox of [`user/${user}`, `user/${user}/Work`]) {
      await sides.master.append(mailbox, 'here');
      await sides.master.expunge(mailbox, 1);
    }
  }
  {
    await using _link = await slowLink(pair);
    const clock = new Stopwatch();
    const run = startSyncClient(pair.master, ['-A']);
    let running = true;
    const ended = run.result.finally(() => {
      running = false;
    });
    for (let round = 0; running; round++) {
      const user = users[round % users.length] ?? '';
      await sides.master.within(`user/${user}/Trash`, 'STORE 1 +FLAGS (\\Deleted)', 'EXPUNGE');
      await clock.time(sides.master.server.runOk('cyr_expire', ['-E', '1', '-X', '0']));
    }
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    clock.assertNobodyWaited();
  }
  await syncClientOk(pair.master, ['-A']);
  await assertInStep(pair, users, { expunged: 'left out' });
});

test('an administrator who annotates everybody beside a first copy, merges and rolling mode waits for nobody', async () => {
  await using pair = await startPair({
    both: { imapd: { conversations: 'yes' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  await using sides = await openSides(pair);
  const users = ['ua', 'ub', 'uc', 'ud'];
  for (const user of users) {
    for (const mailbox of [`user/${user}`, `user/${user}/Work`]) await sides.master.create(mailbox, BASE);
  }
  await beside(pair, ['-A']);
  await syncClientOk(pair.master, ['-A']);
  for (const user of users) {
    // Merges that leave the master as it is: its own server and such a command are more than one of 3.6.1 survives.
    for (const mailbox of [`user/${user}`, `user/${user}/Work`]) {
      await sides.master.append(mailbox, 'here');
      await sides.master.expunge(mailbox, 2);
    }
    await sides.master.cleanUp(user);
  }
  assert.match(await beside(pair, ['-v', '-A']), /^FULLMAILBOX /m);
  {
    await using _link = await slowLink(pair);
    await using rolling = new RollingClient(pair);
    await rolling.settled();
    const clock = new Stopwatch();
    for (let round = 0; round < ROLLING_ROUNDS; round++) {
      await annotateAll(sides.master.imap, clock, `rolling ${round}`);
      await sides.master.append('user/ua', `rolling ${round}`);
    }
    await rolling.settled();
    clock.assertNobodyWaited();
  }
  await syncClientOk(pair.master, ['-A']);
  await assertInStep(pair, users, { expunged: 'left out' });
});

/** One command, under which Cyrus keeps annotations.db locked while it wants the locks of one mailbox after the other. */
async function annotateAll(admin: ImapClient, clock: Stopwatch, value: string): Promise<void> {
  await clock.time(admin.ok(`SETMETADATA user/u* (/shared/comment "${value}")`));
}

/** A run over a slow link while somebody annotates everybody, until it ends. @returns what it said */
async function beside(pair: Pair, options: readonly string[]): Promise<string> {
  await using _link = await slowLink(pair);
  await using admin = await pair.master.imap();
  const clock = new Stopwatch();
  const run = startSyncClient(pair.master, options);
  let running = true;
  const ended = run.result.finally(() => {
    running = false;
  });
  try {
    for (let round = 0; running; round++) await annotateAll(admin, clock, `beside ${round}`);
  } finally {
    if (running) run.kill('SIGKILL');
  }
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, stderr);
  clock.assertNobodyWaited();
  return stdout;
}

async function slowLink(pair: Pair): Promise<AsyncDisposable> {
  const proxy = await DelayProxy.start({
    targetPort: pair.replica.syncPort,
    roundTrip: ROUND_TRIP,
    rate: 0,
    hideCompression: false,
  });
  await useReplicaAt(pair.master, proxy.port);
  return {
    [Symbol.asyncDispose]: async () => {
      await useReplicaAt(pair.master, pair.replica.syncPort);
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function useReplicaAt(master: CyrusServer, port: number): Promise<void> {
  master.configure('sync_port', String(port));
  await master.writeConfiguration();
}

/** Notices a command that waits in a circle with this client, which the watch of each run for its locks does not see. */
class Stopwatch {
  #longest = 0;

  async time<T>(work: Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work;
    } finally {
      this.#longest = Math.max(this.#longest, performance.now() - started);
    }
  }

  assertNobodyWaited(): void {
    assert.ok(this.#longest < HELD_UP, `something took ${this.#longest} ms`);
  }
}
