import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Partitions } from '../../../src/replicate/connection/partitions.ts';
import { QuotaRootLock } from '../../../src/replicate/connection/quota-root-lock.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { forgedLink } from '../../lab/forged-link.ts';
import { Liar } from '../../lab/liar.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { runsOf } from '../../lab/runs-of.ts';
import { settingsFor } from '../../lab/settings.ts';

/*
 * A merge, in which what the replica says goes to the master's own server. Whatever becomes of its answers on the way: to
 * the master's server go commands of a merge about mailboxes of that user and nothing else, and to the replica nothing that
 * is about somebody else.
 */

/** How long a lie that lets the client wait is waited for; what is true comes at once, since all is in this process. */
const SILENCE_MS = 1_000;
/** How long the truth is waited for: on a busy machine it may be late. */
const PATIENCE_MS = 60_000;
const THERE = Buffer.from('only on the replica');
const GUID = createHash('sha1').update(THERE).digest('hex');
const OF_A_MERGE =
  /^(?:APPLY (?:CAPABILITIES|(?:LOCAL_)?MAILBOX|RESERVE|MESSAGE)|GET [A-Z]+|RESTART|NOOP|EXIT)$/;

/** One change of one answer. `at` says where in it, from 0 to 1. */
interface Forgery {
  answer: number;
  at: number;
  how: 'replace' | 'insert' | 'drop' | 'twice';
  what: string;
}

const TOKEN = /"[^"\r\n]*"|[^\s()]+/g;

const literal = (text: string): string => `{${text.length}}\r\n${text}`;
const COMMAND = '))\r\nAPPLY UNUSER bob\r\nAPPLY UNMAILBOX user.bob\r\n';
const what = fc.oneof(
  fc.constantFrom(
    'user.bob',
    'user.bob.Work',
    'user.anna',
    'user.anna.Work',
    'user.anna.New',
    'DELETED.user.bob.A',
    '',
  ),
  fc.constantFrom('bob', 'anna', 'default', 'other', '../../etc', 'NIL', '()', '%()', '(a b)', '"'),
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '2',
    '4',
    '4294967295',
    '4294967296',
    '9007199254740991',
    '18446744073709551615',
    'x',
  ),
  fc.constantFrom(
    GUID,
    '0'.repeat(40),
    'f'.repeat(40),
    `\\Seen`,
    '\\Expunged',
    '\\Deleted',
    'Flag',
    'anna\tlrs\t',
  ),
  fc.constantFrom(
    literal(COMMAND),
    literal(`user.anna${COMMAND}`),
    literal('user.anna\0'),
    literal('a\nb'),
    COMMAND,
  ),
  fc.integer({ min: 0, max: 2 ** 33 }).map(String),
  fc.string({ maxLength: 8 }),
);
const forgery: fc.Arbitrary<Forgery> = fc.record({
  answer: fc.nat({ max: 12 }),
  at: fc.nat({ max: 999 }).map((thousandths) => thousandths / 1000),
  how: fc.constantFrom('replace', 'replace', 'insert', 'drop', 'twice'),
  what,
});

function forge(answer: string, { at, how, what: text }: Forgery): string {
  if (how === 'twice') {
    const lines = answer.split(/(?<=\r\n)/);
    const index = Math.floor(at * lines.length);
    return lines.toSpliced(index, 0, (lines[index] ?? '').replaceAll('user.anna', text)).join('');
  }
  const tokens = [...answer.matchAll(TOKEN)];
  const token = tokens[Math.floor(at * tokens.length)];
  if (token === undefined) return answer;
  const end = token.index + token[0].length;
  const head = answer.slice(0, how === 'insert' ? end : token.index);
  return `${head}${how === 'insert' ? ' ' : ''}${how === 'drop' ? '' : text}${answer.slice(end)}`;
}

class World {
  readonly master = new MemoryStore();
  readonly liar = new Liar();
  readonly replica: Sandbox;
  /** The master's own server. */
  readonly server: Sandbox;
  readonly #sessions: ReplicaSession[] = [];

  private constructor(replica: Sandbox, server: Sandbox) {
    this.replica = replica;
    this.server = server;
  }

