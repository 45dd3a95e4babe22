import { SyncError } from '../report/sync-error.ts';
import { hiddenOctets, type Traffic } from './wire/traffic.ts';
import type { Transport } from './wire/transport.ts';

/** Text of the protocol (latin1), or a body: octets that go out as they are and are not shown to traffic listeners. */
export type Piece = string | Buffer | { hidden: string };

/** What stands behind a command's verb: made when the command is submitted, in pieces as they are written. */
export type CommandArgs = (() => string) | Iterable<Piece> | AsyncIterable<Piece>;

export interface OutputJob {
  prefix: string;
  args: CommandArgs | undefined;
  onWritten(octets: number): void;
  /** It failed half written: the link cannot be used any more. */
  onFailed(error: SyncError): void;
}

/** A job whose first piece exists already. */
export interface PreparedJob {
  job: OutputJob;
  first: Piece | undefined;
  rest: Iterator<Piece> | AsyncIterator<Piece> | undefined;
}

/**
 * Writes commands one after another. A command whose pieces are there at once leaves at once; one that has to wait, for
 * the kernel to take more or for a file to be read, holds up those behind it.
 */
export class OutputQueue {
  readonly #transport: Transport;
  readonly #traffic: Traffic;
  #jobs: PreparedJob[] = [];
  #running = false;
  #stopped = false;

  constructor(transport: Transport, traffic: Traffic) {
    this.#transport = transport;
    this.#traffic = traffic;
  }

  /**
   * Makes the first piece, so that a command that cannot be encoded fails before anything of it is written.
   * @throws whatever the iterable throws
   */
  prepare(job: OutputJob): PreparedJob {
    const { args } = job;
    if (args === undefined) return { job, first: undefined, rest: undefined };
    if (typeof args === 'function') return { job, first: args(), rest: undefined };
    if (Symbol.asyncIterator in args) return { job, first: undefined, rest: args[Symbol.asyncIterator]() };
    const rest = args[Symbol.iterator]();
    const { value, done } = rest.next();
    return { job, first: done ? undefined : value, rest: done ? undefined : rest };
  }

  enqueue(prepared: PreparedJob): void {
    this.#jobs.push(prepared);
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#jobs = [];
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#jobs.shift(); next !== undefined && !this.#stopped; next = this.#jobs.shift()) {
      try {
        const waiting = this.#writeJob(next);
        if (waiting !== undefined) await waiting;
      } catch (error) {
        next.job.onFailed(SyncError.from(error));
      }
    }
    this.#running = false;
  }

  #writeJob(prepared: PreparedJob): Promise<void> | undefined {
    const { job, first, rest } = prepared;
    if (rest !== undefined) return this.#writePieces(job, first, rest);
    const args = first === undefined ? '' : first;
    this.#write(
      job,
      typeof args === 'string'
        ? [args === '' ? `${job.prefix}\r\n` : `${job.prefix} ${args}\r\n`]
        : [`${job.prefix} `, args, '\r\n'],
    );
    return this.#transport.full ? this.#transport.drained() : undefined;
  }

  async #writePieces(
    job: OutputJob,
    first: Piece | undefined,
    rest: Iterator<Piece> | AsyncIterator<Piece>,
  ): Promise<void> {
    this.#write(job, first === undefined ? [`${job.prefix} `] : [`${job.prefix} `, first]);
    for (;;) {
      if (this.#transport.full) await this.#transport.drained();
      if (this.#stopped) {
        await rest.return?.();
        return;
      }
      const step = rest.next();
      const { value, done } = step instanceof Promise ? await step : step;
      if (done) break;
      this.#write(job, [value]);
    }
    this.#write(job, ['\r\n']);
  }

  #write(job: OutputJob, pieces: readonly Piece[]): void {
    let octets = 0;
    let shown = '';
    for (const piece of pieces) {
      const content = typeof piece === 'object' && 'hidden' in piece ? piece.hidden : piece;
      this.#transport.write(content);
      octets += content.length;
      if (this.#traffic.wanted) shown += typeof piece === 'string' ? piece : hiddenOctets(content.length);
    }
    job.onWritten(octets);
    if (this.#traffic.wanted) this.#traffic.sent(shown);
  }
}
