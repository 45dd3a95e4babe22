/**
 * The door of `protocol/link`. Here commands are in flight: written in the order in which they were submitted, answered in
 * the same, as many as the window takes. It knows neither what a command means nor how a socket is made. A refusal is the
 * matter of its own command; a broken link fails everything in flight and everything after, with what was unanswered longest.
 */

import type { ByteString } from '../../byte-string.ts';
import { assertNoLockHeld } from '../../native/lock-scope.ts';
import { nowMs } from '../../now-ms.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { DlistParserOptions } from '../dlist/parser.ts';
import type { DlistValue } from '../dlist/value.ts';
import { linkError } from '../link-errors.ts';
import type { WireTraffic } from '../replica-session.ts';
import { ResponseReader } from '../wire/response-reader.ts';
import type { Traffic } from '../wire/traffic.ts';
import { type Consumer, silenceError, type Transport } from '../wire/transport.ts';
import type { Framing, Verb } from './framing.ts';
import { type CommandArgs, knownOctets, OutputQueue } from './output-queue.ts';
import {
  badResponse,
  byeResponse,
  fatalError,
  filesNotTaken,
  refusal,
  zeroLengthResponse,
} from './refusals.ts';
import { SendWindow } from './send-window.ts';
import { ServiceTime } from './service-time.ts';

/** One command and what becomes of its answers. */
export interface Command<T> {
  verb: Verb;
  /** Its name in the log lines of the C client. */
  name: string;
  /** Internal name of the one mailbox that it is for, if there is one. */
  mailbox?: ByteString | undefined;
  /** Between the verb and the line end, without the space in front. */
  args?: CommandArgs;
  /** Octets of `args` if known beforehand; counted as in flight at once. */
  octets?: number;
  valueOptions?: DlistParserOptions;
  /** Nothing is written behind it before it is answered. */
  alone?: boolean;
  /** Its arguments hold whole messages. */
  carriesFiles?: boolean;
  /** Messages and mailboxes that the replica writes for it. */
  stores?: number;
  /** Gives up what its arguments are made of. Called once no more of them is written, be it that they never were looked at. */
  release?(): void;
  /** Errors thrown here become the command's error. */
  untagged?(name: ByteString, value: DlistValue): void;
  /** On OK. */
  result(): T;
  /** On NO: a result instead of the error, or undefined to let the error stand. */
  refused?(error: SyncError, text: ByteString): { result: T } | undefined;
}

interface Pending {
  command: Command<unknown>;
  tag: string | undefined;
  octets: number;
  /** Milliseconds of `nowMs()`. */
  submittedAt: number;
  /** First error of our own while writing it or reading its answers. */
  failure: SyncError | undefined;
  resolve(value: unknown): void;
  reject(error: SyncError): void;
}

/** Smaller commands are answered soon on any link, and say nothing of it. */
const JUDGED_OCTETS = 16 * 1024;

/** Messages and mailboxes before which their mean says nothing: at its first ones a process of the replica opens all its databases. */
const LEAST_STORED = 8;

const NO_OPTIONS: DlistParserOptions = {};

/**
 * Commands in flight, first in first out: written in the order of `submit`, answered in the same order (protocol 1).
 *
 * open: takes commands. closing: EXIT is sent, takes no more. broken: every command, in flight or new, fails with `reason`.
 */
export class CommandQueue implements Consumer {
  readonly #transport: Transport;
  readonly #framing: Framing;
  readonly #reader: ResponseReader;
  readonly #output: OutputQueue;
  readonly #window: SendWindow;
  readonly #served = new ServiceTime();
  /** Messages and mailboxes. */
  readonly #stored = { answered: 0, unanswered: 0, servedMs: 0 };
  #pending: Pending[] = [];
  #head = 0;
  #octetsInFlight = 0;
  #octetsAnswered = 0;
  #answers = 0;
  #windowWaiters: { resolve(): void; reject(error: SyncError): void }[] = [];
  #broken: SyncError | undefined;
  #closing = false;
  #onAlone: (() => void) | undefined;