  /** anna's INBOX has changed on both sides, and anna's other folder on the replica alone. */
  static async make(): Promise<World> {
    const inMemory = () => startSandbox({ recordCommands: true });
    const world = new World(await inMemory(), await inMemory());
    const { master, replica, server } = world;
    for (const user of ['anna', 'bob']) {
      master.addUser(user, ['Work'], { messages: ['one', 'two'] });
      for (const sandbox of [replica, server]) await runUser(await world.#context(sandbox), user);
    }
    master.append('user.anna', 'only on the master');
    await runUser(await world.#context(server), 'anna');
    const session = await world.#connect(replica, new Liar());
    for (const name of ['user.anna', 'user.anna.Work']) await appendThere(session, name);
    for (const sandbox of [replica, server]) sandbox.recorded.length = 0;
    return world;
  }

  /** @returns how the run ended: undefined if well */
  async merge(): Promise<unknown> {
    const writer = await this.#connect(this.server, new Liar());
    const connected = { session: writer, stage: new Stage(writer) };
    const master = { connect: async () => connected };
    try {
      await runUser({ ...(await this.#context(this.replica, this.liar)), master }, 'anna');
      return undefined;
    } catch (caught) {
      return caught;
    }
  }

  async end(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await Promise.all([this.replica.close(), this.server.close()]);
  }

  async #context(sandbox: Sandbox, liar = new Liar()): Promise<EngineContext> {
    const session = await this.#connect(sandbox, liar);
    return {
      store: this.master,
      session,
      stage: new Stage(session),
      partitions: new Partitions(session),
      quotaRootLock: new QuotaRootLock(),
      scripts: { connect: () => this.#connect(sandbox, liar) },
      master: undefined,
      borrow: undefined,
      beforeSending: undefined,
      there: undefined,
      options: {
        server: 'replica',
        partition: undefined,
        local: false,
        noCopyback: false,
        batchSize: 8192,
        sieveFolder: '#sieve',
        conversations: false,
        reverseacls: false,
      },
      setAside: [],
      emit: () => undefined,
    };
  }

  async #connect(sandbox: Sandbox, liar: Liar): Promise<ReplicaSession> {
    const timeoutMs = liar === this.liar ? SILENCE_MS : PATIENCE_MS;
    const settings = settingsFor('sandbox', {
      tryImap: false,
      compression: { mode: 'off', level: undefined },
      connectTimeoutMs: timeoutMs,
      answerTimeoutMs: timeoutMs,
    });
    const network = { openSocket: async () => forgedLink(sandbox, liar), isLocal: () => true };
    const session = await connectReplica({ ...settings, server: 'sandbox/noauth' }, {}, network);
    this.#sessions.push(session);
    return session;
  }
}

async function appendThere(session: ReplicaSession, name: string): Promise<void> {
  const [there] = await session.getMailboxes([name]);
  assert.ok(there);
  const { lastUid, highestmodseq } = there;
  const [uid, modseq] = [lastUid + 1, highestmodseq + 10];
  await session.applyMessages([{ partition: 'default', guid: GUID, size: THERE.length, content: THERE }]);
  const line = { ...there, crcBasic: 0, crcAnnotations: undefined, lastUid: uid, highestmodseq: modseq };
  await session.applyMailbox({ ...line, since: undefined, intermediate: false, local: false }, [
    {
      uid,
      modseq,
      lastUpdated: 1_700_000_000,
      flags: ['\\Flagged'],
      internaldate: 1_700_000_000,
      size: THERE.length,
      guid: GUID,
      annotations: [],
    },
  ]);
}

/** Everything that a server keeps of bob. */
function ofBob(server: Sandbox): unknown {
  const { mailboxes, users } = server.inspect();
  const names = Object.keys(mailboxes).filter((name) => /\buser\.bob\b/.test(name));
  return [names.map((name) => mailboxes[name]), users.bob];
}

/** @returns the APPLY commands that reached the master's server */
async function assertOnlyAnna(forgeries: readonly Forgery[]): Promise<number> {
  const world = await World.make();
  try {
    const { server, replica, liar } = world;
    const before = ofBob(server);
    const countsBefore = { ...server.traffic().commands };
    let answers = 0;
    liar.lie = (answer) => {
      const index = answers++;
      return forgeries.filter((each) => each.answer === index).reduce(forge, answer);
    };
    const outcome = await world.merge();
    assert.ok(outcome === undefined || outcome instanceof SyncError, String(outcome));
    assert.notEqual(outcome?.code, 'BUG', outcome?.message);
    for (const [command, count] of Object.entries(server.traffic().commands)) {
      if (count > (countsBefore[command] ?? 0)) assert.match(command, OF_A_MERGE);
    }
    for (const { command, text } of server.recorded) {
      assert.match(command, OF_A_MERGE);
      for (const [, name] of text.matchAll(/MBOXNAME (\S+)/g))
        assert.match(name ?? '', /^\(?"?user\.anna(?:\.|"?\)?$)/);
    }
    for (const { text } of replica.recorded) assert.doesNotMatch(text, /\bbob\b/);
    assert.deepEqual(ofBob(server), before);
    return server.recorded.filter(({ command }) => command === 'APPLY LOCAL_MAILBOX').length;
  } finally {
    await world.end();
  }
}

test('a merge with a replica that tells the truth sends commands to the master’s server', async () => {
  assert.ok((await assertOnlyAnna([])) > 0);
});

test('whatever a replica says in a merge, only what belongs to the merge reaches the master’s server, and nothing of anybody else', async (t) => {
  let reached = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(forgery, { minLength: 1, maxLength: 4 }), async (forgeries) => {
      if ((await assertOnlyAnna(forgeries)) > 0) reached++;
    }),
    { numRuns: runsOf(60) },
  );
  t.diagnostic(`${runsOf(60)} runs`);
  assert.ok(reached > 0, 'no merge came as far as the master’s server');
});
