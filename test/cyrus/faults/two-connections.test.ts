import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { assertNothingLeft, assertSameMail, type Comparison } from '../../lab/assert-same-mail.ts';
import { CommandGate } from '../../lab/command-gate.ts';
import { giveToCyrus, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { MailboxesByConnection } from '../../lab/mailboxes-by-connection.ts';
import { preloadLibrary } from '../../lab/preload/preload-library.ts';
import { asItIs, type ProxyPolicy, type Relay, ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { startSyncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';
import { FOLDERS, useEveryMailbox } from '../../lab/use-every-mailbox.ts';

/*
 * The folders of one user, or the steps of one mailbox, are sent over two connections: the replica's processes have a stage each,
 * and either of them may be gone at any moment while the other lives. Whatever happens at a command, the next run brings the rest.
 */

/** `every` tries each command at either kind of user; the suite leaps over most. */
const EVERY = process.env.CYRUS_SYNC_TEST_CALLS === 'every';
const LEAP = EVERY ? 1 : 11;
/** The disk of the replica: both connections have messages under way at the same time. */
const FLUSH_MICROSECONDS = 5_000;
const COMMANDS = ['APPLY', 'GET', 'RESTART', 'NOOP'];
/** Subjects of the messages that each user has, by folder. */
const SITES: Readonly<Record<'folders' | 'steps', Readonly<Record<string, readonly string[]>>>> = {
  // What one connection has staged of the mail that is in all of them the other one may need too.
  folders: Object.fromEntries(
    ['', ...FOLDERS.map((name) => `/${name}`)].map((folder) => [
      folder,
      ['first', 'second', ...['third', 'fourth', 'fifth'].map((subject) => `${subject} ${folder}`)],
    ]),
  ),
  steps: { '': Array.from({ length: 20 }, (_, index) => `message ${index}`) },
};
type Site = keyof typeof SITES;
/** Nobody changes the replica, or cleans up where expunged messages count. */
const MERGE = /full update|changed on both sides/;
const OPTIONS = ['--workers', '2', '--log-to-stderr', '-u'];

/**
 * Holds the first messages back until a second connection is made, so that the first has not done all by then; for one run, from
 * `begin` on.
 */
class UntilTheSecond implements ProxyPolicy {
  readonly #policy: ProxyPolicy;
  #links = 0;
  #isSetUp = false;
  #held: (() => void)[] | undefined;

  constructor(policy: ProxyPolicy) {
    this.#policy = policy;
  }

  begin(): void {
    this.#links = 0;
    this.#isSetUp = false;
    this.#held = [];
  }

  end(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const pass of held) pass();
  }

  toServer(): Relay {
    const relay = this.#policy.toServer?.() ?? asItIs;
    const isFirst = ++this.#links === 1;
    let holds = false;
    return (chunk, passage) => {
      const text = chunk.toString('latin1');
      const cutThis = (): void => {
        passage.cutThis();
        this.end();
      };
      holds ||= isFirst && text.includes('APPLY MESSAGE');
      if (holds && this.#held) this.#held.push(() => relay(chunk, passage));
      else relay(chunk, { ...passage, cutThis });
      this.#isSetUp ||= !isFirst && text.includes('APPLY CAPABILITIES');
    };
  }

  toClient(): Relay {
    const relay = this.#policy.toClient?.() ?? asItIs;
    const isFirst = this.#links === 1;
    return (chunk, passage) => {
      relay(chunk, passage);
      if (!isFirst && this.#isSetUp) this.end();
    };
  }
}

/** Cuts the connection that carries the N-th command of all, before that arrives. */
class CutOne implements ProxyPolicy {
  readonly #command = new RegExp(`^(?:${COMMANDS.join('|')})\\b`);
  #left = 0;

  cutAt(command: number): void {
    this.#left = command;
  }

  get hasCut(): boolean {
    return this.#left === 0;
  }

  toServer(): Relay {
    let open = '';
    let isCut = false;
    return (chunk, { pass, cutThis }) => {
      open += chunk.toString('latin1');
      for (let end = open.indexOf('\n'); end >= 0 && !isCut; end = open.indexOf('\n')) {
        const line = open.slice(0, end + 1);
        open = open.slice(end + 1);
        isCut = this.#left > 0 && this.#command.test(line) && --this.#left === 0;
        if (isCut) cutThis();
        else pass(line);
      }
    };
  }
}

const directory = mkdtempSync(join(tmpdir(), 'two-connections-'));
let pair: Pair;
let sides: Sides;

before(async () => {
  const environment = {
    LD_PRELOAD: preloadLibrary(directory),
    SLOW_FLUSH_MICROSECONDS: String(FLUSH_MICROSECONDS),
  };
  giveToCyrus(directory);
  pair = await startPair({
    both: { imapd: { conversations: 'yes', expunge_mode: 'immediate' } },
    master: { imapd: { sync_batchsize: '2' } },
    replica: { environment },
  });
  sides = await openSides(pair);
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
  rmSync(directory, { recursive: true, force: true });
});

for (const site of sitesOf('folders')) {
  test(`killed before any command of a first copy of ${site} over two connections: the next run brings the rest`, async (t) => {
    const gate = new CommandGate(COMMANDS);
    await atEachCommand(t, 'killed', site, gate, async (user, command) => {
      const run = startSyncClient(pair.master, [...OPTIONS, user]);
      gate.shutAt(command, () => run.kill('SIGKILL'));
      const { code, stderr } = await run.result;
      const isKilled = gate.isShut;
      assert.equal(code, isKilled ? 128 + 9 : 0, stderr);
      gate.shutAt(0);
      return isKilled ? undefined : stderr;
    });
  });
}

for (const site of sitesOf('steps')) {
  test(`one of two connections is cut before any command of a first copy of ${site}: the run that has lost it ends well`, async (t) => {
    const shears = new CutOne();
    await atEachCommand(t, 'cut', site, shears, async (user, command) => {
      shears.cutAt(command);
      const { stderr } = await syncClientOk(pair.master, [...OPTIONS, user]);
      assert.doesNotMatch(stderr, MERGE, user);
      return shears.hasCut ? undefined : stderr;
    });
  });
}

test('a replica that falls silent at any command of a first copy of folders over two connections holds up nobody on the master', async (t) => {
  const gate = new CommandGate(COMMANDS);
  const disturb = async (user: string, command: number): Promise<string | undefined> => {
    const silence = new Promise<void>((resolve) => gate.shutAt(command, resolve));
    const run = startSyncClient(pair.master, [...OPTIONS, user]);
    await Promise.race([silence, run.result]);
    const isSilent = gate.isShut;
    await useEveryMailbox(sides.master, user);
    gate.open();
    const { code, stderr } = await run.result;
    assert.equal(code, 0, stderr);
    return isSilent ? undefined : stderr;
  };
  await atEachCommand(t, 'silent', 'folders', gate, disturb, { expunged: 'left out' });
});

/**
 * One user for each command, until a run has fewer.
 *
 * @param policy of the proxy in between, which does what `disturb` asks of it
 * @param disturb a run of the user. What that has logged, if the command did not come
 */
async function atEachCommand(
  t: TestContext,
  prefix: string,
  site: Site,
  policy: ProxyPolicy,
  disturb: (user: string, command: number) => Promise<string | undefined>,
  comparison: Comparison = {},
): Promise<void> {
  const seen = new MailboxesByConnection(policy);
  const second = new UntilTheSecond(seen);
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, second);
  await replicateTo(proxy.port);
  const users: string[] = [];
  let undisturbed: string | undefined;
  for (let command = 1; undisturbed === undefined; command += LEAP) {
    const user = `${prefix}${site}${command}`;
    users.push(user);
    for (const [folder, subjects] of Object.entries(SITES[site]))
      await sides.master.create(`user/${user}${folder}`, subjects);
    const before = seen.counts.length;
    second.begin();
    undisturbed = await disturb(user, command);
    second.end();
    if (undisturbed !== undefined) {
      assert.doesNotMatch(undisturbed, /retr|fail|refuse|missing/i);
      assert.equal(seen.counts.slice(before).filter((mailboxes) => mailboxes > 0).length, 2);
    }
    const { stderr } = await syncClientOk(pair.master, [...OPTIONS, user]);
    if (comparison.expunged !== 'left out') assert.doesNotMatch(stderr, MERGE, user);
  }
  await replicateTo(pair.replica.syncPort);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users, comparison);
  assert.ok(users.length > 2, `only ${users}`);
  t.diagnostic(`${users.length - 1} runs`);
}

/** @param chosen what the suite tries */
function sitesOf(chosen: Site): readonly Site[] {
  return EVERY ? ['folders', 'steps'] : [chosen];
}

async function replicateTo(port: number): Promise<void> {
  pair.master.configure('sync_port', String(port));
  await pair.master.writeConfiguration();
}
