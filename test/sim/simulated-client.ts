import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/coordinator/clock.ts';
import { BatchRunner } from '../../src/coordinator/pool/batch-runner.ts';
import type { PoolSetup } from '../../src/coordinator/pool/messages.ts';
import { openInlinePool } from '../../src/coordinator/pool/open-inline-pool.ts';
import { realParts } from '../../src/coordinator/pool/real-parts.ts';
import { type RunResult, run } from '../../src/coordinator/run/run.ts';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../src/protocol/connection-settings.ts';
import { connectFailure } from '../../src/protocol/link-errors.ts';
import type { MasterSession } from '../../src/protocol/replica-session.ts';
import { MessagesThere } from '../../src/replicate/engine.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import { RollingDaemon } from '../../src/rolling/daemon/rolling-daemon.ts';
import type { RollingEnd } from '../../src/rolling/daemon/rolling-options.ts';
import type { SyncLog } from '../../src/rolling/log/sync-log.ts';
import type { Sandbox } from '../../src/sandbox/start-sandbox.ts';
import type { MasterStore } from '../../src/store/master-store.ts';
import { setup as defaults, request } from '../lab/pool-fakes.ts';
import type { Plan, Step } from './plan.ts';
import type { Random } from './random.ts';
import { VirtualLink } from './virtual-link.ts';

const UNITS_PER_CONNECTION = 4;
/** How one link is slower than another. */
const OVERTAKING = [1, 1, 1, 3];
/** Octets that may be unanswered on one connection. */
const WINDOW_OCTETS = 64 * 1024;
/** The window, and the command that did not fit into it any more. */
const MOST_UNDER_WAY_OCTETS = 2 * WINDOW_OCTETS;
/** Simulated messages are small. */
const WORTH_LINKING = { message: 1, command: 1 };
export const SERVER = '/simulated/replica';
const MASTER = '/simulated/master';

export interface ClientSite {
  plan: Plan;
  random: Random;
  replica: Sandbox;
  store: MasterStore;
  nowMs: () => number;
  hear: (event: SyncEvent) => void;
  violate: (what: string) => void;
  masterServer: () => MasterSession;
}

/** A running program, until it ends or is killed. */
export class SimulatedClient {
  readonly startedMs: number;
  readonly #site: ClientSite;
  readonly #links = new Set<VirtualLink>();
  readonly #stop = new AbortController();
  #killed = false;
  #refusedUntilMs: () => number;
  readonly #breaks: Extract<Step, { kind: 'break' }>[];

  /** @param breaks of the next connections */
  constructor(site: ClientSite, refusedUntilMs: () => number, breaks: Extract<Step, { kind: 'break' }>[]) {
    this.#site = site;
    this.startedMs = site.nowMs();
    this.#refusedUntilMs = refusedUntilMs;
    this.#breaks = breaks;
  }

  get killed(): boolean {
    return this.#killed;
  }

  kill(): void {
    this.#killed = true;
    this.#stop.abort();
    this.breakLinks();
  }

  /** Asks it to end. */
  stop(): void {
    this.#stop.abort();
  }

  breakLinks(): void {
    for (const link of this.#links) link.break();
  }

  /** One run for everybody. */
  run(): Promise<RunResult> {
    const { plan, store, hear } = this.#site;
    const { mostStaged } = plan;
    const there = new MessagesThere(WORTH_LINKING);
    const setup = this.#setup;
    return run(request({ setup, connections: plan.connections }), {
      emit: hear,
      openStore: () => store,
      openPool: (_connections, emit) =>
        openInlinePool({
          create: () =>
            new BatchRunner({ ...realParts(setup, emit, store, this.#connect), mostStaged, there }),
          onIdleClosed: () => undefined,
          onClose: () => undefined,
        }),
      load: () => ({ thisThread: 0, idleProcessors: 0 }),
      clock: systemClock,
      random: Math.random,
      signal: this.#stop.signal,
    });
  }

  /** Rolling mode, until `stop`. */
  async follow(log: SyncLog): Promise<RollingEnd> {
    const { plan, store, hear } = this.#site;
    const { connections, relogLocked, mostStaged } = plan;
    const there = new MessagesThere(WORTH_LINKING);
    const setup = this.#setup;
    let daemon: RollingDaemon | undefined;
    const pool = openInlinePool({
      create: () => new BatchRunner({ ...realParts(setup, hear, store, this.#connect), mostStaged, there }),
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
        relogLocked,
        reportIntervalMs: 0,
      },
      {
        log,
        ownerOf: (name) => store.ownerOf(name),
        inboxOf: () => undefined,
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
        emit: hear,
      },
    );
    this.#stop.signal.addEventListener('abort', () => {
      daemon?.stop();
      if (this.#killed) pool.cut();
    });
    const end = await daemon.run();
    await pool.close();
    return end;
  }

  get #setup(): PoolSetup {
    const { lookAhead, batchSize } = this.#site.plan;
    return {
      ...defaults,
      connection: connectionSettings(),
      master: { kind: 'server', connection: { ...connectionSettings(), server: MASTER } },
      layout: { ...defaults.layout, conversations: true },
      options: { ...defaults.options, batchSize, lookAhead },
    };
  }

  readonly #connect: typeof connectReplica = async (settings, listeners) => {
    const { plan, replica, random, nowMs } = this.#site;
    if (settings.server === MASTER) return this.#site.masterServer();
    return await connectReplica(settings, listeners, {
      isLocal: () => true,
      openSocket: async () => {
        const { octetsPerSecond } = plan;
        const latencyMs = plan.latencyMs * random.pick(OVERTAKING);
        await pause(2 * latencyMs);
        if (this.#killed || nowMs() < this.#refusedUntilMs()) {
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
          random.split(),
        );
        this.#links.add(link);
        link.client.once('close', () => {
          this.#links.delete(link);
          const { mostUnderWay } = link.server;
          if (mostUnderWay > MOST_UNDER_WAY_OCTETS)
            this.#site.violate(`${mostUnderWay} octets are under way on one connection`);
        });
        replica.accept(link.server, true);
        return link.client as unknown as Socket;
      },
    });
  };
}

export function connectionSettings(): ConnectionSettings {
  return {
    ...defaults.connection,
    server: SERVER,
    authname: undefined,
    password: undefined,
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 60_000,
    windowOctets: WINDOW_OCTETS,
  };
}
