import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { assertNothingLeft, assertSameMail, assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { assertSettled } from '../../lab/assert-settled.ts';
import { CommandGate } from '../../lab/command-gate.ts';
import { ADMIN, giveToCyrus, PASSWORD, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { DISAGREEMENTS } from '../../lab/disagreements.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, nextSecond, openSides, type Sides } from '../../lab/two-sides.ts';

/** Milliseconds for a server that lost its parent to be gone. */
const GONE_DEADLINE = 30_000;

/** Mail that comes to the master between the kill and the next run. */
const LATE = ['late-1', 'late-2', 'late-3'];

const SCENARIO = DISAGREEMENTS.find(({ row }) => row === 'many');

const gate = new CommandGate(['AUTHENTICATE', 'APPLY', 'GET', 'RESTART', 'NOOP', 'EXIT']);
let pair: Pair;
let sides: Sides;
let toReplica: ScriptedProxy;
let toMaster: ScriptedProxy;
let temporary: string;

before(async () => {
  pair = await startPair();
  toReplica = await ScriptedProxy.start(pair.replica.syncPort, gate);
  toMaster = await ScriptedProxy.start(pair.master.syncPort, gate);
  temporary = join(pair.master.directory, 'tmp');
  await mkdir(temporary);
  // As a run leaves it that is killed before its server for the master has answered.
  await mkdir(join(temporary, `cyrus-sync-${spawnSync('true').pid}-left`));
  await mkdir(join(temporary, `cyrus-sync-${process.pid}-used`));
  giveToCyrus(temporary);
  sides = await openSides(pair);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await toMaster?.[Symbol.asyncDispose]();
  await toReplica?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('killed before any command to the replica, its own server for the master started by itself', async (t) => {
  await killAtEveryCommand(t, 'private', []);
});

test('killed before any command to the replica or to the master', async (t) => {
  const file = join(pair.master.directory, 'settings.ini');
  await writeFile(
    file,
    `master = 127.0.0.1:${toMaster.port}\nmaster_user = ${ADMIN}\nmaster_password = ${PASSWORD}\n`,
  );
  await killAtEveryCommand(t, 'server', ['--settings', file]);
});

test('killed before any command of a swap of two folders', async (t) => {
  const prepare = async (users: readonly string[]) => {
    await replicateThrough(toReplica.port);
    for (const user of users) {
      await sides.master.create(`user/${user}`);
      for (const folder of ['A', 'B']) await sides.master.create(`user/${user}/${folder}`, [folder]);
    }
    await syncClientOk(pair.master, ['-u', ...users]);
    for (const user of users) {
      for (const [from, to] of ['AT', 'BA', 'TB']) {
        await sides.master.imap.ok(`RENAME user/${user}/${from} user/${user}/${to}`);
      }
    }
  };
  await prepare(['swap0']);
  gate.shutAt(0);
  await syncClientOk(pair.master, ['-u', 'swap0']);
  const commands = [...gate.commands];
  assert.equal(commands.filter((line) => line.startsWith('APPLY RENAME')).length, 3, commands.join(', '));

  const users = commands.map((_, index) => `swap${index + 1}`);
  await prepare(users);
  for (const [index, user] of users.entries()) {
    const run = startSyncClient(pair.master, ['-u', user]);
    gate.shutAt(index + 1, () => run.kill('SIGKILL'));
    assertKilled(await run.result, index + 1);
  }
  gate.shutAt(0);
  await syncClientOk(pair.master, ['-u', ...users]);
  await replicateThrough(pair.replica.syncPort);
  for (const user of users) {
    assert.deepEqual(await sides.replica.messages(`user/${user}/A`), ['1 B'], user);
    assert.deepEqual(await sides.replica.messages(`user/${user}/B`), ['1 A'], user);
    await assertSettled(pair, user);
  }
  await assertSameMailOf(pair.master, pair.replica, users);
  t.diagnostic(`${users.length} runs`);
});

/**
 * One user for each command that a conflict resolution sends: the client is killed before that command arrives. The
 * run after it must end as if nothing had happened, whatever had been done until then, and whatever has come since.
 */
async function killAtEveryCommand(t: TestContext, prefix: string, options: readonly string[]): Promise<void> {
  assert.ok(SCENARIO);
  await replicateThrough(toReplica.port);
  const whole = `${prefix}0`;
  await provoke([whole]);
  gate.shutAt(0);
  await syncClientOk(pair.master, [...options, '-u', whole], { env: { TMPDIR: temporary } });
  const commands = [...gate.commands];
  assert.ok(
    commands.filter((line) => line.startsWith('APPLY MAILBOX')).length >= 1 && commands.length > 6,
    `not the commands of a conflict: ${commands.join(', ')}`,
  );

  const users = commands.map((_, index) => `${prefix}${index + 1}`);
  await provoke(users);
  for (const [index, user] of users.entries()) {
    const run = startSyncClient(pair.master, [...options, '-u', user], { env: { TMPDIR: temporary } });
    gate.shutAt(index + 1, () => run.kill('SIGKILL'));
    assertKilled(await run.result, index + 1);
    await assertNothingLeftBehind();
  }
  gate.shutAt(0);

  for (const user of users) {
    const killedAt = commands[users.indexOf(user)];
    for (const side of [sides.master, sides.replica]) {
      const present = new Set((await side.messages(`user/${user}`)).map(subjectOf));
      // Until both sides have agreed, what only the other one ever had need not be here.
      const foreign = side === sides.master ? 'replica' : 'master';
      const own: string[] = SCENARIO.expected
        .map(subjectOf)
        .filter((subject) => !subject.startsWith(foreign));
      const lost: string[] = own.filter((subject) => !present.has(subject));
      assert.deepEqual(lost, [], `lost on ${side.server.name} of ${user}, killed at ${killedAt}`);
    }
  }
  // Under UIDs that the other side may have given to what it was merged with.
  for (const user of users) for (const late of LATE) await sides.master.append(`user/${user}`, late);
  await syncClientOk(pair.master, [...options, '-u', ...users], { env: { TMPDIR: temporary } });
  const expected = [...SCENARIO.expected.map(withoutUid), ...LATE].sort();
  for (const user of users) {
    const killedAt = `${user}, killed at ${commands[users.indexOf(user)]}`;
    for (const side of [sides.master, sides.replica]) {
      const messages = await side.messages(`user/${user}`);
      assert.deepEqual(messages.map(withoutUid).sort(), expected, killedAt);
    }
  }
  await assertNothingLeftBehind();
  // The C client compresses, also on loopback: no command lines to be counted.
  await replicateThrough(pair.replica.syncPort);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, [whole, ...users], { expunged: 'left out' });
  t.diagnostic(`${users.length} runs`);
}

/** A client that has said EXIT waits for no answer: the signal may come when it has ended by itself. */
function assertKilled({ code, stderr }: ToolResult, command: number): void {
  const last = gate.commands.at(-1) ?? '';
  assert.ok(gate.isShut, `command ${command} was never sent: ${gate.commands.join(', ')}`);
  if (last !== 'EXIT' || code !== 0) assert.equal(code, 128 + 9, `${last}: ${stderr}`);
}

async function replicateThrough(port: number): Promise<void> {
  pair.master.configure('sync_port', String(port));
  await pair.master.writeConfiguration();
}

async function provoke(users: readonly string[]): Promise<void> {
  for (const user of users) await sides.master.create(`user/${user}`, BASE);
  await syncClientOk(pair.master, ['-u', ...users]);
  await nextSecond();
  for (const user of users) await SCENARIO?.provoke(sides, user);
}

/** No server that was started for the killed run, and no directory of it. */
async function assertNothingLeftBehind(): Promise<void> {
  const deadline = Date.now() + GONE_DEADLINE;
  for (;;) {
    const servers = await processesOf(join(temporary, 'cyrus-sync-'));
    if (servers.length === 0) break;
    assert.ok(Date.now() < deadline, `left behind: ${servers.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(await readdir(temporary), [`cyrus-sync-${process.pid}-used`]);
  const locks = await readdir(join(pair.master.configDirectory, 'socket'));
  assert.deepEqual(
    locks.filter((name) => name.startsWith('cyrus_sync-')),
    [],
  );
}

/** Command lines with this text. */
async function processesOf(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const file = `/proc/${pid}/cmdline`;
    if (!existsSync(file)) continue;
    const line = await readFile(file, 'latin1').catch(() => '');
    if (line.includes(text)) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}

function withoutUid(message: string): string {
  return message.replace(/^\d+ /, '');
}

function subjectOf(message: string): string {
  return message.split(' ')[1] ?? '';
}
