import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cyrusIdentity } from '../../test/lab/processes.ts';
import { killGroup, PeakMemory, processorSeconds } from '../peak-memory.ts';

/** Milliseconds that a client gets to leave after TERM. */
const STOP_DEADLINE = 30_000;
/** EX_TEMPFAIL: a client that was told to stop. */
const EXIT_STOPPED = 75;
/** Words of our log on trouble; it says nothing else of importance. */
const TROUBLE = /error|failed|lost|quarantine|refused|retrying/i;

/** `-R` of one client, from its start until `stop`. */
export class RollingClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #peak: PeakMemory;
  readonly #log: string;
  readonly #onExit = () => killGroup(this.#pid);
  #stderr = '';

  /** @param directory of the master */
  constructor(command: readonly string[], directory: string) {
    const [program = '', ...args] = command;
    this.#log = join(directory, `rolling-${process.hrtime.bigint()}.log`);
    this.#child = spawn(program, args, {
      ...cyrusIdentity(),
      cwd: directory,
      env: { ...process.env, LC_ALL: 'C', CASSANDANE_SYSLOG_FNAME: this.#log },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    if (this.#child.pid === undefined) throw new Error(`${program} could not be started`);
    this.#pid = this.#child.pid;
    this.#peak = new PeakMemory(this.#pid, 'counts');
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    process.once('exit', this.#onExit);
  }

  get processorSeconds(): number {
    return processorSeconds(this.#pid);
  }

  /** Octets. */
  get peakMemory(): number {
    return this.#peak.octets;
  }

  /** Lines in which the client said what went wrong. The C client's own log goes to syslog and is not seen here. */
  get troubles(): string[] {
    const log = existsSync(this.#log) ? readFileSync(this.#log, 'latin1') : '';
    const lines = `${this.#stderr}\n${log}`.split('\n');
    return lines.filter((line) => TROUBLE.test(line));
  }

  /** @throws unless it had been running until now and leaves as one that is told to */
  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) {
      throw new Error(`the client ended by itself with ${signalCode ?? exitCode}\n${this.#stderr}`);
    }
    const exited = once(this.#child, 'exit');
    killGroup(this.#pid, 'SIGTERM');
    const timer = setTimeout(() => killGroup(this.#pid), STOP_DEADLINE);
    const [code] = (await exited) as [number | null];
    clearTimeout(timer);
    if (code === EXIT_STOPPED) return;
    throw new Error(`the client exited ${code} when told to stop\n${this.#stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peak[Symbol.dispose]();
    process.off('exit', this.#onExit);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    killGroup(this.#pid);
    await exited;
  }
}
