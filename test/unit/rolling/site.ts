import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action, ActionResult } from '../../../src/replicate/jobs/action.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { logLines } from '../../../src/report/words/log-lines.ts';
import { RollingDaemon } from '../../../src/rolling/daemon/rolling-daemon.ts';
import type {
  RollingDependencies,
  RollingEnd,
  RollingOptions,
} from '../../../src/rolling/daemon/rolling-options.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import type { RollingUnit, UnitOutcome } from '../../../src/rolling/queue/rolling-unit.ts';
import { quiet, VirtualClock } from '../../lab/virtual-clock.ts';
import { ownerOf } from './names.ts';

/**
 * A master and a replica as numbers: every object that a log line can name has a version on the master; replicating
 * copies the version that it had when the action began.
 */
export class Site {
  readonly directory = mkdtempSync(join(tmpdir(), 'rolling-'));
  readonly clock = new VirtualClock();
  readonly master = new Map<string, number>();
  readonly replica = new Map<string, number>();
  readonly events: SyncEvent[] = [];
  /** Every action begun: `kind user-or-name`, with the virtual time. */
  readonly begun: { at: number; unit: RollingUnit; action: Action; apart: boolean }[] = [];
  readonly file: string;
  channel: string | undefined;
  /** Virtual milliseconds that one action takes. */
  workTime: (action: Action, unit: RollingUnit) => number = () => 10;
  /** The end of an action; undefined = it is done. */
  resultOf: (action: Action, unit: RollingUnit) => ActionResult | undefined = () => undefined;
  replicaUp = true;
  connects = 0;
  restarts = 0;
  shutdown = false;
  skipped = new Set<string>();
  paused = false;
  /** How often the connection broke that all units share which are not run apart. */
  cuts = 0;
  #onCut: (() => void)[] = [];
  /** Counts up at each kill: what the dead process had under way has no effect any more. */
  #life = 0;
  #version = 0;

  constructor(channel?: string) {
    this.channel = channel;
    this.file = syncLogPath(this.directory, channel);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Something changes on the master, and its server logs it. */
  async change(...lines: LogLine[]): Promise<void> {
    for (const line of lines) {
      for (const object of objectsOf(line)) this.master.set(object, ++this.#version);
    }
    await appendToLog(this.file, lines);
  }

  /** Objects that the replica has not got, or not as they are. */
  behind(): string[] {
    return [...this.master]
      .filter(([object, version]) => this.replica.get(object) !== version)
      .map(([o]) => o);
  }

  start(
    options: Partial<RollingOptions> = {},
    deps: Partial<RollingDependencies> = {},
  ): { daemon: RollingDaemon; end: Promise<RollingEnd>; ended: () => RollingEnd | undefined } {
    const life = this.#life;
    const daemon = new RollingDaemon(
      {
        channel: this.channel,
        server: 'replica',
        once: false,
        parallel: 4,
        repeatIntervalMs: 1000,
        sessionTimeoutMs: 0,
        connectOnce: false,
        reconnectMaxWaitSeconds: 20,
        exitWhenReplicaGone: false,
        relogLocked: false,
        reportIntervalMs: 0,
        ...options,
      },
      {
        log: new ChannelLog(this.file, (event) => this.events.push(event)),
        ownerOf,
        inboxOf: () => undefined,
        run: (unit, apart) => this.#run(unit, apart, life),
        connect: async () => {
          this.connects++;
          if (!this.replicaUp) {
            throw new SyncError('CONNECT_FAILED', 'refused', { family: 'link', retryable: true });
          }
        },
        restart: async () => {
          this.restarts++;
        },
        isPaused: () => this.paused,
        isSkipped: (userid) => this.skipped.has(userid),
        shutdownRequested: () => {
          const requested = this.shutdown;
          this.shutdown = false;
          return requested;
        },
        clock: this.clock,
        random: () => 0.5,
        emit: (event) => this.events.push(event),
        ...deps,
      },
    );
    let result: RollingEnd | undefined;
    const end = daemon.run().then((value) => {
      result = value;
      return value;
    });
    return { daemon, end, ended: () => result };
  }

  /** kill -9: the daemon gets no answer and no tick any more, and what is under way has no effect. */
  async kill(): Promise<void> {
    // Up to where it waits for something: it cannot be stopped between two promises, only be left waiting for ever.
    await quiet();
    this.#life++;
    this.clock.forgetTimers();
  }

  /** Tells whether an action brings an object up to date. */
  static copies(action: Action, object: string): boolean {
    return copies(action, object);
  }

  /** The content of the log. */
  logged(): string[] {
    const context = { mode: 'users', channel: undefined, server: 'replica', spellMailbox: asItIs } as const;
    return this.events.flatMap((event) => logLines(event, context)).map(({ text }) => text);
  }

  eventsOf<Kind extends SyncEvent['kind']>(kind: Kind): Extract<SyncEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<SyncEvent, { kind: Kind }> => event.kind === kind);
  }

