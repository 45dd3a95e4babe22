import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ByteString } from '../../src/byte-string.ts';
import { systemClock } from '../../src/coordinator/clock.ts';
import { BatchRunner } from '../../src/coordinator/pool/batch-runner.ts';
import type { PoolSetup } from '../../src/coordinator/pool/messages.ts';
import { openInlinePool } from '../../src/coordinator/pool/open-inline-pool.ts';
import { realParts } from '../../src/coordinator/pool/real-parts.ts';
import { type RunResult, run } from '../../src/coordinator/run/run.ts';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../src/protocol/connection-settings.ts';
import { connectFailure } from '../../src/protocol/link-errors.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import { RollingDaemon } from '../../src/rolling/daemon/rolling-daemon.ts';
import type { RollingEnd } from '../../src/rolling/daemon/rolling-options.ts';
import type { RecordedCommand } from '../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { setup as defaults, request } from '../lab/pool-fakes.ts';
import { differencesOf } from './differences-of.ts';
import { editReplica } from './edit-replica.ts';
import { masterServer } from './master-server.ts';
import type { Plan, Step } from './plan.ts';
import { Random } from './random.ts';
import { type LogOnDisk, SimulatedLog } from './simulated-log.ts';
import { SimulatedMaster } from './simulated-master.ts';
import { type LinkNature, VirtualLink } from './virtual-link.ts';
import { VirtualTime } from './virtual-time.ts';

const MS_PER_MINUTE = 60_000;
/** Virtual time after which whatever still goes on will never end. */
const PATIENCE_MS = 24 * 60 * MS_PER_MINUTE;
/** Runs that may be needed once nobody disturbs: those who were edited during the last one are done by the next. */
const MOST_LAST_RUNS = 4;
/** Milliseconds that rolling mode has for what is left once nobody disturbs: back-off and quarantine included. */
const DRAINED_MS = 6 * 60 * MS_PER_MINUTE;
const UNITS_PER_CONNECTION = 4;
const SERVER = '/simulated/replica';
const MASTER = '/simulated/master';

export interface Finding {
  /** Violations: what must never be, and was. */
  violations: string[];
  /** Everything that happened, in order. */
  history: string[];
  /** Virtual. */
  elapsedMs: number;
}

/** Lets a plan happen, and says what went wrong. */
export async function simulate(plan: Plan): Promise<Finding> {
  const random = new Random(plan.seed);
  using time = new VirtualTime(random.split());
  const world = await World.begin(plan, random, time);
  return await world.end();
}

/** How a client on the replica's own host is connected. */
const AT_ONCE: LinkNature = { latencyMs: 0, octetsPerSecond: 1e9, cut: undefined, stallOctets: undefined };

/** A running program, until it ends or is killed. */
interface Incarnation {
  startedMs: number;
  links: Set<VirtualLink>;
  stop: AbortController;
  killed: boolean;
}

class World {
  readonly #plan: Plan;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #master: SimulatedMaster;
  readonly #replica: Sandbox;
  readonly #violations: string[] = [];
  readonly #history: string[] = [];
  readonly #applied: string[] = [];
  #incarnation: Incarnation | undefined;
  #refusedUntilMs = 0;
  /** `UNIQUEID/UID`. */
  readonly #changedThere = new Set<string>();
  /** Uniqueids of mailboxes that somebody has made on the replica. */
  readonly #madeThere = new Set<ByteString>();
  /** Edits of the replica that are under way. */
  #editing = 0;
  readonly #breaks: Extract<Step, { kind: 'break' }>[] = [];

  static async begin(plan: Plan, random: Random, time: VirtualTime): Promise<World> {
    let world: World | undefined;
    const replica = await startSandbox({
      recordCommands: (command) => {
        world?.examine(command);
      },
      log: (line) => world?.tell(`replica: ${line}`),
    });
    world = new World(plan, random, time, replica);
    return world;
  }

  private constructor(plan: Plan, random: Random, time: VirtualTime, replica: Sandbox) {
    this.#plan = plan;
    this.#random = random;
    this.#time = time;
    this.#replica = replica;
    this.#master = new SimulatedMaster(plan.users, random.split(), () => time.nowMs);
  }

  tell(line: string): void {
    this.#history.push(`${(this.#time.nowMs / 1_000).toFixed(3)} ${line}`);
  }

