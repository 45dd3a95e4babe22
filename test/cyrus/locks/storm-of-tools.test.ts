import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import type { CyrusServer, Pair } from '../../lab/cyrus-server.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { deliver } from '../../lab/deliver.ts';
import { assertInStep, RollingClient } from '../../lab/rolling-client.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, messageOf, openSides, type Sides } from '../../lab/two-sides.ts';

const USERS = ['anna', 'bob', 'eva'];
const FOLDERS = ['', '/Work', '/Trash'];
/** Programs that an administrator runs by cron, and those that take most locks of all. */
const TOOLS: readonly (readonly [tool: string, ...args: string[]])[] = [
  ['cyr_expire', '-E', '1', '-X', '0'],
  ['reconstruct', '-r', 'user/anna'],
  ['quota', '-f'],
  // That of 3.2 ends at a row of a user without a mailbox, by an assertion of its own.
  PROGRAMS.isAtLeast(3, 4) ? ['squatter', '-r', 'user'] : ['squatter', '-r', 'user/anna'],
  ['ctl_conversationsdb', '-A', 'bob'],
  ['reconstruct', '-G', 'user/eva'],
  ['ctl_conversationsdb', '-R', 'anna'],
];
/** How often every tool has to have run beside each kind of run. */
const ROUNDS = 2;

/**
 * Everything that takes locks on a master at once. Each run is watched for whoever waits for it; that all ends, and in what
 * state, is looked at here.
 */
test('cyr_expire, reconstruct, quota, squatter, ctl_conversationsdb, deliveries and sessions beside whole runs, merges and rolling mode wait for none of these', async () => {
  await using pair = await startPair({
    both: { imapd: { conversations: 'yes', search_engine: 'squat' } },
    master: { imapd: { sync_log: 'yes' } },
  });
  await using sides = await openSides(pair);
  for (const user of USERS) {
    for (const folder of FOLDERS) await sides.master.create(`user/${user}${folder}`, BASE);
    await sides.master.imap.ok(`SETQUOTA user/${user} (STORAGE 100000)`);
  }
  await syncClientOk(pair.master, ['-A']);

  await inStorm(pair, async (round) => {
    if (round % 2 === 0) await changeReplica(sides, round);
    // A mailbox that changes faster than it can be merged may be left for the next run.
    await syncClient(pair.master, ['-A']);
  });
  await assertAlike(pair);

  {
    await using rolling = new RollingClient(pair);
    await rolling.settled();
    await inStorm(pair, async (round) => {
      await changeReplica(sides, round);
      await sides.master.append(`user/${USERS[round % USERS.length]}`, `rolling ${round}`);
    });
    await rolling.settled();
  }
  await assertAlike(pair);
});

async function assertAlike(pair: Pair): Promise<void> {
  await syncClientOk(pair.master, ['-A']);
  await assertInStep(pair, USERS, { expunged: 'left out' });
}

/** Both sides of a mailbox have then changed. */
async function changeReplica({ master, replica }: Sides, round: number): Promise<void> {
  const mailbox = `user/${USERS[round % USERS.length]}/Work`;
  await replica.append(mailbox, `there ${round}`);
  await replica.flag(mailbox, 2, '\\Flagged');
  await master.append(mailbox, `here ${round}`);
}

/** Does `work` again and again until every tool has run often enough beside it, with deliveries and people at work. */
async function inStorm({ master }: Pair, work: (round: number) => Promise<void>): Promise<void> {
  let running = true;
  const others = [
    ...USERS.map(async (user) => {
      for (let i = 0; running; i++) await deliver(master, user, messageOf(`delivered ${i}`, `${user} ${i}`));
    }),
    ...USERS.map((user) => whoWorks(master, user, () => running)),
  ];
  const tools = runTools(master).finally(() => {
    running = false;
  });
  try {
    for (let round = 0; running; round++) await work(round);
  } finally {
    running = false;
    await Promise.all([tools, ...others]);
  }
}

/** `quota` ends where a file that a delivery writes, and renames the next moment, is gone before it was read. */
const QUOTA_AGAIN = 20;

async function runTools(master: CyrusServer): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [tool, ...args] of TOOLS) {
      let { code, stdout, stderr } = await master.run(tool, args);
      for (let again = 0; code !== 0 && tool === 'quota' && again < QUOTA_AGAIN; again++) {
        ({ code, stdout, stderr } = await master.run(tool, args));
      }
      assert.equal(code, 0, `${tool} ${args.join(' ')}: ${stdout}${stderr}`);
    }
  }
}

async function whoWorks(master: CyrusServer, user: string, running: () => boolean): Promise<void> {
  await using session = await master.imap(user);
  for (let round = 0; running(); round++) {
    await session.ok('APPEND INBOX/Trash ', messageOf(`${user} ${round}`));
    await session.ok('SELECT INBOX/Trash');
    await session.ok('STORE * +FLAGS (\\Deleted)');
    await session.ok('EXPUNGE');
    await session.ok('UNSELECT');
  }
}