  /** Lines of `log` and `log-run`. */
  linesOnDisk(): string[] {
    return [`${this.file}-run`, this.file].flatMap((file) =>
      existsSync(file) ? readFileSync(file, 'latin1').split('\n').filter(Boolean) : [],
    );
  }

  startsOf(user: string): number[] {
    return this.begun.filter(({ unit }) => unit.users.includes(user)).map(({ at }) => at);
  }

  /** Breaks the shared connection: everything under way on it fails. */
  cut(): void {
    this.cuts++;
    for (const notice of this.#onCut.splice(0)) notice();
  }

  async #run(unit: RollingUnit, apart: boolean, life: number): Promise<UnitOutcome> {
    const results: ActionResult[] = [];
    const { cuts } = this;
    const broken = new Promise<void>((resolve) => {
      if (!apart) this.#onCut.push(resolve);
    });
    for (const action of unit.actions) {
      const isBroken = !this.replicaUp || results.some((result) => isLinkError(result));
      if (isBroken) {
        results.push({ kind: 'untouched', error: linkError });
        continue;
      }
      if (action.kind === 'unuser' && results.some((result) => result.kind !== 'done')) {
        results.push({ kind: 'untouched', error: refused('CANCELLED') });
        continue;
      }
      this.begun.push({ at: this.clock.now(), unit, action, apart });
      const versions = [...this.master].filter(([object]) => copies(action, object));
      await Promise.race([this.clock.sleep(this.workTime(action, unit)), broken]);
      // A dead process never answers.
      if (life !== this.#life) await new Promise(() => {});
      const wasCut = !this.replicaUp || (!apart && this.cuts > cuts);
      const result = wasCut ? undefined : this.resultOf(action, unit);
      if (result && isLinkError(result) && !apart) this.cut();
      if (wasCut) results.push({ kind: 'failed', error: linkError });
      else if (result) results.push(result);
      else {
        for (const [object, version] of versions) this.replica.set(object, version);
        results.push({ kind: 'done' });
      }
    }
    return { results };
  }
}

export const linkError: ErrorData = {
  code: 'LINK_BROKEN',
  family: 'link',
  message: 'connection reset',
  retryable: true,
};

function isLinkError(result: ActionResult): boolean {
  return result.kind === 'failed' && result.error.family === 'link';
}

export function refused(code: ErrorData['code']): ErrorData {
  return { code, family: 'refused', message: 'no', retryable: false };
}

export function failed(code: ErrorData['code'] = 'IMAP_PROTOCOL_ERROR'): ActionResult {
  return { kind: 'failed', error: refused(code) };
}

export function isUser(action: Action, user: string): boolean {
  return ownersOf(action).includes(user);
}

function ownersOf(action: Action): (string | undefined)[] {
  switch (action.kind) {
    case 'mailboxes':
      return action.names.map(ownerOf);
    case 'quota':
      return [ownerOf(action.root)];
    case 'annotation':
    case 'unmailbox':
      return [ownerOf(action.name)];
    default:
      return [action.userid];
  }
}

function objectsOf(line: LogLine): string[] {
  switch (line.type) {
    case 'MAILBOX':
    case 'APPEND':
      return [`mailbox ${line.name}`];
    case 'RENAME':
    case 'DOUBLEMAILBOX':
      return [`mailbox ${line.from}`, `mailbox ${line.to}`];
    case 'UNMAILBOX':
      return [`unmailbox ${line.name}`];
    case 'ANNOTATION':
      return [`annotation ${line.name}`];
    case 'QUOTA':
      return [`quota ${line.root}`];
    case 'USER':
      return [`user ${line.userid}`];
    case 'UNUSER':
      return [`unuser ${line.userid}`];
    case 'META':
    case 'SIEVE':
      return [`sieve ${line.userid}`];
    case 'SEEN':
      return [`seen ${line.userid} ${line.uniqueid}`];
    case 'SUB':
    case 'UNSUB':
      return [`sub ${line.userid} ${line.name}`];
  }
}

function copies(action: Action, object: string): boolean {
  const [kind = '', subject = ''] = object.split(/ (.*)/s);
  const user = subject.split(' ')[0] ?? '';
  const personal = kind === 'sieve' || kind === 'seen' || kind === 'sub';
  switch (action.kind) {
    case 'mailboxes':
      return kind === 'mailbox' && action.names.includes(subject);
    case 'quota':
      return object === `quota ${action.root}`;
    case 'annotation':
      return object === `annotation ${action.name}`;
    case 'seen':
      return object === `seen ${action.userid} ${action.uniqueid}`;
    case 'sub':
      return object === `sub ${action.userid} ${action.name}`;
    case 'unmailbox':
      return object === `unmailbox ${action.name}`;
    case 'meta':
      return personal && user === action.userid;
    case 'unuser':
      return object === `unuser ${action.userid}`;
    case 'user':
      if (kind === 'mailbox' || kind === 'quota' || kind === 'annotation')
        return ownerOf(subject) === action.userid;
      return (personal || kind === 'user') && user === action.userid;
  }
}
