/**
 * The door of `operate/state`. Here is how a run, or a channel in rolling mode, stands at this moment: a fold of its events over
 * plain data, and nothing else. It may know the catalogue of events and their words. Display, status, metrics and page are views
 * of it, so that none of them says what another does not. It has no clock: whoever gives it an event gives the time too. Memory
 * is for those at work and those in trouble, never for all users.
 */

import type { ByteString } from '../../byte-string.ts';
import type { SyncEvent, WhyNoMore } from '../../report/events.ts';
import { spellNames } from '../../report/name-in-text.ts';
import { printable, printableBytes } from '../../report/printable.ts';
import { codedReason } from '../../report/reasons.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { Backlogs } from './backlogs.ts';
import { type KnownUser, KnownUsers } from './known-users.ts';
import { SlidingRate } from './rate.ts';
import type { ConnectionView, FailureView, RunMode, RunView, SteeringView, UserView } from './run-view.ts';
import type { Standing, StandingWord } from './standing.ts';
import { TimeLeft } from './time-left.ts';

export interface RunAbout {
  server: string;
  channel: string | undefined;
  rolling: boolean;
  spellMailbox: SpellMailbox;
}

/** Failures that a view tells of by themselves. */
const LATEST_FAILURES = 10;
/** Comparing a user is as much work as sending so many messages: what a connection does of either in the same time. */
const MESSAGES_PER_USER = 100;
const SAMPLE_MS = 1_000;

/** An obstacle to the whole run, until something shows that it is none any more. */
interface Obstacle {
  word: Extract<StandingWord, 'waiting-for-replica' | 'replica-ill' | 'host-out-of-files'>;
  reason: string;
}

/** Users by their last word. Of those done and absent it is told early, and again by the last word. */
type Settled = 'done' | 'absent' | 'locked' | 'failed' | 'notReached';

const SETTLED = {
  replicated: 'done',
  absent: 'absent',
  locked: 'locked',
  failed: 'failed',
  'not-reached': 'notReached',
} as const;

export class RunState {
  readonly #about: RunAbout;
  readonly #began: number;
  #mode: RunMode | null;
  #found = 0;
  #allFound = false;
  #expected = 0;
  /** Messages, as estimated, of the users who are done. */
  #settledMessages = 0;
  /** Messages that are there of users who are at work. */
  #underWay = 0;
  readonly #settled: Record<Settled, number> = { done: 0, absent: 0, locked: 0, failed: 0, notReached: 0 };
  /** Done or absent, and not yet said to be so for good. */
  readonly #early = new Map<string, 'done' | 'absent'>();
  readonly #users = new KnownUsers();
  #messages = 0;
  #octets = 0;
  readonly #rate = new SlidingRate();
  readonly #timeLeft = new TimeLeft();
  #nextSample = 0;
  readonly #connections = new Map<string, { since: number; work: Set<string> }>();
  #most: { most: number; why: WhyNoMore } | null = null;
  #everConnected = false;
  #obstacle: Obstacle | undefined;
  #pauses: readonly string[] = [];
  #limit: number | 'auto' | null = null;
  #bwlimit: number | null = null;
  readonly #skipped = new Set<ByteString>();
  #stopping = false;
  #ended = false;
  readonly #failures: (Omit<FailureView, 'agoMs'> & { at: number })[] = [];
  readonly #retriesByCode: Record<string, number> = {};
  #lockWaits = 0;
  readonly #backlogs: Backlogs;

  /** @param now milliseconds of a clock that never goes back */
  constructor(about: RunAbout, now: number) {
    this.#about = about;
    this.#backlogs = new Backlogs(about.spellMailbox);
    this.#began = now;
    this.#mode = about.rolling ? 'rolling' : null;
  }

  get spellMailbox(): SpellMailbox {
    return this.#about.spellMailbox;
  }

  /** @returns whether it is of interest to whoever shows it */
  hear(event: SyncEvent, now: number): boolean {
    const told = this.#take(event, now);
    if (now >= this.#nextSample) {
      this.#nextSample = now + SAMPLE_MS;
      this.#sample(now);
    }
    return told;
  }