  /** @param windowOctets how many may be unanswered at most */
  constructor(transport: Transport, traffic: Traffic, framing: Framing, windowOctets: number) {
    this.#transport = transport;
    this.#framing = framing;
    this.#window = new SendWindow(windowOctets);
    this.#reader = new ResponseReader(
      {
        valueOptions: () => this.#oldest?.command.valueOptions ?? NO_OPTIONS,
        untagged: (name, value) => this.#untagged(name, value),
        notice: (name, text) => this.#notice(name, text),
        final: (line) => this.#final(line),
      },
      traffic,
    );
    this.#output = new OutputQueue(transport, traffic);
    transport.setConsumer(this);
  }

  get octetsAnswered(): number {
    return this.#octetsAnswered;
  }

  /** Milliseconds that the replica was at work on commands of this connection. */
  get servedMs(): number {
    return this.#served.total;
  }

  /** Milliseconds that an answer needs on its way. */
  get wayMs(): number {
    return this.#served.wayMs;
  }

  /**
   * Milliseconds that the replica will be at work on what it is to store and has not answered, by what it took for that
   * so far; undefined: it has not been seen at work on enough of it.
   */
  get backlogMs(): number | undefined {
    const { answered, unanswered, servedMs } = this.#stored;
    const oldest = this.#oldest;
    const underWay = oldest?.command.stores ?? 0;
    const soFarMs = oldest && underWay > 0 ? this.#served.soFar(oldest.submittedAt, nowMs()) : 0;
    const seen = answered + (soFarMs > 0 ? underWay : 0);
    return seen < LEAST_STORED ? undefined : (unanswered * (servedMs + soFarMs)) / seen;
  }

  /** Milliseconds that the replica took for a message or mailbox to store, in the mean; undefined: it has answered too few. */
  get storeMs(): number | undefined {
    const { answered, servedMs } = this.#stored;
    return answered < LEAST_STORED ? undefined : servedMs / answered;
  }

  get traffic(): WireTraffic {
    const { sentOctets, receivedOctets } = this.#transport;
    return { sentOctets, receivedOctets, answers: this.#answers };
  }

  get broken(): boolean {
    return this.#broken !== undefined;
  }

  /** The oldest unanswered command's name, if there is one: an answer is due. */
  get waitingFor(): string | undefined {
    return this.#oldest?.command.name;
  }

  get #oldest(): Pending | undefined {
    return this.#pending[this.#head];
  }

  /**
   * The promise never counts as an unhandled rejection: a caller that stops at the first failure of several commands in
   * flight need not mind the others. Whoever awaits it gets the error.
   */
  submit<T>(command: Command<T>): Promise<T> {
    assertNoLockHeld(`${command.name} was sent`);
    const promise = new Promise<T>((resolve, reject) => {
      const refuse = this.#broken ?? (this.#closing ? closedByUs() : undefined);
      if (refuse !== undefined) {
        command.release?.();
        reject(refuse);
        return;
      }
      const { prefix, tag } = this.#framing.frame(command.verb);
      let answered = (): void => {};
      const until = command.alone
        ? new Promise<void>((resolve) => {
            answered = resolve;
          })
        : undefined;
      const pending: Pending = {
        command,
        tag,
        octets: 0,
        submittedAt: nowMs(),
        failure: undefined,
        resolve: (value) => {
          resolve(value as T);
          answered();
        },
        reject: (error) => {
          reject(error);
          answered();
        },
      };
      let written = 0;
      const job = {
        prefix,
        args: command.args,
        until,
        onWritten: (octets: number) => {
          written += octets;
          if (written > pending.octets) this.#count(pending, written - pending.octets);
        },
        onFailed: (error: SyncError) => {
          pending.failure = error;
          this.destroy(
            linkError('LINK_BROKEN', `${command.name} could not be sent to its end: ${error.message}`),
          );
        },
        release: () => command.release?.(),
      };
      // What cannot be encoded throws here, and nothing has happened yet.
      const begun = this.#output.prepare(job);
      // One that waits to be written counts too: else nothing would hold up those who wait for the window.
      this.#count(pending, Math.max(command.octets ?? 0, knownOctets(begun)));
      this.#pending.push(pending);
      this.#stored.unanswered += command.stores ?? 0;
      this.#output.enqueue(begun);
    });
    promise.catch(() => {});
    return promise;
  }

  /**
   * From its answer on both directions are raw DEFLATE (protocol 5). What is in flight is answered in clear before.
   *
   * @param level zlib level 1 to 9
   * @returns false if the replica refused
   */
  compress(level: number): Promise<boolean> {
    return this.submit({
      verb: 'COMPRESS',
      name: 'COMPRESS',
      args: () => 'DEFLATE',
      alone: true,
      result: () => {
        this.#transport.startCompression(level, Buffer.alloc(0));
        return true;
      },
      refused: () => ({ result: false }),
    });
  }

  window(): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#octetsInFlight < this.#window.limit) return Promise.resolve();
    if (this.#windowWaiters.length === 0) this.#transport.waiting.begin();
    return new Promise((resolve, reject) => {
      this.#windowWaiters.push({ resolve, reject });
    });
  }

  /** Sends the last command. The connection is closed as soon as all before it are answered. Settles then. */
  close(command: Command<void>): Promise<void> {
    const promise = this.submit(command);
    this.#closing = true;
    this.#onAlone = () => this.#transport.end();
    this.#tellIfAlone();
    return promise;
  }

  /** Octets that the handshake read too far. */
  octets(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  closed(reason: SyncError | undefined): void {
    this.#fail((name) => reason ?? zeroLengthResponse(name));
  }

  /** No octet for `milliseconds`: harmless while nothing is due. */
  silent(milliseconds: number): void {
    const name = this.waitingFor;
    if (name !== undefined) this.destroy(silenceError(milliseconds, name));
  }

  destroy(reason: SyncError): void {
    this.#fail(() => reason);
    this.#transport.destroy(reason);
  }

  #count(pending: Pending, octets: number): void {
    pending.octets += octets;
    this.#octetsInFlight += octets;
  }

  #untagged(name: ByteString, value: DlistValue): void {
    const pending = this.#oldest;
    if (pending === undefined) {
      throw linkError('IMAP_PROTOCOL_ERROR', `the replica sent ${name} while no answer was due`);
    }
    if (pending.failure !== undefined) return;
    try {
      pending.command.untagged?.(name, value);
    } catch (error) {
      pending.failure = SyncError.from(error);
    }
  }

  #notice(name: ByteString, text: ByteString): void {
    if (name === 'Fatal') {
      this.destroy(fatalError(this.waitingFor ?? 'idle', text));
    } else if (name === 'BYE' && !this.#closing) {
      this.destroy(byeResponse(text.slice('BYE '.length)));
    }
  }

  #final(line: ByteString): void {
    const pending = this.#oldest;
    const rest = pending?.tag === undefined ? line : withoutTag(line, pending.tag);
    const space = rest?.indexOf(' ') ?? -1;
    const word = rest === undefined ? '' : space < 0 ? rest : rest.slice(0, space);
    const text = rest === undefined ? line : rest.slice(word.length + 1);
    if (word === 'BYE') {
      this.destroy(byeResponse(text));
      return;
    }
    if (pending === undefined) {
      throw linkError(
        'IMAP_PROTOCOL_ERROR',
        `the replica sent ${JSON.stringify(line.slice(0, 200))} unasked`,
      );
    }
    const { command } = pending;
    switch (word) {
      case 'OK':
        this.#settle(pending, () => pending.resolve(command.result()));
        break;
      case 'NO': {
        const error = refusal(command.name, text);
        const instead = command.refused?.(error, text);
        this.#settle(pending, () => (instead ? pending.resolve(instead.result) : pending.reject(error)));
        break;
      }
      case 'BAD':
        // A server that could not store a message stops reading in its middle: the rest of it would be taken for commands.
        if (command.carriesFiles) {
          this.destroy(filesNotTaken(command.name, word, text));
          return;
        }
        this.#settle(pending, () => pending.reject(badResponse(command.name, word, text)));
        break;
      default:
        // Out of step with the server: which answer belongs to which command is no longer known.
        throw linkError('IMAP_PROTOCOL_ERROR', badResponse(command.name, word, text).message, {
          hint: 'The peer does not speak the replication protocol as Cyrus does, or octets were damaged on the way',
        });
    }
  }

  #settle(pending: Pending, finish: () => void): void {
    this.#shift();
    this.#octetsInFlight -= pending.octets;
    this.#octetsAnswered += pending.octets;
    this.#answers += 1;
    if (pending.failure !== undefined) {
      pending.reject(pending.failure);
    } else {
      try {
        finish();
      } catch (error) {
        pending.reject(SyncError.from(error));
      }
    }
    const wanting = this.#windowWaiters.length > 0;
    const now = nowMs();
    const servedMs = this.#served.answered(pending.submittedAt, now);
    const stored = pending.command.stores ?? 0;
    if (stored > 0) {
      this.#stored.answered += stored;
      this.#stored.unanswered -= stored;
      this.#stored.servedMs += servedMs;
    }
    if ((pending.command.octets ?? 0) >= JUDGED_OCTETS) {
      this.#window.answered(pending.octets, pending.submittedAt, now, wanting);
    }
    if (wanting && this.#octetsInFlight < this.#window.limit) {
      const waiters = this.#windowWaiters;
      this.#windowWaiters = [];
      this.#transport.waiting.end();
      for (const waiter of waiters) waiter.resolve();
    }
  }

  /** A moving head: shift() on an array of many thousand commands in flight copies it each time. */
  #shift(): void {
    this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head);
      this.#head = 0;
    }
    this.#tellIfAlone();
  }

  #tellIfAlone(): void {
    if (this.#onAlone === undefined || this.#pending.length - this.#head > 1) return;
    this.#onAlone();
    this.#onAlone = undefined;
  }

  #fail(reasonFor: (name: string) => SyncError): void {
    if (this.#broken !== undefined) return;
    const oldest = this.#oldest?.command;
    const outstanding = oldest && { command: oldest.name, mailbox: oldest.mailbox };
    this.#broken = reasonFor(this.waitingFor ?? 'idle');
    this.#output.stop();
    const failed = this.#pending.slice(this.#head);
    this.#pending = [];
    this.#head = 0;
    this.#octetsInFlight = 0;
    for (const { reject, failure, command } of failed) {
      reject(failure ?? reasonFor(command.name).within({ outstanding }));
    }
    for (const waiter of this.#windowWaiters) waiter.reject(this.#broken);
    this.#windowWaiters = [];
  }
}

function withoutTag(line: ByteString, tag: string): ByteString | undefined {
  return line.startsWith(`${tag} `) ? line.slice(tag.length + 1) : line.startsWith('BYE ') ? line : undefined;
}

function closedByUs(): SyncError {
  return linkError('LINK_BROKEN', 'the session was closed by exit()', { retryable: false });
}
