import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/coordinator/clock.ts';
import type { Batch, Job, JobOptions, Outcome, PoolSetup } from '../../src/coordinator/pool/messages.ts';
import type { Allowance, JobPool } from '../../src/coordinator/pool/pool.ts';
import type { RunRequest } from '../../src/coordinator/run/run-request.ts';
import type { ConnectionSettings } from '../../src/protocol/connection-settings.ts';
import type { EventListener } from '../../src/report/events.ts';
import type { ErrorCode, ErrorData, ErrorFamily } from '../../src/report/sync-error.ts';
import type { Enumerated, MailboxEntry, MasterStore } from '../../src/store/master-store.ts';
import type { StoreLayout } from '../../src/store/paths/store-layout.ts';

export const noCounts = { mailboxes: 0, messages: 0, octets: 0 };

export function user(userid: string): Job {
  return { kind: 'user', userid };
}

export function errorData(code: ErrorCode, family: ErrorFamily, fields: Partial<ErrorData> = {}): ErrorData {
  return { code, family, message: `${code} happened`, retryable: false, ...fields };
}

export const connectFailed = errorData('CONNECT_FAILED', 'link', { phase: 'connect', retryable: true });
export const linkBroken = errorData('LINK_BROKEN', 'link', { phase: 'apply', retryable: true });

/** Time that passes only when everything that could happen now has happened. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; call: () => void }>();

  now = (): number => this.#now;

  date = (): number => this.#now;

  after = (delay: number, call: () => void): (() => void) => {
    const timer = { at: this.#now + delay, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Somebody has been busy for so long. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delay, resolve);
    });
  }

  /** Lets `work` come to its end, jumping from timer to timer. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = work.finally(() => {
      done = true;
    });
    end.catch(() => {});
    while (!done) {
      // Whatever is possible without time passing: far more turns than any chain of promises here has.
      for (let turn = 0; turn < 8 && !done; turn += 1) await setImmediate();
      if (!done) this.#fireNext();
    }
    return await end;
  }

  #fireNext(): void {
    const [first] = [...this.#timers].sort((a, b) => a.at - b.at);
    if (!first) throw new Error('nothing can happen any more: the work under test is stuck');
    this.#timers.delete(first);
    this.#now = first.at;
    first.call();
  }
}

/** A store of the given users, each with so many messages, and shared mailboxes. */
export function fakeStore(users: ReadonlyMap<string, number>, shared: readonly string[] = []): MasterStore {
  const unused = (): never => {
    throw new Error('the coordinator has no business with this');
  };
  return {
    *enumerate(): Generator<Enumerated> {
      for (const name of shared) yield { kind: 'shared', name, messages: 1 };
      for (const [userid, messages] of users) yield { kind: 'user', userid, messages };
    },
    *names(prefix) {
      for (const name of [...shared, ...[...users.keys()].map((userid) => `user.${userid}`)]) {
        if (name.startsWith(prefix)) yield name;
      }
    },
    formerNames: unused,
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
  };
}

export type FakeWork = (batch: Batch, emit: EventListener, pool: FakePool) => Promise<Outcome[]>;

/** A pool whose connections do what the test says, and that keeps what it was told. */
export class FakePool implements JobPool {
  readonly batches: Batch[] = [];
  readonly orders: string[] = [];
  running = 0;
  mostRunning = 0;
  allowance: Allowance = { connections: 1, threads: false };
  /** What `cut` does to the jobs in flight. */
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

const layout: StoreLayout = {
  configdirectory: '/nowhere',
  partitions: new Map(),
  metaPartitions: new Map(),
  archivePartitions: new Map(),
  metaDirectories: new Map(),
  metapartitionFiles: [],
  archiveEnabled: false,
  hashimapspool: false,
  fulldirhash: false,
  virtdomains: 'off',
  defaultdomain: '',
  unixhierarchysep: false,
  deletedprefix: 'DELETED',
  mboxlistPath: '/nowhere/mailboxes.db',
  annotationPath: '/nowhere/annotations.db',
  quotaPath: '/nowhere/quota',
  quotaDatabase: 'quotalegacy',
  conversations: false,
  reverseacls: false,
  lockPath: '/nowhere/lock',
  sievedir: '/nowhere/sieve',
  sieveusehomedir: false,
  sieveFolder: '#sieve',
  jmapsubmissionfolder: '#jmapsubmission',
  userLock: 'userid',
};

const connection: ConnectionSettings = {
  server: 'replica',
  port: undefined,
  tryImap: false,
  authname: 'mailproxy',
  realm: undefined,
  password: 'secret',
  mechanisms: undefined,
  localAddress: undefined,
  connectTimeoutMs: 1_000,
  answerTimeoutMs: 1_000,
  keepaliveSeconds: undefined,
  tls: {
    mode: 'off',
    verify: true,
    caFile: undefined,
    caDirectory: undefined,
    certFile: undefined,
    keyFile: undefined,
    minVersion: undefined,
    maxVersion: undefined,
    ciphers: undefined,
  },
  allowClearText: true,
  compression: { mode: 'off', level: undefined },
  sieveMailbox: true,
  stageToArchive: false,
  windowOctets: 1_000_000,
};

const options: JobOptions = {
  partition: undefined,
  local: false,
  noCopyback: false,
  batchSize: 8_192,
  lookAhead: 4,
};

export const setup: PoolSetup = {
  layout,
  locks: 'fcntl',
  threads: 'auto',
  connection,
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