  #take(event: SyncEvent, now: number): boolean {
    switch (event.kind) {
      case 'run:start':
        this.#mode = event.mode;
        return true;
      case 'run:discovered':
        this.#found = event.users;
        this.#expected = event.messages;
        this.#allFound = event.complete;
        return true;
      case 'run:connections':
        this.#most = { most: event.most, why: event.why };
        return true;
      case 'run:parked':
        this.#stopsWork(event.key);
        this.#early.delete(event.key);
        this.#users.inTrouble(event.key, [event.user], 'waiting-for-lock', now);
        return true;
      case 'run:retry':
        this.#stopsWork(event.key);
        this.#early.delete(event.key);
        this.#countRetry(event.error);
        this.#users.inTrouble(event.key, [event.user], 'waiting-to-retry', now, event);
        return true;
      case 'run:steered':
        this.#steered(event, now);
        return true;
      case 'run:stopping':
        this.#stopping = true;
        return true;
      case 'run:end':
        this.#ended = true;
        return true;
      case 'user:progress':
        this.#progressed(event.user, event.messages, event.octets, now);
        return true;
      case 'user:settled': {
        this.#early.delete(event.key);
        this.#stopsWork(event.key);
        const settled = SETTLED[event.status];
        this.#settled[settled] += 1;
        const users = [event.user];
        if (event.status === 'failed') this.#failed(event.key, users, now, event.error);
        else if (event.status === 'locked') this.#users.inTrouble(event.key, users, 'locked', now);
        else this.#users.ended(event.key);
        return true;
      }
      default:
        return this.#takeOfConnection(event, now) || this.#takeOfRolling(event, now);
    }
  }

  #takeOfConnection(event: SyncEvent, now: number): boolean {
    switch (event.kind) {
      case 'connection:open':
        this.#everConnected = true;
        this.#rate.start(now);
        this.#connections.set(event.connection, { since: now, work: new Set() });
        if (this.#obstacle?.word === 'waiting-for-replica') this.#obstacle = undefined;
        return true;
      case 'connection:closed':
        return this.#connections.delete(event.connection);
      case 'connection:lost':
        return event.connection !== undefined && this.#connections.delete(event.connection);
      case 'connection:failed':
        this.#obstacle = { word: 'waiting-for-replica', reason: this.#reason(event.error) };
        return true;
      case 'replica:ill':
        this.#obstacle = { word: 'replica-ill', reason: this.#reason(event.error) };
        return true;
      case 'host:out-of-files':
        this.#obstacle = { word: 'host-out-of-files', reason: this.#reason(event.error) };
        return true;
      case 'work:begun': {
        const { key, connection, users, mailboxes } = event;
        this.#users.begun({ key, users, mailboxes, since: now, connection });
        this.#connections.get(connection)?.work.add(key);
        if (this.#obstacle?.word === 'host-out-of-files') this.#obstacle = undefined;
        return true;
      }
      case 'work:ended': {
        const { key, result, size } = event;
        this.#connections.get(event.connection)?.work.delete(key);
        this.#underWay -= this.#users.ended(key)?.messages ?? 0;
        if (result === 'locked') this.#waitsForLock(key, event.users, now);
        if (result !== 'synced' && result !== 'absent') return true;
        this.#obstacle = undefined;
        this.#settledMessages += size;
        if (this.#about.rolling) this.#settled.done += 1;
        else this.#early.set(key, result === 'synced' ? 'done' : 'absent');
        return true;
      }
      default:
        return false;
    }
  }

  /** That it is parked is told at the first attempt alone; in rolling mode users are known by another key. */
  #waitsForLock(key: string, users: readonly ByteString[], now: number): void {
    this.#lockWaits += 1;
    if (!this.#about.rolling) this.#users.inTrouble(key, users, 'waiting-for-lock', now);
  }

  #takeOfRolling(event: SyncEvent, now: number): boolean {
    switch (event.kind) {
      case 'rolling:parked':
        this.#users.inTrouble(troubleKey(event.user), [event.user], 'waiting-for-lock', now, {
          parked: event.why,
        });
        break;
      case 'rolling:retry':
      case 'rolling:quarantined':
        this.#countRetry(event.error);
        this.#settled.failed += 1;
        this.#addFailure([event.user], now, event.error);
        this.#users.inTrouble(troubleKey(event.user), [event.user], 'waiting-to-retry', now, event);
        break;
      case 'rolling:replicated':
        for (const user of event.users) this.#users.ended(troubleKey(user));
        break;
      case 'rolling:backlog':
        // It may have come up over a connection that was there already, of which nothing is told.
        if (event.backlog.link === 'up' && this.#obstacle?.word === 'waiting-for-replica') {
          this.#obstacle = undefined;
        }
        break;
      default:
        break;
    }
    return this.#backlogs.hear(event, now);
  }

  /** A thread that died has not said that its work ended. */
  #stopsWork(key: string): void {
    const known = this.#users.ended(key);
    if (known?.state !== 'running') return;
    this.#underWay -= known.messages;
    if (known.connection !== undefined) this.#connections.get(known.connection)?.work.delete(key);
  }

  #progressed(user: ByteString, messages: number, octets: number, now: number): void {
    this.#messages += messages;
    this.#octets += octets;
    this.#rate.add(octets, messages, now);
    if (this.#users.progressed(user, messages, octets)) this.#underWay += messages;
  }

  #steered(event: Extract<SyncEvent, { kind: 'run:steered' }>, now: number): void {
    switch (event.what) {
      case 'connections':
        this.#limit = event.limit;
        break;
      case 'bwlimit':
        this.#bwlimit = event.octetsPerSecond ?? null;
        break;
      case 'pauses':
        this.#pauses = event.reasons.map(printable);
        break;
      case 'skip':
        this.#skipped.add(event.user);
        break;
      case 'unskip':
        this.#skipped.delete(event.user);
        break;
      case 'retry':
        if (event.failedKey === undefined) break;
        this.#settled.failed -= 1;
        this.#users.inTrouble(event.failedKey, [event.user], 'waiting-to-retry', now);
        break;
      case 'now':
      case 'stop':
        break;
    }
  }

  #countRetry({ code }: ErrorData): void {
    this.#retriesByCode[code] = (this.#retriesByCode[code] ?? 0) + 1;
  }

  #failed(key: string, users: readonly ByteString[], now: number, error: ErrorData | undefined): void {
    this.#users.inTrouble(key, users, 'failed', now, { error });
    if (error) this.#addFailure(users, now, error);
  }

  #addFailure(users: readonly ByteString[], at: number, error: ErrorData): void {
    const { code, hint } = error;
    const message = this.#reason(error);
    const user = users.map((each) => this.#named(each)).join(' ') || 'shared mailboxes';
    this.#failures.unshift({
      user,
      code,
      message,
      hint: hint === undefined ? null : printable(spellNames(hint, this.#about.spellMailbox)),
      at,
    });
    this.#failures.length = Math.min(this.#failures.length, LATEST_FAILURES);
  }

  #reason(error: ErrorData): string {
    return printableBytes(codedReason(error, this.#about.spellMailbox));
  }

  get #left(): number {
    const { done, absent, locked, failed, notReached } = this.#settled;
    if (this.#about.rolling) return 0;
    return Math.max(0, this.#found - done - absent - locked - failed - notReached - this.#early.size);
  }

  /** The part of the work that is done: users and messages in one measure. */
  get #fraction(): number {
    if (this.#found === 0) return this.#ended ? 1 : 0;
    // The size of those who end without mail is not told: on average it is everybody's.
    const { locked, failed, notReached } = this.#settled;
    const dropped = ((failed + locked + notReached) / this.#found) * this.#expected;
    const messages = Math.min(this.#expected, this.#settledMessages + dropped + this.#underWay);
    const whole = this.#expected + this.#found * MESSAGES_PER_USER;
    return Math.min(1, (messages + (this.#found - this.#left) * MESSAGES_PER_USER) / whole);
  }

  /** Messages that are still to come, as far as they may have to. */
  get #messagesLeft(): number {
    return Math.max(0, this.#expected * (1 - this.#fraction));
  }

  #sample(now: number): number | undefined {
    // What is done before all is known is no share of the whole.
    if (!this.#allFound || this.#about.rolling) return undefined;
    return this.#timeLeft.estimate((now - this.#began) / 1_000, this.#fraction);
  }

  get #standing(): Standing {
    if (this.#ended) return { word: 'ended' };
    if (this.#stopping) return { word: 'stopping' };
    if (this.#pauses.length > 0) return { word: 'throttled', reason: this.#pauses.join('; ') };
    if (this.#obstacle) return { ...this.#obstacle };
    const running = this.#users.count('running');
    if (!this.#everConnected && running === 0) return { word: 'connecting' };
    if (running === 0 && this.#about.rolling) return { word: 'idle' };
    if (running === 0 && this.#allFound && this.#left > 0) {
      const locked = this.#users.count('waiting-for-lock');
      if (locked === this.#left) return { word: 'waiting-for-lock', reason: `${locked} users` };
      const again = this.#users.count('waiting-to-retry');
      if (locked + again === this.#left) return { word: 'waiting-to-retry', reason: `${again} users` };
    }
    return { word: 'copying' };
  }

  view(now: number): RunView {
    const { server, channel, rolling } = this.#about;
    const standing = this.#standing;
    const elapsedMs = Math.max(0, now - this.#began);
    const seconds = Math.max(1, elapsedMs / 1_000);
    const octetsEach = this.#messages > 0 ? this.#octets / this.#messages : undefined;
    const knowsEnd = this.#allFound && !rolling;
    const secondsLeft = knowsEnd && this.#left > 0 ? (this.#sample(now) ?? null) : null;
    return {
      standing,
      server: printable(server),
      channel: channel === undefined ? null : printable(channel),
      mode: this.#mode,
      elapsedMs,
      users: this.#counts(),
      messages: this.#messages,
      octets: this.#octets,
      rateNow: this.#rate.perSecond(now),
      rateAverage: { octets: this.#octets / seconds, messages: this.#messages / seconds },
      done: knowsEnd ? this.#fraction : null,
      octetsLeft: knowsEnd && octetsEach !== undefined ? Math.round(this.#messagesLeft * octetsEach) : null,
      secondsLeft,
      connections: this.#connectionViews(standing, now),
      connectionsMost: this.#most,
      failures: this.#failures.map(({ at, ...failure }) => ({ ...failure, agoMs: now - at })),
      retriesByCode: { ...this.#retriesByCode },
      lockWaits: this.#lockWaits,
      steering: this.#steering(),
      rolling: rolling ? this.#backlogs.view(now) : null,
    };
  }

  /** @param state of which sort @param most so many of them */
  users(state: KnownUser['state'], most: number, now: number): UserView[] {
    const views: UserView[] = [];
    for (const user of this.#users.in(state)) {
      if (views.length >= most) break;
      views.push(this.#userView(user, now));
    }
    return views;
  }

  /** Those who wait for a lock or their next attempt, or are skipped. */
  heldUp(most: number, now: number): UserView[] {
    const locked = this.users('waiting-for-lock', most, now);
    return [...locked, ...this.users('waiting-to-retry', most - locked.length, now)];
  }

  /** Those at work, whoever is at it longest first. */
  slow(most: number, now: number): UserView[] {
    const running = [...this.#users.in('running')].sort((a, b) => a.since - b.since);
    return running.slice(0, most).map((user) => this.#userView(user, now));
  }

  #counts(): RunView['users'] {
    const settled = { ...this.#settled };
    for (const how of this.#early.values()) settled[how] += 1;
    const running = this.#users.count('running');
    const waitingForLock = this.#users.count('waiting-for-lock');
    const waitingToRetry = this.#users.count('waiting-to-retry');
    const left = this.#left;
    const waiting = this.#about.rolling
      ? this.#backlogs.waiting
      : Math.max(0, left - running - waitingForLock - waitingToRetry);
    const busy = { waiting, running, waitingForLock, waitingToRetry };
    return { found: this.#found, allFound: this.#allFound, ...busy, ...settled, left };
  }

  #connectionViews(run: Standing, now: number): ConnectionView[] {
    return [...this.#connections].map(([connection, { work }]) => {
      const users = [...work].flatMap((key) => {
        const known = this.#users.get(key);
        return known ? [this.#userView(known, now)] : [];
      });
      const word = users.length === 0 ? 'idle' : 'copying';
      return { connection, standing: run.word === 'throttled' ? run : { word }, work: users };
    });
  }

  #userView(user: KnownUser, now: number): UserView {
    const { users, mailboxes, since, connection, messages, octets } = user;
    const names = users.filter((name) => name !== '').map((name) => this.#named(name));
    const group = mailboxes && `${mailboxes.length} mailboxes from ${this.#spell(mailboxes[0] ?? '')}`;
    return {
      user: names.join(' ') || (group ?? 'shared mailboxes'),
      standing: this.#standingOf(user),
      forMs: now - since,
      connection: connection ?? null,
      messages,
      octets,
    };
  }

  #standingOf({ users, state, error, parked }: KnownUser): Standing {
    if (state === 'running') {
      const run = this.#standing;
      return run.word === 'throttled' ? run : { word: 'copying' };
    }
    if (state === 'waiting-for-lock') {
      if (users.some((name) => this.#skipped.has(name))) return { word: 'skipped', reason: 'as asked' };
      if (parked === 'skip-file') return { word: 'skipped', reason: 'by its skipuser file' };
    }
    return { word: state, ...(error && { reason: this.#reason(error) }) };
  }

  /** Shared mailboxes have a place among users, under their names. */
  #named(user: ByteString): string {
    return printableBytes(spellNames(user, this.#about.spellMailbox));
  }

  #spell(mailbox: ByteString): string {
    return printableBytes(this.#about.spellMailbox(mailbox));
  }

  #steering(): SteeringView {
    return {
      connections: this.#limit,
      bwlimit: this.#bwlimit,
      pauses: [...this.#pauses],
      skipped: [...this.#skipped].map(printableBytes),
    };
  }
}

function troubleKey(user: ByteString): string {
  return `trouble:${user}`;
}
