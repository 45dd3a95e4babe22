import { SyncError } from '../../src/report/sync-error.ts';
import { formatLogLine, type LogLine } from '../../src/rolling/log/log-line.ts';
import type { ParsedLine } from '../../src/rolling/log/log-parser.ts';
import type { LogBacklog, SyncLog, TakenLog } from '../../src/rolling/log/sync-log.ts';

/** The master's sync log on the disk, whoever dies: `log`, which Cyrus writes, and `log-run`, which a reader keeps. */
export interface LogOnDisk {
  log: LogLine[];
  run: LogLine[];
  /** Nothing can be written. */
  full: boolean;
}

/** A line that is at work when it comes again waits for another turn. */
const MOST_ALIKE = 2;

/** The log as one reader has it, until that is killed: afterwards nothing that it does has an effect. */
export class SimulatedLog implements SyncLog {
  readonly file = 'log';
  readonly #disk: LogOnDisk;
  readonly #isDead: () => boolean;
  readonly #violate: (what: string) => void;
  /** `log-run` is ours, and queued. */
  #taken = false;

  constructor(disk: LogOnDisk, isDead: () => boolean, violate: (what: string) => void) {
    this.#disk = disk;
    this.#isDead = isDead;
    this.#violate = violate;
  }

  async take(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined> {
    if (this.#isDead()) return undefined;
    const disk = this.#disk;
    const leftover = !this.#taken && disk.run.length > 0;
    if (!leftover && disk.log.length === 0) return undefined;
    const lines = leftover ? disk.run : disk.log;
    if (!leftover) {
      this.#write();
      disk.run = [...(this.#taken ? this.#each(pending()) : []), ...disk.log];
      disk.log = [];
    }
    this.#taken = false;
    for (const [index, each] of lines.entries()) line({ kind: 'line', number: index + 1, line: each });
    const taken = { file: this.file, since: Date.now(), leftover };
    queue(taken);
    this.#taken = true;
    return taken;
  }

  done(): void {
    if (this.#taken && !this.#isDead()) this.#disk.run = [];
    this.#taken = false;
  }

  keep(pending: Iterable<LogLine>): void {
    if (this.#taken && !this.#isDead()) this.#disk.run = this.#each(pending);
  }

  relog = async (lines: readonly LogLine[]): Promise<void> => {
    if (this.#isDead()) return;
    this.#write();
    this.#disk.log.push(...lines);
  };

  waiting(): LogBacklog {
    const { log, run } = this.#disk;
    const lines = log.length + (this.#taken ? 0 : run.length);
    return { lines, octets: lines, since: lines > 0 ? Date.now() : undefined };
  }

  /** @throws SyncError IO */
  #write(): void {
    if (this.#disk.full) throw new SyncError('IO', 'no space left on device', { phase: 'log' });
  }

  /** The lines that are held are bounded by what there is to do, not by how often it was logged or tried. */
  #each(pending: Iterable<LogLine>): LogLine[] {
    const lines = [...pending];
    const different = new Set(lines.map(formatLogLine)).size;
    if (lines.length > MOST_ALIKE * different)
      this.#violate(`${lines.length} lines are held, of which ${different} are different`);
    return lines;
  }
}
