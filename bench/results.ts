import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import type { PingResult } from './ping.ts';
import type { RollingWork } from './rolling/rolling-work.ts';

/** Which run it is of its case. */
export interface RunKey {
  /** Milliseconds. */
  roundTrip: number;
  contender: string;
  round: number;
}

/** One timed run. */
export interface Run extends RunKey {
  /** Seconds. */
  wall: number;
  user: number;
  system: number;
  /** Octets. */
  peakRss: number;
  /** Octets from client to server and back, counted by the proxy; null without one. */
  up: number | null;
  down: number | null;
  connections: number | null;
  /** Seconds from start to the first octet that the client sent; the replica's greeting came before it. */
  firstOctet?: number | null;
  /** Processor seconds of the replica's processes. */
  serverCpu: number;
  /** Processor seconds of the proxy that is the link; a real one takes none of the machine. */
  linkCpu?: number;
  /** Processors of the machine that nobody used, in the mean of the run. */
  idleProcessors?: number;
  /** Octets of the replica's spool on disk, a message with several names counted once. */
  spoolOctets?: number;
  /** Seconds for which the replica's list of mailboxes was locked by transactions that were flushed. */
  listLockedSeconds?: number;
  /** Load average of the last minute when the run began: what else the machine had to do, and the runs before. */
  load?: number;
}

/** The store that was worked on. */
export interface Work {
  users: number;
  mailboxes: number;
  messages: number;
  octets: number;
  /** Octets per second of delayed links; 0 = unlimited. */
  rate: number;
  /** The work of a rolling case. */
  rolling?: RollingWork;
}

export interface CaseResult<R extends RunKey = Run> {
  case: string;
  title: string;
  machine: Machine;
  /** Digest of the compiled program that was measured. */
  code: string;
  work: Work;
  pings: PingResult[];
  runs: R[];
}

/** A case's results on disk: written after every run, so that an interrupted case goes on where it was. */
export class ResultFile<R extends RunKey = Run> {
  readonly #path: string;
  readonly result: CaseResult<R>;

  /** @throws if older results are of another machine, program or size, unless `fresh` */
  constructor(directory: string, begun: CaseResult<R>, fresh: boolean) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, `${begun.case}.json`);
    const older = fresh ? undefined : readResult<R>(directory, begun.case);
    if (older !== undefined) refuseOthers(this.#path, older, begun);
    this.result = older ?? begun;
  }

  has(roundTrip: number, contender: string, round: number): boolean {
    return this.result.runs.some(
      (run) => run.roundTrip === roundTrip && run.contender === contender && run.round === round,
    );
  }

  add(run: R): void {
    this.result.runs.push(run);
    this.save();
  }

  addPing(ping: PingResult): void {
    this.result.pings = [...this.result.pings.filter((each) => each.roundTrip !== ping.roundTrip), ping];
    this.save();
  }

  save(): void {
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.result, rounded, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

export function readResult<R extends RunKey = Run>(directory: string, id: string): CaseResult<R> | undefined {
  const path = join(directory, `${id}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as CaseResult<R>) : undefined;
}

/** Digest of all that runs: results of different programs are never mixed. */
export function codeDigest(dist: string): string {
  const digest = createHash('sha1');
  for (const part of ['bin', 'src', 'workers']) {
    const files = readdirSync(join(dist, part), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((each) => each.endsWith('.js')).sort()) {
      digest.update(file).update(readFileSync(join(dist, part, file)));
    }
  }
  return digest.digest('hex').slice(0, 12);
}

function refuseOthers(path: string, older: CaseResult<RunKey>, begun: CaseResult<RunKey>): void {
  const of = ({ machine, code, work }: CaseResult<RunKey>) => {
    const { cyrusSync: _commit, ...hardware } = machine;
    return JSON.stringify({ ...hardware, code, ...work });
  };
  if (of(older) === of(begun)) return;
  throw new Error(
    `${path} holds results of another program, machine or size: give --fresh or another --results\n` +
      `there: ${of(older)}\nnow:   ${of(begun)}`,
  );
}

/** Milliseconds and thousandths are all that was measured. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
