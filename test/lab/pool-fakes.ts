import type { Batch, Job, JobOptions, Outcome, PoolSetup } from '../../src/coordinator/pool/messages.ts';
import type { Allowance, JobPool } from '../../src/coordinator/pool/pool.ts';
import type { RunRequest } from '../../src/coordinator/run/run-request.ts';
import type { EventListener } from '../../src/report/events.ts';
import type { ErrorCode, ErrorData, ErrorFamily } from '../../src/report/sync-error.ts';
import type { Enumerated, MailboxEntry, MasterStore } from '../../src/store/master-store.ts';
import { plainLayout } from './plain-layout.ts';
import { settingsFor } from './settings.ts';

export const noCounts = { mailboxes: 0, messages: 0, octets: 0 };

export function user(userid: string): Job {
  return { kind: 'user', userid };
}

export function errorData(code: ErrorCode, family: ErrorFamily, fields: Partial<ErrorData> = {}): ErrorData {
  return { code, family, message: `${code} happened`, retryable: false, ...fields };
}

export const connectFailed = errorData('CONNECT_FAILED', 'link', { phase: 'connect', retryable: true });
export const linkBroken = errorData('LINK_BROKEN', 'link', { phase: 'apply', retryable: true });

/** A store of the given users, each with so many messages, and shared mailboxes. */
export function fakeStore(users: ReadonlyMap<string, number>, shared: readonly string[] = []): MasterStore {
  const unused = (): never => {
    throw new Error('the coordinator has no business with this');
  };
  const store: MasterStore = {
    *enumerate(): Generator<Enumerated> {
      for (const name of shared) yield { kind: 'shared', name, messages: 1 };
      for (const [userid, messages] of users) yield { kind: 'user', userid, messages };
    },
    *names(prefix) {
      for (const name of [...shared, ...[...users.keys()].map((userid) => `user.${userid}`)]) {
        if (name.startsWith(prefix)) yield name;
      }
    },
    forJob: () => store,
    refresh: async () => {},
    expect: unused,
    formerNames: unused,
    livingOnceCalled: unused,
    ownerOf: (name) => /^user\.([^.]+)/.exec(name)?.[1],
    lookup: (name): MailboxEntry | undefined => {
      const userid = /^user\.([^.]+)/.exec(name)?.[1];
      if (userid !== undefined && !users.has(userid)) return undefined;
      return {
        name,
        uniqueid: name,
        type: '',
        intermediate: false,
        deleted: false,
        legacyDirs: false,
        partition: 'default',
        acl: '',
        uidvalidity: 1,
        createdmodseq: 1,
        foldermodseq: 1,
        userid,
        inDeleted: false,
      };
    },
    estimate: (userid) => ({ mailboxes: 1, messages: users.get(userid) ?? 0 }),
    estimateMailbox: () => ({ mailboxes: 1, messages: 1 }),
    close: () => {},
    mailboxesOf: unused,
    inboxName: (userid) => `user.${userid}`,
    lookupUniqueid: unused,
    readMailbox: unused,
    peek: unused,
    quota: unused,
    subscriptions: unused,
    seen: unused,
    sieve: unused,
    scriptFiles: unused,
    serverAnnotations: unused,
    trySyncLock: unused,
    tryQuotaRootLock: unused,
  };
  return store;
}

export type FakeWork = (batch: Batch, emit: EventListener, pool: FakePool) => Promise<Outcome[]>;

/** A pool whose connections do what the test says, and that keeps what it was told. */
export class FakePool implements JobPool {
  readonly batches: Batch[] = [];
  readonly orders: string[] = [];
  running = 0;
  mostRunning = 0;
  allowance: Allowance = { connections: 1, threads: false };
  /** Called by `cut`, for the jobs in flight. */
  onCut: () => void = () => {};
  readonly #work: FakeWork;
  readonly #emit: EventListener;
  /** Attempts to connect that fail say nothing of the connection that is up. */
  othersAreUp = false;
  #isUp = false;

  constructor(work: FakeWork, emit: EventListener) {
    this.#work = work;
    this.#emit = (event) => {
      // All batches share one connection, which tells of itself once.
      if (event.kind === 'connection:open' && this.#isUp) return;
      if (event.kind === 'connection:open') this.#isUp = true;
      emit(event);
    };
  }

  async run(batch: Batch): Promise<Outcome[]> {
    this.batches.push(batch);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      const outcomes = await this.#work(batch, this.#emit, this);
      for (const outcome of outcomes) this.#loseFor(outcome);
      return outcomes;
    } finally {
      this.running -= 1;
    }
  }

  #loseFor(outcome: Outcome): void {
    if (!this.#isUp || this.othersAreUp || !('error' in outcome) || outcome.error.family !== 'link') return;
    this.#isUp = false;
    this.#emit({ kind: 'connection:lost', server: 'replica', error: outcome.error });
  }

  cancel(): void {
    this.orders.push('cancel');
  }

  use(allowance: Allowance): void {
    this.allowance = allowance;
  }

  cut(): void {
    this.orders.push('cut');
    this.onCut();
  }

  async close(): Promise<void> {
    this.orders.push('close');
  }
}

export const opened = {
  kind: 'connection:open',
  connection: '0.1',
  server: 'replica',
  flavour: 'csync',
  mechanism: 'PLAIN',
  tls: false,
  compression: false,
  sieveMailbox: false,
} as const;

const options: JobOptions = {
  partition: undefined,
  local: false,
  noCopyback: false,
  batchSize: 8_192,
  lookAhead: 4,
};

export const setup: PoolSetup = {
  layout: plainLayout('/nowhere'),
  locks: 'fcntl',
  threads: 'auto',
  connection: settingsFor('replica'),
  options,
  master: { kind: 'none' },
  traffic: false,
};

export function request(fields: Partial<RunRequest> = {}): RunRequest {
  return {
    mode: { kind: 'all', prefix: undefined },
    setup,
    connections: 4,
    skipLocked: false,
    connectOnce: false,
    reconnectMaxWaitSeconds: 20,
    lockedRetrySeconds: 5,
    ...fields,
  };
}
