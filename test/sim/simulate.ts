import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { ByteString } from '../../src/byte-string.ts';
import type { RunResult } from '../../src/coordinator/run/run.ts';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import type { RecordedCommand } from '../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { CommandWatch } from './command-watch.ts';
import { differencesOf } from './differences-of.ts';
import { type Edited, editReplica, isDone } from './edit-replica.ts';
import { LockTable } from './lock-table.ts';
import { masterServer } from './master-server.ts';
import type { Plan, REPLICA_EDITS, Step } from './plan.ts';
import { Random } from './random.ts';
import { connectionSettings, SERVER, SimulatedClient } from './simulated-client.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedMaster } from './simulated-master.ts';
import { type LinkNature, VirtualLink } from './virtual-link.ts';
import { VirtualTime } from './virtual-time.ts';
import { workOn } from './work-on.ts';

const MS_PER_MINUTE = 60_000;
/** Virtual time after which whatever still goes on will never end. */
const PATIENCE_MS = 24 * 60 * MS_PER_MINUTE;
/** Times that a run tries a user again who is locked. */
const MOST_RETRIES = 7;
/** Runs that may be needed once nobody disturbs: those who were edited during the last one are done by the next. */
const MOST_LAST_RUNS = 4;
/** Milliseconds that rolling mode has for what is left once nobody disturbs: back-off and quarantine included. */
const DRAINED_MS = 6 * 60 * MS_PER_MINUTE;

export interface Finding {
  /** Violations: what must never be, and was. */
  violations: string[];
  /** Everything that happened, in order. */
  history: string[];
  /** Virtual. */
  elapsedMs: number;
  /** Those of the replica, and those of the master's own server before and after each. */
  commands: number;
}

