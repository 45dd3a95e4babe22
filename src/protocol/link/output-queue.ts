import { SyncError } from '../../report/sync-error.ts';
import { hiddenOctets, type Traffic } from '../wire/traffic.ts';
import type { Transport } from '../wire/transport.ts';

/** Text of the protocol (latin1), or a body: octets that go out as they are and are not shown to traffic listeners. */
export type Piece = string | Buffer | { hidden: string };

/**
 * A command's arguments, behind its verb, in pieces as they are written. A function is called when the command is
 * submitted, and what it throws fails the command before anything of it is written.
 */
export type CommandArgs = (() => Pieces) | Pieces;
type Pieces = string | Iterable<Piece> | AsyncIterable<Piece>;

export interface OutputJob {
  prefix: string;
  args: CommandArgs | undefined;
  /** Nothing is written behind it before this is over. */
  until: Promise<void> | undefined;
  onWritten(octets: number): void;
  /** It failed half written: the link cannot be used any more. */
  onFailed(error: SyncError): void;
  /** Called once nothing more of it is written, be it whole, failed or never begun. */
  release(): void;
}

/** A job whose first piece exists already. */
export interface PreparedJob {
  job: OutputJob;
  first: Piece | undefined;
  rest: Iterator<Piece> | undefined;
  /** Instead of `rest` where pieces have to be waited for. */
  later: AsyncIterator<Piece> | undefined;
}

/** Octets that it is known to put on the wire before it has begun. */
export function knownOctets({ job, first, later }: PreparedJob): number {
  const around = first === undefined && later === undefined ? '\r\n' : ' \r\n';
  return job.prefix.length + around.length + (first === undefined ? 0 : contentOf(first).length);
}

function contentOf(piece: Piece): string | Buffer {
  return typeof piece === 'object' && 'hidden' in piece ? piece.hidden : piece;
}

/** Octets of a long command that traffic listeners are shown in one call; a short command is one call. */
const SHOWN_AT_ONCE = 32 * 1024;

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
  #shown = '';

  constructor(transport: Transport, traffic: Traffic) {
    this.#transport = transport;
    this.#traffic = traffic;
  }

  /**
   * Makes the first piece, so that a command that cannot be encoded fails before anything of it is written.
   * @throws whatever the iterable throws; the job is released then
   */
  prepare(job: OutputJob): PreparedJob {
    try {
      return this.#prepare(job);
    } catch (caught) {
      job.release();
      throw caught;
    }
  }

  #prepare(job: OutputJob): PreparedJob {
    const prepared: PreparedJob = { job, first: undefined, rest: undefined, later: undefined };
    const args = typeof job.args === 'function' ? job.args() : job.args;
    if (args === undefined) return prepared;
    if (typeof args === 'string') return { ...prepared, first: args };
    if (Symbol.asyncIterator in args) return { ...prepared, later: args[Symbol.asyncIterator]() };
    const rest = args[Symbol.iterator]();
    const { value, done } = rest.next();
    return done ? prepared : { ...prepared, first: value, rest };
  }

  enqueue(prepared: PreparedJob): void {
    this.#jobs.push(prepared);
    if (!this.#running) void this.#run();
  }

  /**
   * Ends for good. Iterators that were not read to their end are told so, which reaches what they hold only if they had
   * begun: the rest is released. The job that is being written sees to itself.
   */
  stop(): void {
    this.#stopped = true;
    const dropped = this.#jobs;
    this.#jobs = [];
    for (const prepared of dropped) abandon(prepared);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#jobs.shift(); next !== undefined && !this.#stopped; next = this.#jobs.shift()) {
      try {
        const waiting = this.#writeJob(next);
        if (waiting !== undefined) await waiting;
        if (next.job.until !== undefined) await next.job.until;
      } catch (error) {
        next.job.onFailed(SyncError.from(error));
      } finally {
        next.job.release();
      }
      this.#showSent();
    }
    this.#running = false;
  }

  /** @returns undefined if all was written at once */
  #writeJob({ job, first, rest, later }: PreparedJob): Promise<void> | undefined {
    const { prefix } = job;
    if (later !== undefined) return this.#writeLater(job, later);
    if (rest !== undefined) {
      this.#write(job, first === undefined ? [`${prefix} `] : [`${prefix} `, first]);
      return this.#writeRest(job, rest);
    }
    if (first === undefined) this.#write(job, [`${prefix}\r\n`]);
    else this.#write(job, [`${prefix} `, first, '\r\n']);
    return this.#transport.full ? this.#transport.drained() : undefined;
  }

  #writeRest(job: OutputJob, rest: Iterator<Piece>): Promise<void> | undefined {
    while (!this.#stopped) {
      if (this.#transport.full) return this.#transport.drained().then(() => this.#writeRest(job, rest));
      const { value, done } = rest.next();
      if (done) {
        this.#write(job, ['\r\n']);
        return undefined;
      }
      this.#write(job, [value]);
    }
    rest.return?.();
    return undefined;
  }

  async #writeLater(job: OutputJob, later: AsyncIterator<Piece>): Promise<void> {
    this.#write(job, [`${job.prefix} `]);
    while (!this.#stopped) {
      if (this.#transport.full) await this.#transport.drained();
      const { value, done } = await later.next();
      if (done) {
        this.#write(job, ['\r\n']);
        return;
      }
      this.#write(job, [value]);
    }
    await later.return?.();
  }

  #write(job: OutputJob, pieces: readonly Piece[]): void {
    let octets = 0;
    for (const piece of pieces) {
      const content = contentOf(piece);
      this.#transport.write(content);
      octets += content.length;
      if (this.#traffic.wanted)
        this.#shown += typeof piece === 'string' ? piece : hiddenOctets(content.length);
    }
    job.onWritten(octets);
    if (this.#shown.length > SHOWN_AT_ONCE) this.#showSent();
  }

  #showSent(): void {
    if (this.#shown !== '') this.#traffic.sent(this.#shown);
    this.#shown = '';
  }
}

function abandon({ job, rest, later }: PreparedJob): void {
  rest?.return?.();
  // How the end of a stream that nobody reads any more goes is nobody's concern; its command has failed already.
  later?.return?.().catch(() => {});
  job.release();
}
