import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { CommandGate } from '../../lab/command-gate.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DISAGREEMENTS } from '../../lab/disagreements.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, nextSecond, openSides, type Sides } from '../../lab/two-sides.ts';
import { FOLDERS, useEveryMailbox } from '../../lab/use-every-mailbox.ts';

/** Milliseconds: far more than it takes on a slow machine. The replica is silent until then, so that whoever waits for it goes on waiting. */
const HELD_UP = 45_000;

let pair: Pair;
let sides: Sides;
let proxy: ScriptedProxy;
const gate = new CommandGate(['APPLY', 'GET', 'RESTART', 'NOOP']);

before(async () => {
  pair = await startPair({ both: { imapd: { expunge_mode: 'immediate', conversations: 'yes' } } });
  proxy = await ScriptedProxy.start(pair.replica.syncPort, gate);
  sides = await openSides(pair);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('a replica that falls silent at any command of a first copy holds up nobody on the master', async (t) => {
  await silentAtEveryCommand(t, 'first', createAll);
});

test('a replica that falls silent at any command of a merge holds up nobody on the master', async (t) => {
  const scenario = DISAGREEMENTS.find(({ row }) => row === 'many');
  assert.ok(scenario);
  await silentAtEveryCommand(t, 'merge', async (users) => {
    await createAll(users);
    await syncClientOk(pair.master, ['-u', ...users]);
    await nextSecond();
    for (const user of users) await scenario.provoke(sides, user);
  });
});

async function createAll(users: readonly string[]): Promise<void> {
  for (const user of users) {
    await sides.master.create(`user/${user}`, BASE);
    for (const folder of FOLDERS) await sides.master.create(`user/${user}/${folder}`, BASE);
  }
}

/**
 * One user for each command that replicating such a user takes. While the replica is silent at it, people use every
 * mailbox of that user in the ways that take the user and then a mailbox exclusively. When the replica is heard again, the
 * run must end well, whatever was removed under its hands.
 */
async function silentAtEveryCommand(
  t: TestContext,
  prefix: string,
  prepare: (users: readonly string[]) => Promise<void>,
): Promise<void> {
  gate.shutAt(0);
  await prepare([`${prefix}0`]);
  gate.shutAt(0);
  await syncClientOk(pair.master, ['-u', `${prefix}0`]);
  const commands = [...gate.commands];
  assert.ok(
    commands.some((line) => line.startsWith('APPLY MAILBOX')),
    commands.join(', '),
  );

  const users = commands.map((_, index) => `${prefix}${index + 1}`);
  await prepare(users);
  for (const [index, user] of users.entries()) {
    const silence = new Promise<void>((resolve) => gate.shutAt(index + 1, resolve));
    const run = startSyncClient(pair.master, ['-u', user, '--log-to-stderr']);
    await Promise.race([silence, run.result]);
    const what = `${user}, silent at ${gate.commands.at(-1)}`;
    try {
      await within(what, useEveryMailbox(sides.master, user));
      gate.open();
      const { code, stderr } = await run.result;
      assert.equal(code, 0, `${what}: ${stderr}`);
    } finally {
      // Only where it has failed: whoever is held up is to be let go.
      run.kill('SIGKILL');
      gate.open();
    }
  }
  gate.shutAt(0);
  await syncClientOk(pair.master, ['-u', ...users]);
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, [`${prefix}0`, ...users], { expunged: 'left out' });
  t.diagnostic(`${users.length} runs`);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
}

async function within(what: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`held up for ${HELD_UP} ms: ${what}`)), HELD_UP);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