/** Lets a plan happen, and says what went wrong. */
export async function simulate(plan: Plan): Promise<Finding> {
  const random = new Random(plan.seed);
  using time = new VirtualTime(random.split());
  const world = await World.begin(plan, random, time);
  // It would end the process.
  const unhandled = (error: unknown): void => world.violate(`nobody handles ${inspect(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    return await world.end();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
}

/** How a client on the replica's own host is connected. */
const AT_ONCE: LinkNature = { latencyMs: 0, octetsPerSecond: 1e9, cut: undefined, stallOctets: undefined };

class World {
  readonly #plan: Plan;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #locks: LockTable;
  readonly #master: SimulatedMaster;
  readonly #replica: Sandbox;
  readonly #watch: CommandWatch;
  readonly #violations: string[] = [];
  readonly #history: string[] = [];
  readonly #applied: string[] = [];
  #client: SimulatedClient | undefined;
  #refusedUntilMs = 0;
  /** `UNIQUEID/UID`; also of messages that could not be sent for a while. */
  readonly #changedThere = new Set<string>();
  /** Uniqueids of mailboxes that somebody has made on the replica. */
  readonly #madeThere = new Set<ByteString>();
  /** Uniqueids of mailboxes that were merged, or begun to be. */
  readonly #merged = new Set<ByteString>();
  /** Edits of the replica that are under way. */
  #editing = 0;
  /** Both sides have been changed, or what the master says of itself was wrong: only then has anybody to change the master. */
  #mayMerge = false;
  readonly #breaks: Extract<Step, { kind: 'break' }>[] = [];
  /** Steps that happen when a mailbox is read, by how many were read before. */
  readonly #atRead = new Map<number, Step[]>();
  #reads = 0;
  /** Times that each user was tried again in this run, but for broken links. */
  readonly #retries = new Map<ByteString, number>();
  /** Commands that the master's own server has left before it is lost, for each loss to come. */
  readonly #losses: number[] = [];
  #commands = 0;

  static async begin(plan: Plan, random: Random, time: VirtualTime): Promise<World> {
    let world: World | undefined;
    const replica = await startSandbox({
      recordCommands: (command) => {
        world?.examine(command);
      },
      offer: { sieveMailbox: plan.newReplica },
      conversations: true,
      log: (line) => world?.hearReplica(line),
    });
    world = new World(plan, random, time, replica);
    return world;
  }

  private constructor(plan: Plan, random: Random, time: VirtualTime, replica: Sandbox) {
    this.#plan = plan;
    this.#random = random;
    this.#time = time;
    this.#replica = replica;
    const violate = (what: string): void => this.violate(what);
    this.#locks = new LockTable(() => time.nowMs, violate);
    this.#master = new SimulatedMaster(plan, random.split(), this.#locks, () => time.nowMs);
    const isKept = (uniqueid: ByteString, name?: ByteString): boolean =>
      this.#master.isLiveSince(uniqueid, this.#client?.startedMs ?? 0, name);
    this.#watch = new CommandWatch(() => replica, isKept, violate);
    for (const step of plan.steps) {
      const { atRead } = step;
      if (atRead !== undefined) this.#atRead.set(atRead, [...(this.#atRead.get(atRead) ?? []), step]);
    }
    this.#master.store.beforeRead = () => {
      this.#reads += 1;
      for (const step of this.#atRead.get(this.#reads) ?? []) this.#take(step);
      this.#atRead.delete(this.#reads);
    };
  }

  tell(line: string): void {
    this.#history.push(`${(this.#time.nowMs / 1_000).toFixed(3)} ${line}`);
  }

  async end(): Promise<Finding> {
    try {
      await this.#time.drive(this.#live(), PATIENCE_MS);
    } catch (error) {
      this.violate(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    this.#locks.audit();
    const elapsedMs = this.#time.nowMs;
    // A connection may be about to answer late.
    await this.#time.drive(this.#replica.close(), elapsedMs + PATIENCE_MS);
    return {
      violations: this.#violations,
      history: this.#history,
      elapsedMs,
      commands: this.#commands,
    };
  }

  /** Before the replica does it. */
  examine(command: RecordedCommand): void {
    const { connection, text } = command;
    this.tell(`${connection} -> ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`);
    this.#applied.push(text);
    this.#watch.examine(command);
    this.#countCommand();
  }

  #countCommand(): void {
    this.#commands += 1;
    if (this.#commands !== this.#plan.killAtCommand) return;
    this.tell('killed meanwhile');
    this.#client?.kill();
  }

  hearReplica(line: string): void {
    this.tell(`replica: ${line}`);
    this.#watch.hear(line);
    if (line.includes('higher xconvmodseq') && !this.#mayMerge)
      this.violate(`a counter of conversations goes down although nobody has changed the replica: ${line}`);
  }

  async #live(): Promise<void> {
    const happened = this.#happen().then(() => this.#calm());
    if (this.#plan.rolling) await this.#follow(happened);
    else await this.#repeat(happened);
    for (let count = 1; ; count += 1) {
      const { exitCode } = await this.#run();
      if (exitCode === 0) break;
      if (count === MOST_LAST_RUNS) {
        this.violate(`run ${count} after the last disturbance ends with ${exitCode}`);
        return;
      }
      await pause(MS_PER_MINUTE);
    }
    // A run for all knows those who are here; who was removed is told by the sync log alone.
    this.#compare(this.#owners(), 'at the end');
    this.#audit();
    this.#applied.length = 0;
    await this.#run();
    const sent = this.#applied.filter((text) => !text.startsWith('APPLY CAPABILITIES'));
    if (sent.length > 0) this.violate(`a run with nothing to do sends ${sent[0]}`);
  }

  /** One run for everybody after the other. */
  async #repeat(happened: Promise<void>): Promise<void> {
    const { endMs } = this.#plan;
    while (this.#time.nowMs < endMs) {
      await this.#run();
      await pause(this.#random.between(0, Math.max(3_000, endMs / 20)));
    }
    await happened;
  }

  /** Rolling mode, behind a first copy, until nobody disturbs and all that was logged is done. */
  async #follow(happened: Promise<void>): Promise<void> {
    const disk = this.#master.disk;
    let over = false;
    // What was done last has to be logged first.
    void happened
      .then(() => pause(1_000))
      .then(() => {
        over = true;
      });
    // As an operator does before anybody follows a log: it tells only of what changes from then on.
    while ((await this.#run()).exitCode !== 0) await pause(MS_PER_MINUTE);
    for (;;) {
      const client = this.#begin();
      this.tell('rolling begins');
      const log = new SimulatedLog(
        disk,
        () => client.killed,
        (what) => this.violate(what),
      );
      const watch = setInterval(() => {
        const isIdle = disk.log.length + disk.run.length === 0;
        if (over && isIdle) client.stop();
        if (over && this.#time.nowMs > this.#plan.endMs + DRAINED_MS) client.stop();
      }, 1_000);
      const end = await client.follow(log);
      clearInterval(watch);
      this.tell(`rolling ends: ${end.reason}, ${end.unfinished} lines left`);
      if (!client.killed) break;
    }
    if (disk.log.length + disk.run.length > 0) {
      this.violate(
        `after ${DRAINED_MS / MS_PER_MINUTE} minutes in which nobody disturbs the log still says ${JSON.stringify([...disk.run, ...disk.log])}`,
      );
    }
    this.#compare(this.#owners(), 'once the log was done');
    for (const name of this.#replica.mailboxes().keys()) {
      const userid = this.#master.store.ownerOf(name);
      const isGone = userid !== undefined && !this.#master.users().includes(userid);
      if (isGone && !name.startsWith('DELETED.'))
        this.violate(`${name} of a user who is gone is still on the replica`);
    }
  }

  /** Nobody disturbs from now on. */
  #calm(): void {
    this.#atRead.clear();
    this.#replica.clearFaults();
    this.#breaks.length = 0;
    this.#losses.length = 0;
    this.#master.disk.full = false;
    this.#master.mend();
    this.tell('nobody disturbs any more');
  }

  /** All who have mail here; undefined for mailboxes that are nobody's. */
  #owners(): (ByteString | undefined)[] {
    return [...this.#master.users(), undefined];
  }

  #begin(): SimulatedClient {
    const { store } = this.#master;
    const client: SimulatedClient = new SimulatedClient(
      {
        plan: this.#plan,
        random: this.#random,
        replica: this.#replica,
        store,
        nowMs: () => this.#time.nowMs,
        hear: (event) => this.#hear(event),
        violate: (what) => this.violate(what),
        masterServer: () =>
          masterServer({
            store,
            locks: this.#locks,
            isLost: () => {
              this.#countCommand();
              // Its own server goes with the program.
              return client.killed || this.#isMasterLost();
            },
            onChange: (name) => this.#masterChanges(name),
          }),
      },
      () => this.#refusedUntilMs,
      this.#breaks,
    );
    this.#client = client;
    return client;
  }

  #masterChanges(name: ByteString): void {
    this.tell(`master: its server changes ${name}`);
    this.#master.changed(name);
    if (!this.#mayMerge)
      this.violate(`the master's ${name} is changed, although nobody has changed the replica`);
  }

  #isMasterLost(): boolean {
    const [left] = this.#losses;
    if (left === undefined) return false;
    if (left > 1) {
      this.#losses[0] = left - 1;
      return false;
    }
    this.#losses.shift();
    this.tell('the master’s own server is lost');
    return true;
  }

  async #run(): Promise<RunResult> {
    const client = this.#begin();
    this.#retries.clear();
    const before = new Map(this.#owners().map((userid) => [userid, this.#master.changesOf(userid ?? '')]));
    this.tell('a run begins');
    const result = await client.run();
    this.tell(`the run ends with ${result.exitCode}`);
    this.#client = undefined;
    if (result.exitCode === 0 && this.#editing === 0) {
      const leftAlone = [...before].filter(
        ([userid, changes]) => this.#master.changesOf(userid ?? '') === changes,
      );
      this.#compare(
        leftAlone.map(([userid]) => userid),
        'after a run that ended with 0',
      );
    }
    return result;
  }

  /** @param userids undefined: mailboxes that are nobody's */
  #compare(userids: readonly (ByteString | undefined)[], when: string): void {
    const there = { records: this.#changedThere, merged: this.#merged, mailboxes: this.#madeThere };
    const replica = this.#replica.inspect();
    for (const userid of userids) {
      for (const difference of differencesOf(userid, this.#master.store, replica, there))
        this.violate(`${when}: ${difference}`);
    }
  }

  #audit(): void {
    const { store, ledger } = this.#master;
    const owners = new Set(this.#owners());
    for (const name of store.names('')) {
      // Of users who are gone nobody asks what the replica has.
      if (!owners.has(store.ownerOf(name))) continue;
      const view = store.view(name);
      const live = store.records(name).filter(({ flags }) => !flags.includes('\\Expunged'));
      const guids = live.map(({ guid }) => guid);
      const { uniqueid = '' } = view?.entry ?? {};
      for (const violation of ledger.violations(uniqueid, guids, view?.state.deletedmodseq ?? 0))
        this.violate(`${name}: ${violation}`);
    }
    for (const [guid, content] of store.contents()) {
      const hash = createHash('sha1').update(content).digest('hex');
      if (hash !== guid) this.violate(`the master's message ${guid} is another one by now`);
    }
    const there = new Set(this.#replica.mailboxes().values());
    for (const uniqueid of this.#madeThere) {
      if (!there.has(uniqueid)) this.violate(`${uniqueid}, which only the replica had, is gone`);
    }
  }

  async #happen(): Promise<void> {
    for (const step of this.#plan.steps) {
      await pause(Math.max(0, step.atMs - this.#time.nowMs));
      if (step.atRead === undefined) this.#take(step);
    }
  }

  #take(step: Step): void {
    switch (step.kind) {
      case 'edit': {
        const done = this.#master.edit(step.edit, step);
        if (done !== undefined) this.tell(`master: ${done}`);
        break;
      }
      case 'replica-edit':
        void this.#editReplica(step);
        break;
      case 'damage': {
        const damaged = this.#master.damage(step.damage, step, (uniqueid, uid) => {
          this.#changedThere.add(`${uniqueid}/${uid}`);
        });
        if (damaged === undefined) break;
        this.#mayMerge = true;
        this.tell(`master: damaged: ${damaged}`);
        break;
      }
      case 'work':
        void this.#work(step);
        break;
      case 'fault':
        this.#replica.inject(step.fault);
        break;
      case 'full-disk':
        for (const on of ['APPLY RESERVE', 'APPLY MESSAGE', 'APPLY MAILBOX', 'APPLY RENAME'])
          this.#replica.inject({ on, times: step.commands, do: 'no', text: 'IMAP_IOERROR System I/O error' });
        break;
      case 'outage':
        this.tell(`outage of ${step.refuseMs} ms`);
        this.#refusedUntilMs = this.#time.nowMs + step.refuseMs;
        this.#client?.breakLinks();
        break;
      case 'break':
        this.#breaks.push(step);
        break;
      case 'master-lost':
        this.#losses.push(step.nth);
        break;
      case 'log-full':
        this.tell(`the log cannot be written for ${step.forMs} ms`);
        this.#master.disk.full = true;
        setTimeout(() => {
          this.#master.disk.full = false;
        }, step.forMs);
        break;
      case 'lock':
        this.#lock(step);
        break;
      case 'kill':
        if (this.#client === undefined) break;
        this.tell('killed');
        this.#client.kill();
        break;
    }
  }

  async #work({ program, choice, forMs }: Extract<Step, { kind: 'work' }>): Promise<void> {
    const { store } = this.#master;
    const name = this.#master.mailboxAt(choice);
    if (name === undefined) return;
    await workOn(this.#locks, store, program, name, async () => {
      this.tell(`master: ${program} has ${name} for ${forMs} ms`);
      await pause(forMs);
    });
  }

  async #editReplica({ edit, choice, other }: Extract<Step, { kind: 'replica-edit' }>): Promise<void> {
    const names = [...this.#replica.mailboxes().keys()];
    const name = names[Math.floor(choice * names.length)];
    if (name === undefined) return;
    this.#editing += 1;
    this.#mayMerge = true;
    const link = new VirtualLink(AT_ONCE, this.#random.split());
    this.#replica.accept(link.server, true);
    this.#watch.admit(this.#replica.traffic().connections);
    const openSocket = async (): Promise<Socket> => link.client as unknown as Socket;
    let begun: Edited | undefined;
    try {
      const session = await connectReplica(connectionSettings(), {}, { isLocal: () => true, openSocket });
      const done = await editReplica(session, name, edit, other, (edited) => {
        begun = edited;
      });
      await session.exit();
      if (done !== undefined) this.#noteEdited(name, edit, done);
    } catch (error) {
      // Faults strike whoever comes, some of them after it is done.
      this.tell(`replica: ${edit} ${name} failed: ${SyncError.from(error).message}`);
      if (begun !== undefined && isDone(this.#replica.inspect(), begun)) this.#noteEdited(name, edit, begun);
    } finally {
      this.#editing -= 1;
    }
  }

  #noteEdited(name: ByteString, edit: (typeof REPLICA_EDITS)[number], done: Edited): void {
    const { uniqueid, uid, guid, modseq } = done;
    if (edit === 'replica-create') this.#madeThere.add(uniqueid);
    this.#changedThere.add(`${uniqueid}/${uid}`);
    if (edit === 'replica-append') this.#master.ledger.put(uniqueid, guid, modseq);
    if (edit === 'replica-expunge') this.#master.ledger.expunge(uniqueid, guid);
    this.tell(`replica: ${edit} ${done.what}`);
    this.#master.changed(name);
  }

  #lock({ choice, forMs }: Extract<Step, { kind: 'lock' }>): void {
    const users = this.#master.users();
    const userid = users[Math.floor(choice * users.length)];
    if (userid === undefined) return;
    const held = this.#master.store.trySyncLock(SERVER, userid);
    if (!held) return;
    this.tell(`somebody has the sync lock of ${userid} for ${forMs} ms`);
    setTimeout(() => held[Symbol.dispose](), forMs);
  }

  #hear(event: SyncEvent): void {
    if (event.kind === 'command:fullmailbox')
      this.#merged.add(this.#master.store.lookup(event.name)?.uniqueid ?? '');
    if (event.kind === 'user:failed')
      this.tell(`failed: ${event.user} ${event.error.code} ${event.error.message}`);
    if (event.kind === 'run:retry') {
      this.tell(`again: ${event.user} ${event.error.code} ${event.error.message}`);
      if (event.error.family !== 'link') this.#countRetry(event.user);
    }
    if (event.kind === 'connection:failed' || event.kind === 'connection:lost') {
      this.tell(`${event.kind} ${event.error.message}`);
    }
    if ('error' in event && event.error?.code === 'BUG') this.violate(`BUG: ${JSON.stringify(event)}`);
  }

  #countRetry(user: ByteString): void {
    const retries = (this.#retries.get(user) ?? 0) + 1;
    this.#retries.set(user, retries);
    if (retries > MOST_RETRIES) this.violate(`${user} is tried again for the ${retries}th time in one run`);
  }

  violate(what: string): void {
    this.tell(`VIOLATED: ${what}`);
    this.#violations.push(what);
  }
}
