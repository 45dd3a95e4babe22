import { nowMs } from '../../now-ms.ts';
import type { ConnectionListeners } from '../../protocol/connection-settings.ts';
import type { ReplicaSession } from '../../protocol/replica-session.ts';
import {
  type BorrowedLink,
  Partitions,
  QuotaRootLock,
  type ReplicaLink,
  Stage,
} from '../../replicate/engine.ts';
import type { EventListener } from '../../report/events.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import { type Attempt, beginAttempt } from './begin-attempt.ts';
import { LadenIntake } from './laden-intake.ts';
import type { PoolSetup } from './messages.ts';
import { connectionsOf } from './open-ends.ts';
import { tellExposure } from './tell-exposure.ts';
import { TrafficTeller } from './traffic-teller.ts';

/** A session with the replica and all that is known of it. */
export type RunnerLink = ReplicaLink & {
  quotaRootLock: QuotaRootLock;
  /** Its name in events. */
  connection: string;
  /** Tasks that are using it. */
  uses: number;
  /** For jobs with much to send. */
  intake: LadenIntake;
  /** `servedMs` of the session at the outcome before. */
  servedBefore: number;
  traffic: TrafficTeller;
};

/** The parts that a kept link works with. */
export interface KeptLinkParts {
  setup: PoolSetup;
  emit: EventListener;
  connect(listeners: ConnectionListeners): Promise<ReplicaSession>;
  /** Number of this thread; undefined: the main one, 0. */
  thread?: number;
  /** Messages after which the replica's stage is dropped; undefined: as many as pay. */
  mostStaged?: number | undefined;
}

/**
 * One connection to the replica: made when it is first needed, kept from task to task, made anew once it is broken. One that
 * was replaced lives until its last task is done. Every end of a connection is told once, as closed or as lost, by whoever
 * notices it first: others count those that are up.
 */
export class KeptLink {
  readonly #parts: KeptLinkParts;
  #link: RunnerLink | undefined;
  /** Those whose end has not been told: the one above, and others that tasks are still at work on. */
  readonly #living = new Set<RunnerLink>();
  #attempt: Attempt<RunnerLink> | undefined;
  #connectMs = 0;
  #stopping = false;
  /** Why there is no connection any more. */
  #over: SyncError | undefined;

  constructor(parts: KeptLinkParts) {
    this.#parts = parts;
  }

  /** How long it took to make the connection. */
  get connectMs(): number {
    return this.#connectMs;
  }

  get connected(): boolean {
    return this.#link !== undefined && !this.#link.session.broken;
  }

  /** Tasks that come at the same time share one attempt. @throws SyncError as `connect`; CANCELLED after `cut` or `exit` */
  get(): Promise<RunnerLink> {
    if (this.#link && !this.#link.session.broken) return Promise.resolve(this.#link);
    if (this.#link) this.#drop(this.#link);
    if (this.#over) return Promise.reject(this.#over);
    this.#attempt ??= beginAttempt(() =>
      this.#connect().finally(() => {
        this.#attempt = undefined;
      }),
    );
    return this.#attempt.made;
  }