  async end(): Promise<Finding> {
    try {
      await this.#time.drive(this.#live(), PATIENCE_MS);
    } catch (error) {
      this.#violate(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    await this.#replica.close();
    return { violations: this.#violations, history: this.#history, elapsedMs: this.#time.nowMs };
  }

  /** Before the replica does it. */
  examine({ command, text }: RecordedCommand): void {
    this.tell(`-> ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`);
    this.#applied.push(text);
    const startedMs = this.#incarnation?.startedMs ?? 0;
    const isKept = (uniqueid: ByteString): boolean => this.#master.isLiveSince(uniqueid, startedMs);
    if (command !== 'APPLY UNMAILBOX' && command !== 'APPLY UNUSER') return;
    const named = text.slice(command.length + 1);
    const there = Object.values(this.#replica.inspect().mailboxes);
    const removed =
      command === 'APPLY UNMAILBOX'
        ? there.filter(({ name }) => name === named)
        : // What is in DELETED stays (protocol 10.14).
          there.filter(({ name }) => name === `user.${named}` || name.startsWith(`user.${named}.`));
    for (const { name, uniqueid } of removed) {
      if (isKept(uniqueid))
        this.#violate(`${text} removes ${name} (${uniqueid}), which is live on the master`);
    }
  }

  async #live(): Promise<void> {
    const happened = this.#happen();
    if (this.#plan.rolling) await this.#follow(happened);
    else await this.#repeat(happened);
    this.#replica.clearFaults();
    this.#breaks.length = 0;
    this.tell('nobody disturbs any more');
    for (let count = 1; ; count += 1) {
      const { exitCode } = await this.#run();
      if (exitCode === 0) break;
      if (count === MOST_LAST_RUNS) {
        this.#violate(`run ${count} after the last disturbance ends with ${exitCode}`);
        return;
      }
      await pause(MS_PER_MINUTE);
    }
    // A run for all knows those who are here; who was removed is told by the sync log alone.
    for (const userid of this.#master.users()) await this.#compare(userid, 'at the end');
    await this.#audit();
    this.#applied.length = 0;
    await this.#run();
    const sent = this.#applied.filter((text) => !text.startsWith('APPLY CAPABILITIES'));
    if (sent.length > 0) this.#violate(`a run with nothing to do sends ${sent[0]}`);
  }

  /** One run for everybody after the other. */
  async #repeat(happened: Promise<void>): Promise<void> {
    const { endMs } = this.#plan;
    while (this.#time.nowMs < endMs) {
      await this.#run();
      await pause(this.#random.between(0, Math.max(3_000, endMs / 40)));
    }
    await happened;
  }

  /** Rolling mode, behind a first copy, until nobody disturbs and all that was logged is done. */
  async #follow(happened: Promise<void>): Promise<void> {
    const disk = this.#master.disk;
    let over = false;
    void happened.then(() => {
      over = true;
      this.#replica.clearFaults();
      this.#breaks.length = 0;
    });
    await this.#run();
    for (;;) {
      const incarnation = this.#begin();
      this.tell('rolling begins');
      const daemon = this.#daemon(incarnation, disk);
      const watch = setInterval(() => {
        const isIdle = disk.log.length + disk.run.length === 0;
        if (over && isIdle) incarnation.stop.abort();
        if (over && this.#time.nowMs > this.#plan.endMs + DRAINED_MS) incarnation.stop.abort();
      }, 1_000);
      const end = await daemon;
      clearInterval(watch);
      this.tell(`rolling ends: ${end.reason}, ${end.unfinished} lines left`);
      if (!incarnation.killed) break;
    }
    if (disk.log.length + disk.run.length > 0) {
      this.#violate(
        `after ${DRAINED_MS / MS_PER_MINUTE} minutes in which nobody disturbs the log still says ${JSON.stringify([...disk.run, ...disk.log])}`,
      );
    }
    for (const userid of this.#master.users()) await this.#compare(userid, 'once the log was done');
    for (const { name } of Object.values(this.#replica.inspect().mailboxes)) {
      const userid = this.#master.store.ownerOf(name);
      const isGone = userid !== undefined && !this.#master.users().includes(userid);
      if (isGone && !name.startsWith('DELETED.'))
        this.#violate(`${name} of a user who is gone is still on the replica`);
    }
  }

  #begin(): Incarnation {
    const incarnation = {
      startedMs: this.#time.nowMs,
      links: new Set<VirtualLink>(),
      stop: new AbortController(),
      killed: false,
    };
    this.#incarnation = incarnation;
    return incarnation;
  }

  async #daemon(incarnation: Incarnation, disk: LogOnDisk): Promise<RollingEnd> {
    const { connections } = this.#plan;
    const setup = this.#setup;
    const { store } = this.#master;
    const emit = (event: SyncEvent): void => this.#hear(event);
    let daemon: RollingDaemon | undefined;
    const pool = openInlinePool({
      create: () => new BatchRunner(realParts(setup, emit, store, this.#connectAs(incarnation))),
      tasksPerConnection: UNITS_PER_CONNECTION,
      onIdleClosed: () => daemon?.replicaClosedIdle(),
      onClose: () => undefined,
    });
    pool.use({ connections, threads: false });
    let tasks = 0;
    const connect = async (): Promise<void> => {
      tasks += 1;
      const { linkError } = await pool.runUnit({ id: tasks, unit: { users: [], actions: [] } });
      if (linkError) throw SyncError.fromData(linkError);
    };
    daemon = new RollingDaemon(
      {
        channel: undefined,
        server: SERVER,
        once: false,
        parallel: connections * UNITS_PER_CONNECTION,
        repeatIntervalMs: 100,
        sessionTimeoutMs: 0,
        connectOnce: false,
        reconnectMaxWaitSeconds: 60,
        exitWhenReplicaGone: false,
        relogLocked: false,
        reportIntervalMs: 0,
      },
      {
        log: new SimulatedLog(disk, () => incarnation.killed),
        ownerOf: (name) => store.ownerOf(name),
        run: async (unit, apart) => {
          tasks += 1;
          return await pool.runUnit({ id: tasks, unit, apart });
        },
        connect,
        restart: async () => {
          pool.renew();
          await connect();
        },
        isPaused: () => false,
        isSkipped: () => false,
        shutdownRequested: () => false,
        clock: systemClock,
        random: Math.random,
        emit,
      },
    );
    incarnation.stop.signal.addEventListener('abort', () => {
      daemon?.stop();
      if (incarnation.killed) pool.cut();
    });
    const end = await daemon.run();
    await pool.close();
    return end;
  }

  #differencesOf(userid: ByteString): Promise<string[]> {
    return differencesOf(userid, this.#master.store, this.#replica.inspect(), {
      records: this.#changedThere,
      mailboxes: this.#madeThere,
    });
  }

  async #compare(userid: ByteString, when: string): Promise<void> {
    for (const difference of await this.#differencesOf(userid)) {
      this.#violate(`${when}: ${difference}`);
    }
  }

  async #audit(): Promise<void> {
    const { store, ledger } = this.#master;
    for (const { name, uniqueid } of this.#master.users().flatMap((userid) => store.mailboxesOf(userid))) {
      const live = store.records(name).filter(({ flags }) => !flags.includes('\\Expunged'));
      const guids = live.map(({ guid }) => guid);
      const deletedmodseq = await store.readMailbox(name, ({ state }) => state.deletedmodseq);
      for (const violation of ledger.violations(uniqueid, guids, deletedmodseq ?? 0))
        this.#violate(`${name}: ${violation}`);
    }
    const there = new Set(Object.values(this.#replica.inspect().mailboxes).map(({ uniqueid }) => uniqueid));
    for (const uniqueid of this.#madeThere) {
      if (!there.has(uniqueid)) this.#violate(`${uniqueid}, which only the replica had, is gone`);
    }
  }

  async #happen(): Promise<void> {
    for (const step of this.#plan.steps) {
      await pause(Math.max(0, step.atMs - this.#time.nowMs));
      this.#take(step);
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
      case 'fault':
        this.#replica.inject(step.fault);
        break;
      case 'outage':
        this.tell(`outage of ${step.refuseMs} ms`);
        this.#refusedUntilMs = this.#time.nowMs + step.refuseMs;
        this.#breakLinks();
        break;
      case 'break':
        this.#breaks.push(step);
        break;
      case 'lock':
        this.#lock(step);
        break;
      case 'kill':
        this.#kill();
        break;
    }
  }

  async #editReplica({ edit, choice, other }: Extract<Step, { kind: 'replica-edit' }>): Promise<void> {
    const names = Object.keys(this.#replica.inspect().mailboxes);
    const name = names[Math.floor(choice * names.length)];
    if (name === undefined) return;
    this.#editing += 1;
    const link = new VirtualLink(AT_ONCE, this.#random.split());
    this.#replica.accept(link.server, true);
    const openSocket = async (): Promise<Socket> => link.client as unknown as Socket;
    try {
      const session = await connectReplica(this.#settings, {}, { isLocal: () => true, openSocket });
      const done = await editReplica(session, name, edit, other);
      await session.exit();
      if (done === undefined) return;
      const { uniqueid, uid, guid, modseq } = done;
      if (edit === 'replica-create') this.#madeThere.add(uniqueid);
      this.#changedThere.add(`${uniqueid}/${uid}`);
      if (edit === 'replica-append') this.#master.ledger.put(uniqueid, guid, modseq);
      if (edit === 'replica-expunge') this.#master.ledger.expunge(uniqueid, guid);
      this.tell(`replica: ${edit} ${done.what}`);
      this.#master.changed(name);
    } catch (error) {
      // Faults strike whoever comes.
      this.tell(`replica: ${edit} ${name} failed: ${SyncError.from(error).message}`);
    } finally {
      this.#editing -= 1;
    }
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

  #kill(): void {
    if (!this.#incarnation) return;
    this.tell('killed');
    this.#incarnation.killed = true;
    this.#incarnation.stop.abort();
    this.#breakLinks();
  }

  #breakLinks(): void {
    for (const link of this.#incarnation?.links ?? []) link.break();
  }

  async #run(): Promise<RunResult> {
    const { connections } = this.#plan;
    const incarnation = this.#begin();
    const setup = this.#setup;
    const { store } = this.#master;
    const before = new Map(this.#master.users().map((userid) => [userid, this.#master.changesOf(userid)]));
    this.tell('a run begins');
    const result = await run(request({ setup, connections }), {
      emit: (event) => this.#hear(event),
      openStore: () => store,
      openPool: (_connections, emit) =>
        openInlinePool({
          create: () => new BatchRunner(realParts(setup, emit, store, this.#connectAs(incarnation))),
          tasksPerConnection: 2,
          onIdleClosed: () => undefined,
          onClose: () => undefined,
        }),
      load: () => ({ thisThread: 0, idleProcessors: 0 }),
      clock: systemClock,
      random: Math.random,
      signal: incarnation.stop.signal,
    });
    this.tell(`the run ends with ${result.exitCode}`);
    this.#incarnation = undefined;
    if (result.exitCode === 0 && this.#editing === 0) {
      for (const [userid, changes] of before) {
        if (this.#master.changesOf(userid) === changes)
          await this.#compare(userid, 'after a run that ended with 0');
      }
    }
    return result;
  }

  get #setup(): PoolSetup {
    const { lookAhead, batchSize } = this.#plan;
    return {
      ...defaults,
      connection: this.#settings,
      master: { kind: 'server', connection: { ...this.#settings, server: MASTER } },
      options: { ...defaults.options, batchSize, lookAhead },
    };
  }

  get #settings(): ConnectionSettings {
    return {
      ...defaults.connection,
      server: SERVER,
      authname: undefined,
      password: undefined,
      connectTimeoutMs: 10_000,
      answerTimeoutMs: 60_000,
      windowOctets: 64 * 1024,
    };
  }

  #connectAs(incarnation: Incarnation): typeof connectReplica {
    return async (settings, listeners) => {
      if (settings.server === MASTER) {
        return masterServer(this.#master.store, (name) => {
          this.tell(`master: its server changes ${name}`);
          this.#master.changed(name);
        });
      }
      return await connectReplica(settings, listeners, {
        isLocal: () => true,
        openSocket: async () => {
          const { latencyMs, octetsPerSecond } = this.#plan;
          await pause(2 * latencyMs);
          if (incarnation.killed || this.#time.nowMs < this.#refusedUntilMs) {
            throw connectFailure(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), SERVER);
          }
          const broken = this.#breaks.shift();
          const link = new VirtualLink(
            {
              latencyMs,
              octetsPerSecond,
              cut: broken && !broken.silently ? broken : undefined,
              stallOctets: broken?.silently ? broken.octets : undefined,
            },
            this.#random.split(),
          );
          incarnation.links.add(link);
          link.client.once('close', () => incarnation.links.delete(link));
          this.#replica.accept(link.server, true);
          return link.client as unknown as Socket;
        },
      });
    };
  }

  #hear(event: SyncEvent): void {
    if (event.kind === 'user:failed')
      this.tell(`failed: ${event.user} ${event.error.code} ${event.error.message}`);
    if (event.kind === 'run:retry')
      this.tell(`again: ${event.user} ${event.error.code} ${event.error.message}`);
    if (event.kind === 'connection:failed' || event.kind === 'connection:lost') {
      this.tell(`${event.kind} ${event.error.message}`);
    }
    if ('error' in event && event.error?.code === 'BUG') this.#violate(`BUG: ${JSON.stringify(event)}`);
  }

  #violate(what: string): void {
    this.tell(`VIOLATED: ${what}`);
    this.#violations.push(what);
  }
}
