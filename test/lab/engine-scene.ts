import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteString } from '../../src/byte-string.ts';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type { ReplicaSession } from '../../src/protocol/replica-session.ts';
import type {
  EngineContext,
  EngineOptions,
  JobResult,
} from '../../src/replicate/connection/engine-context.ts';
import { Partitions } from '../../src/replicate/connection/partitions.ts';
import { QuotaRootLock } from '../../src/replicate/connection/quota-root-lock.ts';
import { Stage } from '../../src/replicate/connection/stage.ts';
import type { Action, ActionResult } from '../../src/replicate/jobs/action.ts';
import { runActions } from '../../src/replicate/jobs/run-actions.ts';
import { runMailboxes } from '../../src/replicate/jobs/run-mailboxes.ts';
import { runMeta } from '../../src/replicate/jobs/run-meta.ts';
import { runUser } from '../../src/replicate/jobs/run-user.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import { asItIs } from '../../src/report/reasons.ts';
import { logLines } from '../../src/report/words/log-lines.ts';
import type { Inspection } from '../../src/sandbox/inspect.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { MemoryStore } from './memory-store.ts';
import { settingsFor } from './settings.ts';

/**
 * The engine in this process, between a master in memory and the sandbox as its replica, which takes scripted faults:
 *
 *     await using scene = await EngineScene.start();
 *     scene.master.addUser('anna', ['Sent']);
 *     scene.replica.inject({ on: 'APPLY MAILBOX', mailbox: 'user.anna', do: 'no' });
 *     await assert.rejects(scene.runUser('anna'));
 *     scene.assertSame('anna');
 */
export class EngineScene implements AsyncDisposable {
  readonly master = new MemoryStore();
  readonly replica: Sandbox;
  readonly events: SyncEvent[] = [];
  options: EngineOptions = {
    server: 'replica',
    partition: undefined,
    local: false,
    noCopyback: false,
    batchSize: 8192,
    sieveFolder: '#sieve',
    conversations: false,
    reverseacls: false,
  };
  /** Stands between the engine and its connection, to answer in its place. */
  through: (session: ReplicaSession) => ReplicaSession = (session) => session;
  readonly #directory: string;
  readonly #sessions: ReplicaSession[] = [];

  static async start(options: Partial<SandboxOptions> = {}): Promise<EngineScene> {
    const directory = await mkdtemp(join(tmpdir(), 'engine-'));
    const listen = { path: join(directory, 'socket') };
    const replica = await startSandbox({
      directory: join(directory, 'db'),
      listen,
      recordCommands: true,
      ...options,
    });
    return new EngineScene(directory, replica);
  }

  private constructor(directory: string, replica: Sandbox) {
    this.#directory = directory;
    this.replica = replica;
  }

  /** A context for jobs, over a connection of its own. */
  async context(changes: Partial<EngineContext> = {}): Promise<EngineContext> {
    const connection = await this.#connect(true);
    const session = this.through(connection);
    return {
      store: this.master,
      session,
      stage: new Stage(session),
      partitions: new Partitions(session),
      quotaRootLock: new QuotaRootLock(),
      scripts: { connect: () => this.#connect(false) },
      master: undefined,
      borrow: undefined,
      beforeSending: undefined,
      there: undefined,
      options: this.options,
      setAside: [],
      emit: (event) => void this.events.push(event),
      ...changes,
    };
  }

  async runUser(userid: ByteString): Promise<JobResult> {
    return await runUser(await this.context(), userid);
  }

  async runMeta(userid: ByteString): Promise<JobResult> {
    return await runMeta(await this.context(), userid);
  }

  async runMailboxes(...names: readonly ByteString[]): Promise<JobResult> {
    return await runMailboxes(await this.context(), this.#ownersOf(names), names);
  }

  /** One unit of a sync log. */
  async runActions(owners: readonly ByteString[], ...actions: readonly Action[]): Promise<ActionResult[]> {
    return await runActions(await this.context(), owners, actions);
  }

  /** Commands that were applied since the last call, without the verb: `UNUSER anna`. */
  takeCommands(): ByteString[] {
    const applied = this.replica.recorded.splice(0).filter(({ command }) => command !== 'APPLY CAPABILITIES');
    return applied.map(({ text }) => text.replace(/^APPLY /, ''));
  }

  /** The content of the log. */
  logged(): string[] {
    const context = { mode: 'users', channel: undefined, server: 'replica', spellMailbox: asItIs } as const;
    return this.events.flatMap((event) => logLines(event, context)).map(({ text }) => text);
  }

  /** Names, messages, subscriptions and seen state of the users are the same on both ends. */
  assertSame(...userids: readonly ByteString[]): void {
    const there = this.replica.inspect();
    for (const userid of userids) {
      assert.deepEqual(mailOf(there, this.master, userid), this.#mailOf(userid), `mailboxes of ${userid}`);
      const { subscriptions = [], seen = [] } = there.users[userid] ?? {};
      assert.deepEqual(
        [...subscriptions].sort(),
        this.master.subscriptions(userid).sort(),
        `subscriptions of ${userid}`,
      );
      const byId = (a: { uniqueid: string }, b: { uniqueid: string }): number =>
        a.uniqueid < b.uniqueid ? -1 : 1;
      assert.deepEqual([...seen].sort(byId), this.master.seen(userid).sort(byId), `seen state of ${userid}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await this.replica.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #connect(sieveMailbox: boolean): Promise<ReplicaSession> {
    const settings = settingsFor(this.replica.server, {
      tryImap: false,
      authname: undefined,
      password: undefined,
      compression: { mode: 'off', level: undefined },
      sieveMailbox,
    });
    const session = await connectReplica(settings);
    this.#sessions.push(session);
    return session;
  }

  #ownersOf(names: readonly ByteString[]): ByteString[] {
    return [...new Set(names.map((name) => this.master.ownerOf(name) ?? ''))].sort();
  }

  #mailOf(userid: ByteString): Mail {
    const entries = this.master.mailboxesOf(userid).map(({ name, uniqueid }) => ({ name, uniqueid }));
    return Object.fromEntries(
      entries.map(({ name, uniqueid }) => [name, { uniqueid, guids: this.master.guids(name) }]),
    );
  }
}

/** A session that answers some commands in place of another one. */
export function inPlaceOf<Session extends ReplicaSession>(
  session: Session,
  answers: Partial<Session>,
): Session {
  return new Proxy(session, {
    get(target, key: keyof Session & string) {
      const value = answers[key] ?? target[key];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type Mail = Record<ByteString, { uniqueid: ByteString; guids: string[] }>;

function mailOf(there: Inspection, master: MemoryStore, userid: ByteString): Mail {
  const own = Object.values(there.mailboxes).filter(({ name }) => master.ownerOf(name) === userid);
  return Object.fromEntries(
    own.map(({ name, uniqueid, records }) => [name, { uniqueid, guids: records.map(({ guid }) => guid) }]),
  );
}