  /** Keeps the link alive until disposed of, though it be replaced. */
  use(link: RunnerLink): Disposable {
    link.uses += 1;
    return {
      [Symbol.dispose]: () => {
        link.uses -= 1;
        if (link.uses === 0 && link !== this.#link) void this.#leave(link);
      },
    };
  }

  /** The connection, for a job of another one. @throws SyncError as for the first connection */
  async lend(): Promise<BorrowedLink> {
    const link = await this.get();
    const use = this.use(link);
    const { session, stage, partitions } = link;
    return {
      session,
      stage,
      partitions,
      [Symbol.dispose]: () => {
        // Before it is given back: with its last use it would be told as closed.
        if (session.broken) this.lose(link, brokenWhileLent(session.info.server).toData());
        use[Symbol.dispose]();
      },
    };
  }

  /** Gives all that is begun after this a new connection. */
  renew(): void {
    const link = this.#link;
    this.#link = undefined;
    if (link && link.uses === 0) void this.#leave(link);
  }

  /** Drops the connection if the replica closed it while nothing was under way. @returns whether it had */
  dropIdleClosed(): boolean {
    const link = this.#link;
    if (!link?.session.broken || link.uses > 0) return false;
    this.#drop(link);
    return true;
  }

  /** Each of the tasks that were at work on it may say so. */
  lose(link: RunnerLink, error: ErrorData): void {
    if (this.#link === link) this.#link = undefined;
    link.session.destroy();
    this.#tellEnd(link, this.#stopping ? undefined : error);
  }

  /** From now on a lost connection is nobody's news, and told as closed. */
  cancel(): void {
    this.#stopping = true;
  }

  /** Cuts the connection, and those that it has replaced: whatever waits for an answer or for a new one fails at once. */
  cut(reason: SyncError): void {
    this.#end(reason);
    this.#link = undefined;
    for (const link of this.#living) {
      link.session.destroy(reason);
      this.#tellEnd(link);
    }
  }

  /** Takes leave of the replica. Never rejects. */
  async exit(): Promise<void> {
    this.#end(takenLeave());
    const link = this.#link;
    this.#link = undefined;
    if (link) await this.#leave(link);
  }

  #end(reason: SyncError): void {
    this.#stopping = true;
    this.#over ??= reason;
    this.#attempt?.abandon(reason);
  }

  /** Nothing more is begun on it, as it is broken. Tasks that are at work on it will find out, and say how. */
  #drop(link: RunnerLink): void {
    this.#link = undefined;
    link.session.destroy();
    if (link.uses === 0) this.#tellEnd(link);
  }

  async #leave(link: RunnerLink): Promise<void> {
    this.#tellEnd(link);
    if (!link.session.broken) await link.session.exit();
  }

  /** @param error undefined: it is as good as closed */
  #tellEnd(link: RunnerLink, error?: ErrorData): void {
    if (!this.#living.delete(link)) return;
    const { connection, session, traffic } = link;
    const { server } = session.info;
    traffic.tell();
    this.#parts.emit(
      error
        ? { kind: 'connection:lost', connection, server, error }
        : { kind: 'connection:closed', connection, server },
    );
  }

  async #connect(): Promise<RunnerLink> {
    const { setup, emit, connect, mostStaged } = this.#parts;
    const { server } = setup.connection;
    const began = nowMs();
    const session = await connect({
      onTraffic: setup.traffic ? (direction, text) => emit({ kind: 'traffic', direction, text }) : undefined,
      onCompression: (start) => emit({ kind: 'connection:compressed', server, ...start }),
    });
    if (this.#over) {
      session.destroy();
      throw this.#over;
    }
    const connection = nextConnection(this.#parts.thread ?? 0);
    const link: RunnerLink = {
      connection,
      session,
      stage: new Stage(session, mostStaged),
      partitions: new Partitions(session),
      quotaRootLock: new QuotaRootLock(),
      uses: 0,
      intake: new LadenIntake(session, nowMs() - began),
      servedBefore: 0,
      traffic: new TrafficTeller(connection, session, emit),
    };
    this.#link = link;
    this.#living.add(link);
    this.#connectMs = nowMs() - began;
    const { flavour, mechanism, tls, compression, sieveMailbox } = session.info;
    emit({ kind: 'connection:open', connection, server, flavour, mechanism, tls, compression, sieveMailbox });
    tellExposure(session, emit);
    if (setup.connection.stageToArchive && !session.info.stagesToArchive) {
      emit({ kind: 'replica:no-archive', server });
    }
    return link;
  }
}

let connections = 0;

/** Threads count for themselves. */
function nextConnection(thread: number): string {
  connections += 1;
  return connectionsOf(thread) + connections;
}

function takenLeave(): SyncError {
  return new SyncError('CANCELLED', 'the connection was given up', { retryable: true });
}

function brokenWhileLent(server: string): SyncError {
  return new SyncError('LINK_BROKEN', `the connection to ${server} broke`, {
    family: 'link',
    retryable: true,
  });
}
